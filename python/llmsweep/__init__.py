"""Sweeps LLM training and inference setups and keeps the ones worth having.

Importing this package is cheap: Polars and the Rust core load on first use of a name below.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmsweep._core import VERSION as __version__
    from llmsweep._core import CatalogError, DataError, LlmsweepError, SpecError
    from llmsweep.api import evaluate, explain, sweep
    from llmsweep.claims import claims
    from llmsweep.directories import catalog_directories
    from llmsweep.pareto import on_front, pareto
    from llmsweep.registries import registry
    from llmsweep.scan import scan, stream

_HOMES = {
    "CatalogError": ("llmsweep._core", "CatalogError"),
    "DataError": ("llmsweep._core", "DataError"),
    "LlmsweepError": ("llmsweep._core", "LlmsweepError"),
    "SpecError": ("llmsweep._core", "SpecError"),
    "__version__": ("llmsweep._core", "VERSION"),
    "catalog_directories": ("llmsweep.directories", "catalog_directories"),
    "claims": ("llmsweep.claims", "claims"),
    "evaluate": ("llmsweep.api", "evaluate"),
    "explain": ("llmsweep.api", "explain"),
    "on_front": ("llmsweep.pareto", "on_front"),
    "pareto": ("llmsweep.pareto", "pareto"),
    "registry": ("llmsweep.registries", "registry"),
    "scan": ("llmsweep.scan", "scan"),
    "stream": ("llmsweep.scan", "stream"),
    "sweep": ("llmsweep.api", "sweep"),
}

__all__ = [
    "CatalogError",
    "DataError",
    "LlmsweepError",
    "SpecError",
    "__version__",
    "catalog_directories",
    "claims",
    "evaluate",
    "explain",
    "on_front",
    "pareto",
    "registry",
    "scan",
    "stream",
    "sweep",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps the functions `claims` and `pareto` in reach: importing submodules of those names would hide them."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
