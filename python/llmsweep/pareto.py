"""Pareto fronts of data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmsweep import _core

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Columns: TypeAlias = str | Sequence[str]


def pareto(
    frame: pl.DataFrame | pl.LazyFrame,
    minimize: Columns = (),
    maximize: Columns = (),
    by: Columns = (),
    *,
    distinct: bool = False,
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

    Returns:
        The rows of ``frame`` that are on the front, in the order of ``frame``.

    Raises:
        DataError: A column is missing, an objective is not numeric, or there is no objective.

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
    """
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    objectives = (_names(minimize), _names(maximize), _names(by))
    wanted = list(dict.fromkeys(name for names in objectives for name in names))
    # With a name missing the core sees the whole frame, so that it can suggest what was meant.
    is_complete = set(wanted) <= set(frame.columns)
    table = frame.select(wanted) if is_complete and wanted else frame
    positions = _core.pareto(table, *objectives, distinct=distinct)
    return frame[pl.Series(positions, dtype=pl.get_index_type())]


def _names(columns: Columns) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)
