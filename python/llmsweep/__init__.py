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
    from llmsweep.compare.run import compare
    from llmsweep.directories import catalog_directories
    from llmsweep.fleet.demand import Demand
    from llmsweep.fleet.pool import size_pool
    from llmsweep.fleet.size import size_fleet
    from llmsweep.pareto import on_front, pareto
    from llmsweep.registries import registry
    from llmsweep.scan import scan, stream
    from llmsweep.select.run import select
    from llmsweep.sensitivity import break_even, sensitivity, what_if

_HOMES = {
    "CatalogError": ("llmsweep._core", "CatalogError"),
    "DataError": ("llmsweep._core", "DataError"),
    "Demand": ("llmsweep.fleet.demand", "Demand"),
    "LlmsweepError": ("llmsweep._core", "LlmsweepError"),
    "SpecError": ("llmsweep._core", "SpecError"),
    "__version__": ("llmsweep._core", "VERSION"),
    "break_even": ("llmsweep.sensitivity.rental", "break_even"),
    "catalog_directories": ("llmsweep.directories", "catalog_directories"),
    "claims": ("llmsweep.claims", "claims"),
    "compare": ("llmsweep.compare.run", "compare"),
    "evaluate": ("llmsweep.api", "evaluate"),
    "explain": ("llmsweep.api", "explain"),
    "on_front": ("llmsweep.pareto", "on_front"),
    "pareto": ("llmsweep.pareto", "pareto"),
    "registry": ("llmsweep.registries", "registry"),
    "scan": ("llmsweep.scan", "scan"),
    "select": ("llmsweep.select.run", "select"),
    "size_fleet": ("llmsweep.fleet.size", "size_fleet"),
    "size_pool": ("llmsweep.fleet.pool", "size_pool"),
    "sensitivity": ("llmsweep.sensitivity.elasticity", "sensitivity"),
    "stream": ("llmsweep.scan", "stream"),
    "sweep": ("llmsweep.api", "sweep"),
    "what_if": ("llmsweep.sensitivity.factors", "what_if"),
}

__all__ = [
    "CatalogError",
    "DataError",
    "Demand",
    "LlmsweepError",
    "SpecError",
    "__version__",
    "break_even",
    "catalog_directories",
    "claims",
    "compare",
    "evaluate",
    "explain",
    "on_front",
    "pareto",
    "registry",
    "scan",
    "select",
    "sensitivity",
    "size_fleet",
    "size_pool",
    "stream",
    "sweep",
    "what_if",
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
