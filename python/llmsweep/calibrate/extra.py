"""Packages that only some commands need."""

from importlib import import_module

from llmsweep.errors import UnavailableError


def need(extra: str, *packages: str) -> None:
    """Refuses where a package is missing.

    Raises:
        UnavailableError: The sentence says what to install.

    Example:
        >>> need("calibrate", "json")
    """
    for package in packages:
        try:
            import_module(package)
        except ImportError as error:
            raise UnavailableError(
                f"the Python package {package} is missing: pip install 'llmsweep[{extra}]' brings it"
            ) from error
