"""Which rows of a sweep a person sees: the front, the front of some rows, or the best few by one column."""

from collections.abc import Sequence
from dataclasses import dataclass

import click
import polars as pl

from llmsweep import _core
from llmsweep.names import near
from llmsweep.registries import axes, columns


@dataclass(frozen=True)
class Order:
    """A column to sort by, and whether its largest value comes first."""

    column: str
    descending: bool

    @classmethod
    def parse(cls, text: str | None, sweep: _core.Sweep) -> "Order":
        """Reads ``COL``, ``COL:asc`` or ``COL:desc``; without a direction the better end comes first.

        Which end is better the sweep's objectives say, or else the registry of columns.

        Raises:
            UsageError: The phase has no such column, or the direction is neither.
        """
        minimize, maximize = sweep.pareto["minimize"], sweep.pareto["maximize"]
        if text is None:
            return cls(minimize[0], descending=False) if minimize else cls(maximize[0], descending=True)
        name, _, direction = text.partition(":")
        check_columns("--by", [name], sweep.phase)
        if direction not in ("", "asc", "desc"):
            raise click.UsageError(f'--by: direction "{direction}" must be asc or desc')
        if direction:
            return cls(name, descending=direction == "desc")
        more_is_better = any(entry["name"] == name and entry["higher_is_better"] for entry in columns(sweep.phase))
        return cls(name, descending=name in maximize or (more_is_better and name not in minimize))

    def apply(self, frame: pl.DataFrame, groups: Sequence[str] = ()) -> pl.DataFrame:
        """Best first within each group, ties by row."""
        keys = list(dict.fromkeys([*groups, self.column, "row_id"]))
        descending = [key == self.column and self.descending for key in keys]
        return frame.sort(keys, descending=descending, nulls_last=True)


def parse_where(text: str, phase: str) -> pl.Expr:
    """Reads a Polars SQL expression over the columns of a phase.

    Raises:
        UsageError: It can't be parsed or names a column that the phase does not have.
    """
    try:
        expression = pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise click.UsageError(f'--where "{text}" is no SQL expression: {reason}') from error
    check_columns("--where", expression.meta.root_names(), phase)
    return expression


def check_columns(option: str, names: Sequence[str], phase: str) -> None:
    """Refuses a name that is no column of the phase.

    Raises:
        UsageError: With the nearest name.
    """
    known = [entry["name"] for entry in (*columns(phase), *axes(phase))]
    for name in names:
        if name not in known:
            hint = near(name, known, f"llmsweep columns --phase {phase}")
            raise click.UsageError(f'{option}: {phase} has no column "{name}"{hint}')
