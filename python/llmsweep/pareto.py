"""Pareto fronts of data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmsweep.front import namespace  # noqa: F401 - registers the methods of frames
from llmsweep.front.expression import on_front
from llmsweep.front.wanted import Front

if TYPE_CHECKING:
    from llmsweep.front.wanted import Columns, Epsilon

__all__ = ["on_front", "pareto"]


def pareto(
    frame: pl.DataFrame | pl.LazyFrame,
    minimize: Columns = (),
    maximize: Columns = (),
    by: Columns = (),
    *,
    distinct: bool = False,
    epsilon: Epsilon | None = None,
    top: int | None = None,
    order: str | None = None,
) -> pl.DataFrame:
    """The rows that no other row beats: the exact Pareto front, for any number of objectives.

    One row dominates another if it is at least as good in every objective and better in one. The front is what no
    row dominates. The order of rows and all columns are kept. Rows in which an objective is null or NaN are never on
    the front; infinite values are compared like any other. Whole numbers are compared as 64-bit floats, exactly up
    to 2^53.

    Args:
        frame: Any frame. A lazy one is collected.
        minimize: Numeric columns of which less is better.
        maximize: Numeric columns of which more is better.
        by: Columns of labels, numbers or dates. Each combination of their values has a front of its own; null counts
            as a value.
        distinct: Of rows that are equal in every objective (within their group) keep only the first. Otherwise all
            are kept, since none of them dominates another.
        epsilon: Thins the exact front, once it is found: a share such as 0.01 for "1 %", or one for each of some
            objectives (of the others 0). For every row of the front a row is kept that is at most a factor 1 + ε
            worse in each objective, and most often much better in another. The objectives are cut into boxes whose
            edges are a factor 1 + ε apart (Laumanns et al. 2002); boxes that another box dominates are left out, and of
            each other one the row nearest to its best corner is kept, of equals the first. So the order of rows decides
            between equal rows only. Negative values are cut likewise by their size; zero and infinities are boxes of
            their own.
        top: Keep of each front only so many rows, the best by ``order``; ties go to the earlier row.
        order: The column that ``top`` goes by, any column: ``"name"`` (an objective from its better end, any other
            from its lowest value), ``"name:asc"`` or ``"name:desc"``. Null and NaN come last. By default the first
            objective.

    Returns:
        The rows of ``frame`` that are on the front, in the order of ``frame``.

    Raises:
        DataError: A column is missing, an objective is not numeric, or there is no objective; epsilon is negative or
            given for a column that is no objective; top is below 1.

    Example:
        Four ways to serve a model. The third costs more than the second and is no faster; the rest are trade-offs.

        >>> import polars as pl
        >>> from llmsweep.pareto import pareto
        >>> frame = pl.DataFrame(
        ...     {
        ...         "setup": ["1 GPU", "2 GPUs", "2 old GPUs", "8 GPUs"],
        ...         "usd_per_h": [2.0, 4.0, 5.0, 16.0],
        ...         "tokens_per_s": [50.0, 90.0, 90.0, 200.0],
        ...     }
        ... )
        >>> pareto(frame, minimize="usd_per_h", maximize="tokens_per_s")["setup"].to_list()
        ['1 GPU', '2 GPUs', '8 GPUs']
        >>> pareto(frame, minimize="usd_per_h")["setup"].to_list()
        ['1 GPU']
        >>> pareto(frame, "usd_per_h", "tokens_per_s", top=1, order="tokens_per_s")["setup"].to_list()
        ['8 GPUs']
    """
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    front = Front.of(minimize, maximize, by, distinct=distinct, epsilon=epsilon, top=top, order=order)
    return frame[front.positions(frame)]
