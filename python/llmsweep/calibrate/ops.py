"""`llmsweep calibrate ops`: from files of timings to laws."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from llmsweep import _core
from llmsweep.api import open_catalog
from llmsweep.calibrate import pool, task, transfer
from llmsweep.calibrate.families import ANY, families
from llmsweep.calibrate.read import Key, LeftOut, Timings, read
from llmsweep.calibrate.starts import Starts
from llmsweep.calibrate.task import Law, Task
from llmsweep.calibrate.transfer import Transfer
from llmsweep.errors import DataError

ROWS = 3000
OWN = ("own timings",)


@dataclass(frozen=True)
class Calibration:
    """What came of it."""

    laws: list[Law]
    left_out: list[LeftOut] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)


def calibrate(
    paths: Sequence[Path],
    *,
    catalog: Iterable[Path] = (),
    rows: int = ROWS,
    fresh: bool = False,
    check_transfer: bool = False,
    jobs: int = 1,
    source: Sequence[str] = OWN,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Fits every family, accelerator, precision and engine of some files, and all engines pooled.

    Args:
        paths: Canonical tables and public layouts, Parquet or CSV, and folders of them.
        catalog: Further catalogue folders.
        rows: Most timings per fit; a hash of the shape chooses.
        fresh: Start at the laws' physical defaults, not at laws of the catalogue.
        check_transfer: Also predict each accelerator from its nearest relative.
        jobs: Processes.
        source: Keys of the sources of canonical tables.
        progress: Called with the numbers of fits done and in all.

    Raises:
        DataError: A file can't be used, or there are too few timings for any fit.
    """
    folders = tuple(catalog)
    opened = open_catalog(folders)
    known = [entry["id"] for entry in json.loads(opened.list("accelerators"))]
    timings = read(paths, opened, known, rows, source)
    work = tasks(timings, opened, folders, rows, fresh=fresh)
    laws, left_out = fitted(work, jobs, progress)
    if not laws:
        raise DataError(f"there are too few timings: {left_out[0].reason}")
    laws = again(laws, work, jobs)
    transfers: list[Transfer] = []
    if check_transfer:
        tables = {item.key: item.table for item in work}
        transfers = list(pool.results(transfer.run, transfer.tasks(laws, tables, folders), jobs))
    return Calibration(laws, timings.left_out + left_out, transfers)


def tasks(timings: Timings, catalog: _core.Catalog, folders: tuple[Path, ...], rows: int, *, fresh: bool) -> list[Task]:
    """A fit per key, and one of all engines per family that pools them."""
    starts = Starts(catalog)
    work = []
    for key, table, available, source in pooled(timings, rows):
        start = starts.start(key, fresh=fresh)
        name = tuple(sorted(source))
        work.append(Task(key, table, start.coefficients, start.prior, start.name, available, name, folders))
    return work


def pooled(timings: Timings, rows: int) -> Iterator[tuple[Key, pl.DataFrame, int, set[str]]]:
    """Keys with their tables; where a family pools engines, first one time of each shape."""
    engines: dict[Key, list[Key]] = {}
    for key in timings.all_keys():
        engines.setdefault(key._replace(engine=ANY), []).append(key)
    for shared, keys in engines.items():
        if families()[shared.family].is_pooled:
            source = set().union(*(timings.sources[key] for key in keys))
            yield shared, timings.pooled(shared, rows), sum(timings.rows[key] for key in keys), source
        named = [key for key in keys if key.engine != ANY or not families()[key.family].is_pooled]
        for key in named:
            yield key, timings.of(key), timings.rows[key], timings.sources[key]


def again(laws: Sequence[Law], work: Sequence[Task], jobs: int) -> list[Law]:
    """The laws of collectives fitted once more, started also from those of other accelerators.

    Each is the fastest of several algorithms, which makes valleys; laws of kernels end in the same from all starts.
    """
    done = {law.key: law for law in laws}
    more = []
    for item in work:
        others = tuple(
            law.coefficients
            for law in laws
            if law.key.family == item.key.family and law.key.accelerator != item.key.accelerator
        )
        if others and item.key in done and not done[item.key].family.is_pooled:
            more.append(replace(item, others=others))
    done.update({law.key: law for law in pool.results(task.run, more, jobs) if isinstance(law, Law)})
    return list(done.values())


def fitted(
    work: Sequence[Task], jobs: int, progress: Callable[[int, int], None] | None
) -> tuple[list[Law], list[LeftOut]]:
    """The laws, and why there is none of other keys."""
    laws, left_out = [], []
    for done, result in enumerate(pool.results(task.run, work, jobs), 1):
        if isinstance(result, Law):
            laws.append(result)
        else:
            left_out.append(LeftOut("", result))
        if progress:
            progress(done, len(work))
    return laws, left_out
