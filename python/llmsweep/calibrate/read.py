"""From files and folders to a table of timings that is small enough to fit: one file is in memory at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from llmsweep import _core
from llmsweep.calibrate import canonical
from llmsweep.calibrate.families import families
from llmsweep.calibrate.layouts import Layout, layouts, name_of, recognise, sources_of
from llmsweep.calibrate.plausible import suspicion
from llmsweep.calibrate.sample import smallest
from llmsweep.cli.files import read_frame
from llmsweep.errors import DataError

EXTENSIONS = (".parquet", ".csv")


class Key(NamedTuple):
    """What one law is of."""

    family: str
    accelerator: str
    precision: str
    engine: str

    def __str__(self) -> str:
        engine = "" if self.engine == "any" else f" ({self.engine})"
        return f"{self.family} on {self.accelerator} in {self.precision}{engine}"


@dataclass(frozen=True)
class LeftOut:
    """What was not used, and why."""

    file: str
    reason: str


@dataclass
class Timings:
    """A sample of the timings of some files."""

    frame: pl.DataFrame
    rows: Counter[Key] = field(default_factory=Counter)
    sources: defaultdict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    left_out: list[LeftOut] = field(default_factory=list)

    def all_keys(self) -> list[Key]:
        """Every key with timings, in order."""
        return sorted(self.rows)

    def of(self, key: Key) -> pl.DataFrame:
        """The sampled timings of a key: the family's inputs and the time."""
        names = families()[key.family].inputs
        mine = [pl.col(name) == value for name, value in key._asdict().items()]
        return self.frame.filter(*mine).select(*names, canonical.WARM, canonical.LATENCY)

    def pooled(self, shared: Key, rows: int) -> pl.DataFrame:
        """The engines' timings as one: of each shape the time of the fastest, or the one in the middle."""
        family = families()[shared.family]
        mine = [pl.col(name) == value for name, value in shared._asdict().items() if name != "engine"]
        shape = [*canonical.inputs(), canonical.WARM]
        time = pl.col(canonical.LATENCY).min() if family.pools_fastest else pl.col(canonical.LATENCY).median()
        by = ["family", "accelerator", "precision"]
        each = self.frame.filter(*mine).group_by([*by, *shape], maintain_order=True).agg(time)
        # By the hash of the shape: those that all engines' samples share come first.
        return smallest(each, canonical.inputs(), rows, by).select(*family.inputs, canonical.WARM, canonical.LATENCY)


def read(
    paths: Sequence[Path],
    catalog: _core.Catalog,
    accelerators: Sequence[str],
    rows: int,
    source: Iterable[str],
) -> Timings:
    """Reads files and all tables of folders.

    Args:
        paths: Files, and folders that are searched with their sub-folders.
        catalog: Describes the accelerators.
        accelerators: Their ids.
        rows: How many timings of each key to keep.
        source: Keys of the sources of tables that are not of a public layout.

    Raises:
        DataError: A file is no table of timings, or has a row that can't be used; or nothing is left.
    """
    found = Timings(pl.DataFrame())
    parts: list[pl.DataFrame] = []
    for path, named in files(paths):
        layout, table = timings(path, named, accelerators, found)
        if table is None or table.is_empty():
            continue
        table = plausible(table, path, catalog, layout, found)
        origin = sources_of(layout) if layout else ()
        for *key, count in table.group_by(Key._fields).len().iter_rows():
            found.rows[Key(*key)] += count
            found.sources[Key(*key)] |= set(origin or source)
        parts = [smallest(pl.concat([*parts, table], how="diagonal"), canonical.inputs(), rows, Key._fields)]
    if not parts or parts[0].is_empty():
        reasons = "; ".join(f'"{item.file}": {item.reason}' for item in found.left_out[:3])
        raise DataError(f"there are no timings to fit{f': {reasons}' if reasons else ''}")
    found.frame = parts[0]
    return found


def files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Files in the order of their names, and whether each was named itself.

    Raises:
        DataError: A folder has none.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in EXTENSIONS)
            if not inside:
                raise DataError(f'the folder "{path}" has no {" or ".join(EXTENSIONS)} files')
            yield from ((file, False) for file in inside)
        else:
            yield path, True


def timings(
    path: Path,
    named: bool,  # noqa: FBT001 - of a pair
    accelerators: Sequence[str],
    found: Timings,
) -> tuple[Layout | None, pl.DataFrame | None]:
    """The canonical table of a file and the layout it had, if a public one."""
    frame = read_frame(path)
    layout = recognise(frame.columns)
    if layout is not None:
        table, left_out = layout.canonical(frame, path.stem)
        table, more = canonical.usable(canonical.typed(table, str(path)), accelerators)
        found.left_out += [LeftOut(str(path), reason) for reason in (*left_out, *more)]
        return layout, table
    if canonical.is_canonical(frame.columns):
        table = canonical.typed(frame, str(path))
        canonical.check(table, str(path), accelerators)
        if table.is_empty():
            raise DataError(f'"{path}" has no rows')
        return None, table
    known = ", ".join(name_of(known) for known in layouts())
    reason = (
        f"no table of timings: it has neither the columns {', '.join(canonical.REQUIRED)} nor those of a public layout"
        f"{f' ({known})' if known else ''}"
    )
    if named:
        raise DataError(f'"{path}" is {reason}')
    found.left_out.append(LeftOut(str(path), reason))
    return None, None


def plausible(
    table: pl.DataFrame, path: Path, catalog: _core.Catalog, layout: Layout | None, found: Timings
) -> pl.DataFrame:
    """The rows whose times can be seconds.

    Raises:
        DataError: Those of a table of one's own can't; a public one's are left out.
    """
    which = ["family", "accelerator", "precision"]
    for family, accelerator, precision in table.select(which).unique(maintain_order=True).iter_rows():
        mine = pl.all_horizontal(
            pl.col("family") == family, pl.col("accelerator") == accelerator, pl.col("precision") == precision
        )
        rows = table.filter(mine)
        doubt = suspicion(catalog, rows, family, accelerator, precision)
        if doubt is None:
            continue
        if layout is None:
            raise DataError(f'"{path}": {doubt}')
        found.left_out.append(LeftOut(str(path), f"{rows.height:,} rows: {doubt}"))
        table = table.filter(~mine)
    return table
