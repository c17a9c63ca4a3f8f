"""How well an accelerator is predicted that was never timed: by its relative, without and with forty timings."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from llmsweep.api import open_catalog
from llmsweep.calibrate import fit
from llmsweep.calibrate.kernel_files import write_folder
from llmsweep.calibrate.read import Key
from llmsweep.calibrate.starts import Starts
from llmsweep.calibrate.task import FEWEST_ROWS, Bound, Law, opened

TIMINGS = 40
SEED = 20


@dataclass(frozen=True)
class Transfer:
    """Errors of one law when its accelerator is left out: of the relative's law, and after a fit to some timings."""

    key: Key
    relative: str
    rows: int
    error_median: float
    error_p90: float
    refitted_median: float
    refitted_p90: float


@dataclass(frozen=True)
class TransferTask:
    """What the check of one key needs."""

    key: Key
    table: pl.DataFrame
    relative: str
    coefficients: tuple[float, ...]
    folders: tuple[Path, ...]


def tasks(laws: Sequence[Law], tables: Mapping[Key, pl.DataFrame], folders: Iterable[Path]) -> list[TransferTask]:
    """A task for each law that has a relative among the laws and the catalogue's."""
    folders = tuple(folders)
    with tempfile.TemporaryDirectory(prefix="llmsweep-") as folder:
        write_folder(laws, Path(folder), note=())
        starts = Starts(open_catalog([*folders, Path(folder)]))
        relatives = {law.key: starts.relative(law.key) for law in laws}
    return [
        TransferTask(law.key, tables[law.key], relative.name, relative.coefficients, folders)
        for law in laws
        if (relative := relatives[law.key]) and tables[law.key].height >= TIMINGS + FEWEST_ROWS
    ]


def run(task: TransferTask) -> Transfer:
    """The errors on all timings but the forty, which are drawn at random, the same each time."""
    catalog = opened(task.folders)
    drawn = np.zeros(task.table.height, np.bool_)
    drawn[np.random.default_rng(SEED).choice(task.table.height, TIMINGS, replace=False)] = True
    few = Bound.of(catalog, task.key, task.table.filter(pl.Series(drawn)))
    rest = Bound.of(catalog, task.key, task.table.filter(pl.Series(~drawn)))
    before = rest.errors(task.coefficients)
    after = rest.errors(few.fit(task.coefficients, fit.STRONG).coefficients)
    medians = (*np.quantile(before, (0.5, 0.9)), *np.quantile(after, (0.5, 0.9)))
    return Transfer(task.key, task.relative, task.table.height, *map(float, medians))
