"""What a run asks of a sweep."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Best:
    """The best rows by one column, in place of the front."""

    rows: int
    column: str
    descending: bool


@dataclass(frozen=True)
class Question:
    """What is asked of every row.

    Attributes:
        keep: The ``front`` (or the best rows), or ``all`` rows.
        columns: Columns to compute; ``None`` for all of the phase.
        where: SQL that a row must fulfil.
        best: The best rows by one column, in place of the front.
        order: Column by which the answer is sorted within its groups, and whether its largest value comes first.
        distinct: Whether of rows equal in every objective only the first stays.
        prune: What may be left out without a look at each row; see `_core.Sweep.narrow`.
    """

    keep: Literal["front", "all"] = "front"
    columns: tuple[str, ...] | None = None
    where: str | None = None
    best: Best | None = None
    order: tuple[str, bool] = ("row_id", False)
    distinct: bool = False
    prune: str = "auto"
