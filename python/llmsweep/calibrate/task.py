"""One fit: a key's timings in, a law with its held-out error out. Runs in a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmsweep import _core
from llmsweep.api import open_catalog
from llmsweep.calibrate import fit, sample
from llmsweep.calibrate.canonical import LATENCY, WARM
from llmsweep.calibrate.families import Family, families
from llmsweep.calibrate.fit import Array
from llmsweep.calibrate.read import Key
from llmsweep.errors import LlmsweepError

# Fewer timings than these say nothing that the law's defaults don't.
FEWEST_ROWS = 10
# On so many, other starts are tried.
FEW_ROWS = 400
QUANTILES = tuple(step / 20 for step in range(1, 20))


@dataclass(frozen=True)
class Task:
    """What a fit needs."""

    key: Key
    table: pl.DataFrame
    start: tuple[float, ...]
    prior: float
    started_from: str
    available: int
    source: tuple[str, ...]
    folders: tuple[Path, ...] = ()
    others: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Law:
    """A fitted law.

    ``rows`` is what the fit used of ``available`` timings; the errors are |predicted / measured − 1| of shapes that a
    fit to the others did not see, ``None`` where there were too few to hold some out. ``held_out`` has their quantiles,
    so that errors of several laws can be put together.
    """

    key: Key
    coefficients: tuple[float, ...]
    rows: int
    available: int
    outliers: int
    error_median: float | None
    error_p90: float | None
    started_from: str
    source: tuple[str, ...]
    held_out: tuple[float, ...] = ()

    @property
    def family(self) -> Family:
        """Its family."""
        return families()[self.key.family]


@dataclass(frozen=True)
class Bound:
    """Timings of one key, as the fit takes them."""

    family: Family
    law: _core.LawFit
    measured: Array
    warm: NDArray[np.bool_]

    @classmethod
    def of(cls, catalog: _core.Catalog, key: Key, table: pl.DataFrame) -> "Bound":
        """Binds a table to an accelerator and a precision."""
        law = _core.LawFit(catalog, key.family, key.accelerator, key.precision, table)
        return cls(families()[key.family], law, table[LATENCY].to_numpy(), table[WARM].to_numpy())

    def times(self, coefficients: Sequence[float]) -> Array:
        """The law's times, in seconds."""
        states = (True, False) if self.warm.any() and not self.warm.all() else (bool(self.warm.all()),)
        times = [np.frombuffer(self.law.times(list(coefficients), warm=state), np.float64) for state in states]
        return times[0] if len(times) == 1 else np.where(self.warm, *times)

    def fit(self, start: Sequence[float], prior: float, others: Sequence[Sequence[float]] = ()) -> fit.Fitted:
        """The best coefficients."""
        return fit.fit(self.times, self.measured, self.family.coefficients, start, prior, others=others)

    def errors(self, coefficients: Sequence[float]) -> Array:
        """|predicted / measured − 1|."""
        return fit.errors(self.times, coefficients, self.measured)


@cache
def opened(folders: tuple[Path, ...]) -> _core.Catalog:
    """The catalogue, once per process."""
    return open_catalog(folders)


def best(catalog: _core.Catalog, task: Task, table: pl.DataFrame) -> fit.Fitted:
    """The best coefficients; of many timings the first, which are a sample, say which other start leads to them."""
    others = task.others
    if others and table.height > FEW_ROWS:
        few = Bound.of(catalog, task.key, table.head(FEW_ROWS))
        others = (few.fit(task.start, task.prior, others).coefficients,)
    return Bound.of(catalog, task.key, table).fit(task.start, task.prior, others)


def unseen(table: pl.DataFrame, family: Family) -> NDArray[np.bool_] | None:
    """Marks the rows that are held out for the error, if there are enough."""
    marked = sample.alternating(table, family.size) if family.size else None
    if marked is None:
        marked = sample.held_out(table, family.held_out_together, family.inputs)
    return None if marked is None or (~marked).sum() < FEWEST_ROWS // 2 else marked


def run(task: Task) -> Law | str:
    """Fits all timings, and for the error those that are not held out; or says why it can't."""
    if task.table.height < FEWEST_ROWS:
        return f"{task.key} has {task.table.height} timings, {FEWEST_ROWS} are needed"
    catalog = opened(task.folders)
    try:
        found = best(catalog, task, task.table)
    except LlmsweepError as error:
        return str(error)
    hidden = unseen(task.table, families()[task.key.family])
    quantiles: tuple[float, ...] = ()
    if hidden is not None:
        seen = best(catalog, task, task.table.filter(pl.Series(~hidden)))
        errors = Bound.of(catalog, task.key, task.table.filter(pl.Series(hidden))).errors(seen.coefficients)
        quantiles = tuple(float(value) for value in np.quantile(errors, QUANTILES))
    return Law(
        task.key,
        found.coefficients,
        task.table.height - found.outliers,
        task.available,
        found.outliers,
        quantiles[QUANTILES.index(0.5)] if quantiles else None,
        quantiles[QUANTILES.index(0.9)] if quantiles else None,
        task.started_from,
        task.source,
        quantiles,
    )
