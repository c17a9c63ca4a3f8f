"""Finished parts in a folder beside the output, so that a run that was stopped goes on where it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.errors import DataError
from llmsweep.files import Target, write_beside
from llmsweep.parts.asked import Answer
from llmsweep.parts.label import Label
from llmsweep.parts.spans import Span, cut, gaps, within

PATTERN = "part-*.parquet"
#: What a process that was killed leaves of a file that it was writing.
UNFINISHED = ".*.parquet"


class Store:
    """The folder ``FILE.parts``: a file for each finished part, labelled with what it answers.

    Of an object in a store the folder is in the working folder.

    A part is there whole or not at all, so that the folder needs no list of its own. Parts need not be of one size:
    what a cluster began one machine can end.

    Attributes:
        target: The output that the parts become.
        label: What the output will say of itself.
        folder: Where the parts are.
        spans: Parts that are there and parts to come, in the order of their rows; known once it is open.
    """

    def __init__(self, target: Target, label: Label) -> None:
        self.target = target
        self.label = label
        beside = target.parent if isinstance(target, Path) else Path()
        self.folder = beside / f"{target.name}.parts"
        self.spans: list[Span] = []

    def open(self, rows: int, *, resume: bool) -> None:
        """Makes the folder, or takes the parts in it over, and cuts what is left into parts of so many rows.

        Raises:
            DataError: It holds parts of another run, or of this one and nobody said to resume.
        """
        known = self._known()
        left = [span for gap in gaps(self.label.span, known) for span in cut(gap, rows)]
        if known and not resume:
            raise DataError(
                f'"{self.folder}" holds {len(known)} of {len(known) + len(left)} parts of a run that was stopped; go '
                "on with --resume, or remove it to start anew"
            )
        self.spans = sorted(known + left)
        try:
            self.folder.mkdir(exist_ok=True)
            self._sweep(UNFINISHED)
        except OSError as error:
            raise DataError(f'"{self.folder}" can\'t be used: {error.strerror}') from error

    def path(self, span: Span) -> Path:
        """Where a part is or will be."""
        return self.folder / f"part-{span[0]:015}.parquet"

    def finished(self) -> list[Span]:
        """Parts that are there."""
        return [span for span in self.spans if self.path(span).exists()]

    def add(self, span: Span, answer: Answer) -> None:
        """Writes a part.

        Raises:
            DataError: The system refuses; the parts that are there stay.
        """
        label = replace(self.label, span=span, stats=answer.stats)
        write_beside(self.path(span), lambda path: answer.frame.write_parquet(path, metadata=label.metadata()))

    def stats(self, span: Span) -> dict[str, Any]:
        """Counts of a part that is there."""
        label = Label.read(self.path(span))
        return label.stats if label else {}

    def read(self, span: Span) -> Answer:
        """A part that is there."""
        return Answer(pl.read_parquet(self.path(span)), self.stats(span))

    def paths(self) -> list[Path]:
        """All parts, in the order of their rows."""
        return [self.path(span) for span in self.spans]

    def remove(self) -> None:
        """Removes the parts, once the output has all of them."""
        if self.folder.is_dir():
            self._sweep(PATTERN, UNFINISHED)
            self.remove_empty()

    def remove_empty(self) -> None:
        """Removes the folder if nothing is in it."""
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _known(self) -> list[Span]:
        """Parts that an earlier run left."""
        found: list[Span] = []
        for path in sorted(self.folder.glob(PATTERN)):
            label = Label.read(path)
            if label is None or not label.same_question(self.label) or not within(label.span, self.label.span):
                raise DataError(
                    f'"{self.folder}" holds parts of another run: another sweep, shard, version or other options; '
                    "remove it or name another output"
                )
            found.append(label.span)
        return found

    def _sweep(self, *patterns: str) -> None:
        for pattern in patterns:
            for path in self.folder.glob(pattern):
                path.unlink()
