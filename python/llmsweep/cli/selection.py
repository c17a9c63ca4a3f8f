"""Which rows of a sweep a person sees: the front, the front of some rows, or the best few by one column."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import polars as pl

from llmsweep import _core, pareto
from llmsweep.cli import near
from llmsweep.errors import DataError
from llmsweep.frame import to_frame
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


def keep_where(frame: pl.DataFrame, expression: pl.Expr) -> pl.DataFrame:
    """The rows for which the expression is true; labels compare and match as text.

    Raises:
        DataError: The expression does not fit the columns' types.
    """
    text = frame.lazy().select(pl.col(pl.Enum).cast(pl.String)).collect()
    try:
        mask = frame.with_columns(text).select(expression.alias("mask"))["mask"]
        return frame.filter(mask)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise DataError(f"--where can't be evaluated: {str(error).partition(chr(10))[0]}") from error


@dataclass(frozen=True)
class Query:
    """What the options of ``run`` ask for."""

    sweep: _core.Sweep
    where: pl.Expr | None
    top: int | None
    order: Order
    distinct: bool
    threads: int | None
    progress: Callable[[int, int], None]

    def everything(self, names: Sequence[str] | None) -> pl.DataFrame:
        """All rows, infeasible ones too, that meet ``--where``."""
        wanted = names
        if names is not None and self.where is not None:
            wanted = list(dict.fromkeys([*names, *self.where.meta.root_names()]))
        frame = to_frame(self.sweep.run("all", wanted, threads=self.threads, progress=self.progress))
        if self.where is not None:
            frame = keep_where(frame, self.where)
        return frame if names is None else frame.select(names)

    def best(self) -> tuple[pl.DataFrame, dict[str, Any]]:
        """The rows to show, with every column, and the statistics of the run.

        With ``--where`` or ``--top`` only the columns that decide are computed for all rows, and the others for those
        that remain.
        """
        objectives = self.sweep.pareto
        if self.where is None and self.top is None:
            result = self.sweep.run("front", threads=self.threads, progress=self.progress)
            return self._sorted(to_frame(result), objectives["by"]), json.loads(result.stats)
        deciding = [self.order.column] if self.top else [name for names in objectives.values() for name in names]
        tested = self.where.meta.root_names() if self.where is not None else []
        wanted = list(dict.fromkeys(["row_id", *deciding, *tested]))
        result = self.sweep.run("feasible", wanted, threads=self.threads, progress=self.progress)
        frame, stats = to_frame(result), json.loads(result.stats)
        if self.where is not None:
            frame = keep_where(frame, self.where)
            stats["selected"] = frame.height
        groups: Sequence[str] = ()
        if self.top is not None:
            frame = self._sorted(frame.drop_nulls(self.order.column)).head(self.top)
        elif frame.height:
            groups = objectives["by"]
            frame = pareto(
                frame, objectives["minimize"], objectives["maximize"], objectives["by"], distinct=self.distinct
            )
            stats["front"] = frame.height
        rows = to_frame(self.sweep.rows(frame["row_id"].to_list()))
        return self._sorted(rows, groups), stats

    def _sorted(self, frame: pl.DataFrame, groups: Sequence[str] = ()) -> pl.DataFrame:
        """Best first within each group, ties by row."""
        keys = [*groups, self.order.column, *(["row_id"] if self.order.column != "row_id" else [])]
        descending = [key == self.order.column and self.order.descending for key in keys]
        return frame.sort(keys, descending=descending, nulls_last=True)
