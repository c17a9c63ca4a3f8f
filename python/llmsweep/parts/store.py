"""Finished parts in a folder beside the output, so that a run that was stopped goes on where it was."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.errors import DataError
from llmsweep.files import write_beside
from llmsweep.parts.asked import Answer
from llmsweep.parts.label import Label
from llmsweep.parts.spans import Span

PATTERN = "part-*.parquet"


class Store:
    """The folder ``FILE.parts``: a file for each finished part, labelled with what it answers.

    A part is there whole or not at all, so that the folder needs no list of its own.
    """

    def __init__(self, target: Path, label: Label, spans: Sequence[Span]) -> None:
        self.target = target
        self.label = label
        self.spans = spans
        self.folder = target.with_name(f"{target.name}.parts")

    def open(self, *, resume: bool) -> None:
        """Makes the folder, or takes the parts in it over.

        Raises:
            DataError: It holds parts of another run, or of this one and nobody said to resume.
        """
        known = sorted(self.folder.glob(PATTERN)) if self.folder.is_dir() else []
        for path in known:
            label = Label.read(path)
            if label is None or not label.same_question(self.label) or label.span not in self.spans:
                raise DataError(
                    f'"{self.folder}" holds parts of another run: another sweep, other options or another version; '
                    "remove it or name another output"
                )
        if known and not resume:
            raise DataError(
                f'"{self.folder}" holds {len(known)} of {len(self.spans)} parts of a run that was stopped; go on with '
                "--resume, or remove it to start anew"
            )
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise DataError(f'"{self.folder}" can\'t be made: {error.strerror}') from error

    def path(self, span: Span) -> Path:
        """Where a part is or will be."""
        return self.folder / f"part-{self.spans.index(span) + 1:06}.parquet"

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
        for path in self.folder.glob(PATTERN):
            path.unlink()
        self.folder.rmdir()
