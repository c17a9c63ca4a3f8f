"""Folders in which catalogue entries are looked for."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path


def shipped_catalog() -> Path:
    """The folder that comes with the package."""
    return Path(__file__).parent / "catalog"


def user_catalog() -> Path:
    """The user's own folder, whether it exists or not.

    ``$LLMSWEEP_CATALOG`` where that is set; else ``llmsweep/catalog`` under ``%APPDATA%`` on Windows and under
    ``$XDG_CONFIG_HOME`` or ``~/.config`` elsewhere.
    """
    if chosen := os.environ.get("LLMSWEEP_CATALOG"):
        return Path(chosen).expanduser()
    variable = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / ".config") / "llmsweep" / "catalog"


def catalog_directories(extra: Iterable[str | os.PathLike[str]] = ()) -> list[Path]:
    """Catalogue folders, in the order in which later entries replace earlier ones of the same id.

    Args:
        extra: Further folders, each strongest so far; they must exist.

    Returns:
        The shipped folder, the user's if it exists, then ``extra``.

    Raises:
        CatalogError: A folder of ``extra`` or ``$LLMSWEEP_CATALOG`` does not exist.

    Example:
        >>> catalog_directories()[0].name
        'catalog'
    """
    from llmsweep._core import CatalogError

    user = user_catalog()
    folders = [Path(folder).expanduser() for folder in extra]
    required = [user, *folders] if os.environ.get("LLMSWEEP_CATALOG") else folders
    for folder in required:
        if not folder.is_dir():
            raise CatalogError(f'the catalogue folder "{folder}" does not exist')
    return [shipped_catalog(), *([user] if user.is_dir() else []), *folders]
