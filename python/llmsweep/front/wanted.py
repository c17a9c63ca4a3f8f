"""What is asked of a front, and how a frame answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from llmsweep import _core

Columns: TypeAlias = str | Sequence[str]
Epsilon: TypeAlias = float | Mapping[str, float]


@dataclass(frozen=True)
class Front:
    """A front: which objectives, in which groups, and how much of it."""

    minimize: tuple[str, ...]
    maximize: tuple[str, ...]
    by: tuple[str, ...]
    distinct: bool
    epsilon: Epsilon | None
    top: int | None
    order: str | None

    @classmethod
    def of(
        cls,
        minimize: Columns,
        maximize: Columns,
        by: Columns = (),
        *,
        distinct: bool,
        epsilon: Epsilon | None = None,
        top: int | None = None,
        order: str | None = None,
    ) -> Front:
        """Takes a single name for a list of one.

        Raises:
            DataError: `top` is below 1, or an order is given without it.
        """
        if top is not None and top < 1:
            raise _core.DataError(f"top must be a whole number of at least 1, not {top}")
        if top is None and order is not None:
            raise _core.DataError(f'order "{order}" says which rows are the top; give top too')
        return cls(_names(minimize), _names(maximize), _names(by), distinct, epsilon, top, order)

    @property
    def columns(self) -> list[str]:
        """Every column that decides, once."""
        order = [self._sorted_by()[0]] if self.top else []
        return list(dict.fromkeys([*self.minimize, *self.maximize, *self.by, *order]))

    def check(self) -> None:
        """Finds what is wrong whatever the frame.

        Raises:
            DataError: There is no objective, or epsilon is given for another column.
        """
        if not (self.minimize or self.maximize):
            raise _core.DataError("a Pareto front needs at least one column to minimize or maximize")
        self._epsilons()

    def positions(self, frame: pl.DataFrame) -> pl.Series:
        """The rows on the front by number, ascending.

        Raises:
            DataError: A column is missing or of a kind that doesn't fit, or there is no objective.
        """
        wanted = self.columns
        # With a name missing the core sees the whole frame, so that it can suggest what was meant.
        is_complete = set(wanted) <= set(frame.columns)
        table = frame.select(wanted) if is_complete and wanted else frame
        found = _core.pareto(
            table, self.minimize, self.maximize, self.by, distinct=self.distinct, epsilon=self._epsilons()
        )
        positions = pl.Series(found, dtype=pl.get_index_type())
        return positions if self.top is None else self._first(frame, positions, self.top)

    def mask(self, frame: pl.DataFrame) -> pl.Series:
        """For each row whether it is on the front."""
        return pl.zeros(frame.height, pl.Boolean, eager=True).scatter(self.positions(frame), values=True)

    def _epsilons(self) -> list[float]:
        objectives = [*self.minimize, *self.maximize]
        if self.epsilon is None:
            return []
        if not isinstance(self.epsilon, Mapping):
            return [self.epsilon] * len(objectives)
        if strange := [name for name in self.epsilon if name not in objectives]:
            raise _core.DataError(
                f'epsilon is given for "{strange[0]}", which is no objective; these are {", ".join(objectives)}'
            )
        return [self.epsilon.get(name, 0.0) for name in objectives]

    def _sorted_by(self) -> tuple[str, bool]:
        """The column that `top` goes by, and whether its largest values come first."""
        if self.order is None:
            first = next(iter((*self.minimize, *self.maximize)), "")
            return first, first in self.maximize
        name, _, direction = self.order.rpartition(":")
        if name and direction in ("asc", "desc"):
            return name, direction == "desc"
        return self.order, self.order in self.maximize

    def _first(self, frame: pl.DataFrame, positions: pl.Series, top: int) -> pl.Series:
        name, descending = self._sorted_by()
        if name not in frame.columns:
            raise _core.DataError(f'order: column "{name}" is not in the table; it has {", ".join(frame.columns)}')
        key = pl.col(name).fill_nan(None) if frame.schema[name].is_float() else pl.col(name)
        front = frame[positions].select(
            *(pl.col(label).alias(f"by {label}") for label in self.by),
            key.alias("key"),
            positions.alias("position"),
        )
        best = front.sort(["key", "position"], descending=[descending, False], nulls_last=True)
        labels = [f"by {label}" for label in self.by]
        return (best.group_by(labels).head(top) if labels else best.head(top))["position"].sort()


def _names(columns: Columns) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)
