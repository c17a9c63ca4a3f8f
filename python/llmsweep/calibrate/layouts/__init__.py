"""Public layouts of timings, recognised by their columns and turned into the canonical table.

One module per layout, each with `COLUMNS`, the columns that mark it, and `canonical(frame, stem)`, which returns the
table and sentences on what was left out; `SOURCES`, where a module has it, are keys of the catalogue's sources.
"""

import pkgutil
from collections.abc import Collection, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import polars as pl


class Layout(Protocol):
    """What a module of a layout has."""

    __name__: str
    COLUMNS: frozenset[str]

    def canonical(self, frame: "pl.DataFrame", stem: str) -> "tuple[pl.DataFrame, list[str]]":
        """The canonical table of a file with this name, and sentences on what was left out."""


@cache
def layouts() -> Sequence[Layout]:
    """Every layout, the one that asks for most columns first."""
    modules = (import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = [cast(Layout, module) for module in modules if hasattr(module, "canonical")]
    return sorted(found, key=lambda layout: (-len(layout.COLUMNS), layout.__name__))


def recognise(columns: Collection[str]) -> Layout | None:
    """The layout whose columns are all there."""
    return next((layout for layout in layouts() if set(columns) >= layout.COLUMNS), None)


def name_of(layout: Layout) -> str:
    """A layout's name in sentences."""
    return layout.__name__.rpartition(".")[2]


def sources_of(layout: Layout) -> tuple[str, ...]:
    """Keys of the catalogue's sources of a layout's timings."""
    return tuple(getattr(layout, "SOURCES", ()))
