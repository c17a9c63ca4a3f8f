"""Takes timings: which cases, how often, what of it is kept."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import polars as pl

from llmsweep.calibrate.measure.case import Backend, Case, TooLargeError, UnsupportedError
from llmsweep.errors import UnavailableError

REPEATS = 25
KERNEL = "pytorch"


@dataclass
class Taken:
    """Timings as rows of the canonical table, and how many cases there are none of, by reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def frame(self) -> pl.DataFrame:
        """The canonical table.

        Raises:
            UnavailableError: Nothing could be timed.
        """
        if not self.rows:
            reasons = "; ".join(self.left_out) or "there is nothing to time"
            raise UnavailableError(f"no kernel could be timed: {reasons}")
        return pl.DataFrame(self.rows, infer_schema_length=None)


def take(
    backend: Backend,
    cases: Sequence[Case],
    accelerator: str,
    *,
    cold: bool = True,
    repeats: int = REPEATS,
    progress: Callable[[int, int], None] | None = None,
) -> Taken:
    """Times cases one after another; those that can't be are counted by reason."""
    taken = Taken()
    for done, case in enumerate(cases, 1):
        try:
            times = backend.times(case, repeats=repeats, cold=cold)
            taken.rows.append(row(case, accelerator, times, warm=not cold))
        except UnsupportedError as error:
            taken.left_out[f"{case.family} in {case.precision}: {error}"] += 1
        except TooLargeError:
            taken.left_out[f"{case.family} in {case.precision}: the memory is too small"] += 1
        if progress:
            progress(done, len(cases))
    return taken


def row(case: Case, accelerator: str, times: Sequence[float], *, warm: bool) -> dict[str, Any]:
    """A row of the canonical table: the median of the repeats."""
    return {
        "family": case.family,
        "accelerator": accelerator,
        "precision": case.precision,
        "engine": "nccl" if "ranks" in case.inputs else "any",
        "kernel": KERNEL,
        "latency_s": median(times),
        "warm": warm,
        **case.inputs,
    }
