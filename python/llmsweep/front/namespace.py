"""``frame.llmsweep`` and ``lazy_frame.llmsweep``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmsweep.front.expression import on_front

if TYPE_CHECKING:
    from llmsweep.front.wanted import Columns, Epsilon


@pl.api.register_dataframe_namespace("llmsweep")
class FrameMethods:
    """Methods of a `polars.DataFrame`, once `llmsweep.pareto` has been imported or used."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def pareto(
        self,
        minimize: Columns = (),
        maximize: Columns = (),
        by: Columns = (),
        *,
        distinct: bool = False,
        epsilon: Epsilon | None = None,
        top: int | None = None,
        order: str | None = None,
    ) -> pl.DataFrame:
        """The rows that no other row beats: `llmsweep.pareto` of this frame."""
        from llmsweep.pareto import pareto

        return pareto(self._frame, minimize, maximize, by, distinct=distinct, epsilon=epsilon, top=top, order=order)


@pl.api.register_lazyframe_namespace("llmsweep")
class LazyFrameMethods:
    """Methods of a `polars.LazyFrame`, once `llmsweep.pareto` has been imported or used."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        self._frame = frame

    def pareto(
        self,
        minimize: Columns = (),
        maximize: Columns = (),
        by: Columns = (),
        *,
        distinct: bool = False,
        epsilon: Epsilon | None = None,
        top: int | None = None,
        order: str | None = None,
    ) -> pl.LazyFrame:
        """The rows that no other row beats, as a step of the query: nothing runs before it is collected.

        Filters that follow pick from the front; they are not moved before it.
        """
        front = on_front(minimize, maximize, by, distinct=distinct, epsilon=epsilon, top=top, order=order)
        return self._frame.filter(front)
