"""From files of runs to constants."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmsweep.api import open_catalog
from llmsweep.calibrate.runs import override, search
from llmsweep.calibrate.runs.terms import Term, terms
from llmsweep.errors import DataError
from llmsweep.validate.intervals import counted
from llmsweep.validate.run import validate

# Fewer measurements than these say nothing that the shipped constants don't.
FEWEST = 5
# Where there are fewer sources, the error is of rows left out by fifths.
FEWEST_SOURCES = 3
FOLDS, MOST_FOLDS = 5, 12
KINDS = ("training", "inference", "serving")


@dataclass(frozen=True)
class Fitted:
    """A constant: shipped and fitted, and how far the runs narrow its prior; kept where they say nothing."""

    term: Term
    shipped: float
    value: float
    narrowed: float
    kept: bool


@dataclass(frozen=True)
class Runs:
    """What came of it; errors are medians and ninth deciles of |predicted / measured − 1| of runs left out."""

    constants: list[Fitted]
    measurements: int
    sources: int
    folds: str
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def changed(self) -> dict[Term, float]:
        """The constants that the runs tell, with their values."""
        return {item.term: item.value for item in self.constants if not item.kept}


@dataclass
class Asked:
    """Asks `validate` again with other constants."""

    files: Sequence[Path]
    folders: tuple[Path, ...]
    terms: Sequence[Term]
    shipped: Sequence[float]
    rows: pl.DataFrame

    def __call__(self, factors: search.Array) -> search.Array:
        """Logarithms of predicted over measured of the rows that count."""
        if not factors.any():
            return self._logs(self.rows)
        moved = {
            term: float(shipped * np.exp(factor))
            for term, shipped, factor in zip(self.terms, self.shipped, factors, strict=True)
        }
        with tempfile.TemporaryDirectory(prefix="llmsweep-") as folder:
            override.write(moved, Path(folder), self.folders)
            answers = validate(self.files, catalog=[*self.folders, Path(folder)])
        keys = ["id", "kind", "quantity"]
        newer = answers.unique(keys, keep="first").select(*keys, "predicted")
        return self._logs(self.rows.drop("predicted").join(newer, on=keys, how="left", maintain_order="left"))

    def _logs(self, rows: pl.DataFrame) -> search.Array:
        logs = rows.select((pl.col("predicted") / pl.col("measured")).log().fill_null(0.0)).to_series()
        return logs.to_numpy()


def calibrate(files: Sequence[Path], *, catalog: Iterable[Path] = ()) -> Runs:
    """Fits the constants that files of runs can tell.

    Args:
        files: What `validate` reads: runs of training, inference and serving.
        catalog: Further catalogue folders.

    Raises:
        DataError: A file can't be used, or there are too few runs, or they tell nothing.
    """
    folders = tuple(catalog)
    rows = usable(validate(files, catalog=folders))
    opened = open_catalog(folders)
    chips = json.loads(opened.list("accelerators"))
    architectures = {chip["id"]: chip["architecture"] for chip in chips}
    files_of = [override.entry_files(kind, folders) for kind in ("stack", "engine")]
    wanted = list(terms(rows, architectures, *files_of))
    known = [(term, shipped) for term in wanted if (shipped := override.value(term, folders)) is not None]
    ask = Asked(files, folders, [term for term, _ in known], [shipped for _, shipped in known], rows)
    prior = priors(known)
    weight = search.weights(rows["group"].to_list())
    first = search.narrowed(*at_start(ask, prior), weight, prior)
    told = first < search.NARROWED
    if not told.any():
        raise DataError("these runs tell none of the constants: none moves their times by more than they scatter")
    part = [pair for pair, is_told in zip(known, told, strict=True) if is_told]
    ask = Asked(files, folders, [term for term, _ in part], [shipped for _, shipped in part], rows)
    prior = priors(part)
    found = search.search(ask, weight, prior)
    constants = merged(known, told, first, found)
    folds, name = split(rows)
    after = held_out(ask, found, folds, weight, prior)
    return Runs(
        constants,
        rows.height,
        rows["group"].n_unique(),
        name,
        errors(ask(np.zeros(len(part)))),
        errors(after),
    )


def usable(rows: pl.DataFrame) -> pl.DataFrame:
    """The measurements that count.

    Raises:
        DataError: There are too few.
    """
    good = rows.filter(counted(), pl.col("kind").is_in(KINDS)).unique(["id", "kind", "quantity"], maintain_order=True)
    if good.height < FEWEST:
        reasons = rows.filter(pl.col("reject").is_not_null())["reject"].unique(maintain_order=True).head(3).to_list()
        why = f": {'; '.join(reasons)}" if reasons else ""
        raise DataError(f"{good.height} measurements can be used, {FEWEST} are needed{why}")
    return good.with_columns(pl.col("software").alias("engine"), pl.col("group").fill_null("own"))


def priors(known: Sequence[tuple[Term, float]]) -> search.Prior:
    """Widths and bounds on the logarithms of factors."""
    low = [np.log(max(term.low, 1e-3 * shipped) / shipped) for term, shipped in known]
    high = [np.log(min(term.high, 1e3 * shipped) / shipped) for term, shipped in known]
    return search.Prior(np.array([term.width for term, _ in known]), np.array(low), np.array(high))


def at_start(ask: Asked, prior: search.Prior) -> tuple[search.Array, search.Array]:
    """Residuals and slopes with the shipped constants."""
    zero = np.zeros(len(prior.widths))
    here = ask(zero)
    return here, search.slopes_at(ask, here, zero, prior)


def merged(
    known: Sequence[tuple[Term, float]], told: NDArray[np.bool_], first: search.Array, found: search.Found
) -> list[Fitted]:
    """All constants, fitted and kept."""
    values = iter(zip(found.factors, found.narrowed, strict=True))
    constants = []
    for (term, shipped), is_told, width in zip(known, told, first, strict=True):
        factor, narrow = next(values) if is_told else (0.0, width)
        constants.append(Fitted(term, shipped, float(shipped * np.exp(factor)), float(narrow), not is_told))
    return constants


def split(rows: pl.DataFrame) -> tuple[NDArray[np.int64], str]:
    """A fold for each row: its source; by fifths of the runs where there are few sources."""
    groups = sorted(set(rows["group"]))
    if len(groups) >= FEWEST_SOURCES:
        number = {group: index % MOST_FOLDS for index, group in enumerate(groups)}
        return np.array([number[group] for group in rows["group"]]), "a source at a time"
    runs = {name: index % FOLDS for index, name in enumerate(sorted(set(rows["id"])))}
    return np.array([runs[name] for name in rows["id"]]), "a fifth of the runs at a time"


def held_out(
    ask: Asked, found: search.Found, folds: NDArray[np.int64], weight: search.Array, prior: search.Prior
) -> search.Array:
    """Logarithms of predicted over measured of every row, by constants that its fold had no part in."""
    logs = found.residuals.copy()
    for fold in np.unique(folds):
        mine = folds == fold
        logs[mine] = ask(search.without(found, mine, weight, prior))[mine]
    return logs


def errors(logs: search.Array) -> tuple[float, float]:
    """Median and ninth decile of |predicted / measured − 1|."""
    size = np.abs(np.exp(logs) - 1.0)
    return float(np.median(size)), float(np.quantile(size, 0.9))
