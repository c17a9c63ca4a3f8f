"""Why predictions far off may be so: a suspicion for each family of rows, said with what speaks for it.

A suspicion never takes a row out of the score.
"""

import re
from collections.abc import Iterator

import polars as pl

from llmsweep.validate.intervals import counted
from llmsweep.validate.score import ERROR
from llmsweep.validate.text import percent

# Errors beyond this are looked into.
FAR = 0.25
UNKNOWN = "unknown"
# A pattern that the id matches, the quantity where it matters, and the suspected cause. The first that fits counts.
SUSPECTS: tuple[tuple[str, str | None, str], ...] = (
    (r"^DGXC-023[234]$", None, "the same model ran 3.3 times as fast on this chip half a year later (MBR-0247)"),
    (r"^MBR-0228$", None, "the same layout ran 1.8 times as fast in the release's next correction (MBR-0191)"),
    (r"^MBR-0264$", None, "the same layout ran twice as fast a release earlier (MBR-0291)"),
    (r"^MBR-0284$", None, "the same layout ran half as fast a release later (MBR-0258): its micro-batch may be larger"),
    (r"^MBR-0050$", None, "captured graphs of its release left no trace on this chip (as fast as MBR-0101 before)"),
    (r"^MBR-0091$", None, "prints experts over four nodes; other recipes keep them in one"),
    (r"^MBR-(0256|028[23])$", None, "how 61 layers and the prediction layer lie on 16 stages is not said"),
    (r"^VTS-", None, "layers of at most 2,048 channels wait for the host, whose time is one constant for all"),
    (r"_disagg_", "ttft_s", "neighbours at this load are a hundred times as fast: first requests that compile"),
    (r"_agg_", "ttft_s", "predicted is a wait for room in the cache that the run did not have, or did not count"),
)
FAMILIES = ("suspected cause", "rows", "error", "for example")


def cause(row: str, quantity: str) -> str:
    """The suspected cause of a row by its id.

    >>> cause("MBR-0228", "step_time_s")
    "the same layout ran 1.8 times as fast in the release's next correction (MBR-0191)"
    >>> cause("VTM-0016", "step_time_s")
    'unknown'
    """
    fits = (why for pattern, only, why in SUSPECTS if only in (None, quantity) and re.search(pattern, row))
    return next(fits, UNKNOWN)


def families(rows: pl.DataFrame, kind: str = "training") -> Iterator[list[str]]:
    """The scored rows of a kind that are far off, by suspected cause: how many, their errors, one of them."""
    far = rows.filter(counted(), pl.col("kind") == kind).with_columns(error=ERROR).filter(pl.col("error").abs() > FAR)
    causes = [cause(*pair) for pair in far.select("id", "quantity").iter_rows()]
    groups = far.with_columns(cause=pl.Series(causes, dtype=pl.String)).group_by("cause")
    # Largest first, the unknown last.
    found = groups.agg(pl.len(), low=pl.col("error").min(), high=pl.col("error").max(), one=pl.col("id").min())
    ordered = found.sort(pl.col("cause") == UNKNOWN, -pl.col("len").cast(pl.Int64), "cause")
    for why, count, low, high, one in ordered.iter_rows():
        errors = percent(low, sign=True) if count == 1 else f"{percent(low, sign=True)} to {percent(high, sign=True)}"
        yield [why, str(count), errors, one]
