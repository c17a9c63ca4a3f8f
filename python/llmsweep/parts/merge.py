"""Joins the outputs of shards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from llmsweep.errors import DataError
from llmsweep.parts.combine import combined
from llmsweep.parts.label import Label
from llmsweep.parts.stats import added


@dataclass(frozen=True)
class Joined:
    """Files that belong together, in the order of their rows, and what they say of themselves together."""

    paths: list[Path]
    label: Label

    def labelled(self, frame: pl.DataFrame) -> Label:
        """The label of the answer."""
        front = None if self.label.question.best is not None else frame.height
        return replace(self.label, stats={**self.label.stats, "front": front})


def joined(paths: Sequence[Path], *, partial: bool = False) -> Joined:
    """Looks whether files are the parts of one run, without a gap.

    Args:
        paths: The files, in any order.
        partial: Whether parts may be missing before the first and after the last: what they are joined to is a part.

    Raises:
        DataError: A file is no output of ``llmsweep run``, belongs to another run, is there twice, or one is missing.
    """
    labels = [(labelled(path), path) for path in paths]
    labels.sort(key=lambda entry: entry[0].span)
    first, first_path = labels[0]
    for (label, path), (before, path_before) in zip(labels[1:], labels, strict=False):
        if not label.same_question(first):
            raise DataError(f'"{path}" and "{first_path}" are of different runs: other sweeps, options or versions')
        if label.span[0] < before.span[1]:
            raise DataError(f'"{path}" and "{path_before}" hold the same rows, from {label.span[0]:,} on')
        if label.span[0] > before.span[1]:
            raise DataError(f"a part is missing: none of the files holds rows {gap(before.span[1], label.span[0])}")
    last = labels[-1][0]
    if first.span[0] > 0 and not partial:
        raise DataError(f"a part is missing: none of the files holds rows {gap(0, first.span[0])}")
    if last.span[1] < first.rows and not partial:
        raise DataError(f"a part is missing: none of the files holds rows {gap(last.span[1], first.rows)}")
    stats = added(label.stats for label, _ in labels)
    return Joined([path for _, path in labels], replace(first, span=(first.span[0], last.span[1]), stats=stats))


def merged(whole: Joined) -> pl.DataFrame:
    """The front, or the best rows, of all parts."""
    frames = [frame for path in whole.paths if (frame := pl.read_parquet(path)).height]
    if not frames:
        return pl.read_parquet(whole.paths[0])
    return combined(pl.concat(frames), whole.label.question, whole.label.objectives)


def labelled(path: Path) -> Label:
    """What a file says of itself."""
    label = Label.read(path)
    if label is None:
        raise DataError(f'"{path}" is no output of `llmsweep run -o`: it does not say which rows it holds')
    return label


def gap(first: int, end: int) -> str:
    """Rows in words."""
    return f"{first:,} to {end - 1:,}"
