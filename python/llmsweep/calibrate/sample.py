"""Which rows a fit takes, and which it holds out: by a hash of their shape, the same on every machine and every day."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

HELD_OUT = 0.4
# Fewer groups than these can't be split so that both parts say something.
FEWEST_GROUPS = 5
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def hashes(frame: pl.DataFrame, columns: Sequence[str], seed: int = 0) -> NDArray[np.uint64]:
    """A hash of the numbers in these columns (SplitMix64); equal rows have equal hashes."""
    state = np.full(frame.height, np.uint64(seed), np.uint64)
    for name in columns:
        values = frame[name].cast(pl.Float64).fill_null(-1.0).to_numpy()
        # Adding 0.0 makes one zero of two.
        state = _mixed(state ^ np.ascontiguousarray(values + 0.0).view(np.uint64))
    return state


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def smallest(frame: pl.DataFrame, columns: Sequence[str], rows: int, by: Sequence[str]) -> pl.DataFrame:
    """Of each group the rows with the smallest hashes of their shape.

    What is chosen from parts and chosen again from all of them is what would be chosen from the whole.
    """
    ranked = frame.with_columns(pl.Series("_hash", hashes(frame, columns)))
    first = ranked.filter(pl.col("_hash").rank("ordinal").over(list(by)) <= rows)
    return first.sort([*by, "_hash", "latency_s"]).drop("_hash")


def alternating(frame: pl.DataFrame, size: str) -> NDArray[np.bool_] | None:
    """Marks the rows of every other value of a column, or nothing where there are too few values."""
    sizes, which = np.unique(frame[size].to_numpy(), return_inverse=True)
    return np.asarray(which % 2 == 1) if len(sizes) >= FEWEST_GROUPS else None


def held_out(frame: pl.DataFrame, together: Sequence[str], every: Sequence[str]) -> NDArray[np.bool_] | None:
    """Marks the rows of two groups in five, or nothing where there are too few groups.

    Args:
        frame: Timings of one family.
        together: Inputs by which rows are grouped.
        every: All inputs: where the first make too few groups, each shape is one.
    """
    for columns in (together, every):
        keys = hashes(frame, columns, seed=1)
        groups = np.unique(keys)
        if len(groups) >= FEWEST_GROUPS:
            # By rank, not by value: of few groups a fixed share is held out, too.
            chosen = groups[: max(1, round(HELD_OUT * len(groups)))]
            return np.asarray(np.isin(keys, chosen))
    return None
