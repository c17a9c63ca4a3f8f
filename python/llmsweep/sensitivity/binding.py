"""What binds a setup: the number of the hardware that its time answers to most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmsweep.sensitivity.numbers import MAIN_TIME, SPEEDS

if TYPE_CHECKING:
    from llmsweep.sensitivity.elasticity import Elasticities

SOFTWARE, SEVERAL = "software", "several"
#: Numbers that a time can answer to: speeds, and the memory that requests wait for.
CANDIDATES = (*SPEEDS, "memory")
BINDING = (*CANDIDATES, SOFTWARE, SEVERAL)
#: What binds explains more than this share of the time.
MOST = 0.5


def what_binds(taken: Elasticities) -> pl.Series:
    """``what_binds``: what explains more than half of the main time; null where a setup can't run."""
    time = MAIN_TIME[taken.phase]
    shares = {name: -taken.elasticity(time, name) for name in CANDIDATES}
    frame = pl.DataFrame({**shares, SOFTWARE: -taken.rest(time)}).fill_nan(None)
    most = pl.max_horizontal(frame.columns)
    label = pl.when(most.is_null()).then(None)
    for name in frame.columns:
        label = label.when((pl.col(name) == most) & (most > MOST)).then(pl.lit(name))  # type: ignore[assignment]
    chosen = label.otherwise(pl.when(most.is_not_null()).then(pl.lit(SEVERAL)))
    return frame.select(chosen.cast(pl.Enum(BINDING)).alias("what_binds")).to_series()
