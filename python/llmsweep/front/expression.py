"""The front as an expression of any query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmsweep.front.wanted import Front

if TYPE_CHECKING:
    from llmsweep.front.wanted import Columns, Epsilon


def on_front(
    minimize: Columns = (),
    maximize: Columns = (),
    by: Columns = (),
    *,
    distinct: bool = False,
    epsilon: Epsilon | None = None,
    top: int | None = None,
    order: str | None = None,
) -> pl.Expr:
    """An expression that is true for the rows of the Pareto front.

    It works wherever Polars takes an expression: in ``filter`` and ``with_columns``, in lazy and streaming queries,
    within groups by ``over`` and ``group_by(...).agg``. It compares rows with each other, so it must see all of them:
    a filter before it changes the front, one after it only picks from it; a streaming query gathers the columns named
    here (and no others) first.

    Args:
        minimize: Numeric columns of which less is better.
        maximize: Numeric columns of which more is better.
        by: Columns whose combinations of values have a front each; faster than ``over``.
        distinct: As for `llmsweep.pareto`.
        epsilon: As for `llmsweep.pareto`.
        top: As for `llmsweep.pareto`.
        order: As for `llmsweep.pareto`.

    Returns:
        Truth values, as many as there are rows, never null.

    Raises:
        DataError: At once if there is no objective or `epsilon`, `top` or `order` make no sense; when the query runs,
            if an objective is not numeric. A missing column is Polars' ``ColumnNotFoundError``.

    Example:
        >>> import polars as pl
        >>> from llmsweep import on_front
        >>> setups = pl.LazyFrame({"gpu": ["a", "a", "b"], "usd": [2.0, 4.0, 5.0], "rate": [50, 40, 30]})
        >>> setups.filter(on_front(minimize="usd", maximize="rate")).collect().rows()
        [('a', 2.0, 50)]
        >>> setups.filter(on_front("usd", "rate").over("gpu")).collect().rows()
        [('a', 2.0, 50), ('b', 5.0, 30)]
    """
    front = Front.of(minimize, maximize, by, distinct=distinct, epsilon=epsilon, top=top, order=order)
    front.check()

    def mask(columns: pl.Series) -> pl.Series:
        return front.mask(columns.struct.unnest())

    return pl.struct(front.columns).map_batches(mask, return_dtype=pl.Boolean).alias("on_front")
