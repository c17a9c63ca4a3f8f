"""Runs a question over a span of rows, part by part."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl

from llmsweep.parts.asked import Answer, Asked, Watch
from llmsweep.parts.spans import Span
from llmsweep.parts.stats import added
from llmsweep.parts.store import Store

#: Rows of a part of which only the best are kept: some seconds of work that a stop may cost.
BEST_ROWS = 50_000_000
#: Bytes of a part of which all rows are kept; it is in memory when it is written.
ALL_BYTES = 128 << 20
ALL_LEAST_ROWS = 65_536


class Progress(Protocol):
    """Shows how far a run is."""

    def __call__(self, done: int, total: int, feasible: int = 0, front: int = 0) -> None:
        """Rows done and in all, rows that can run, and the size of the front."""


class Place(Protocol):
    """Where parts are answered."""

    def answers(
        self, asked: Asked, spans: Sequence[Span], tally: "Tally", watch: Watch
    ) -> Iterator[tuple[Span, Answer]]:
        """Parts as they are finished, in any order; the tally grows meanwhile."""


@dataclass
class Tally:
    """What was finished so far.

    Attributes:
        stats: Counts of all finished parts.
        best: The best rows of all finished parts.
        scouts: Rows from all parts that keep others off the front.
    """

    stats: dict[str, Any] = field(default_factory=lambda: added([]))
    best: pl.DataFrame | None = None
    scouts: list[int] = field(default_factory=list)

    def count(self, stats: Mapping[str, Any]) -> None:
        """Adds the counts of a part."""
        self.stats = added([self.stats, stats])

    def take(self, asked: Asked, answer: Answer) -> None:
        """Adds a part."""
        self.count(answer.stats)
        if self.best is None:
            self.best = answer.frame
        elif answer.frame.height:
            self.best = asked.combined(pl.concat([self.best, answer.frame]))

    def rows(self) -> list[int]:
        """Numbers of the best rows."""
        return [] if self.best is None else self.best["row_id"].to_list()

    def against(self) -> list[int]:
        """Numbers of rows that keep others off the front."""
        return [*self.rows(), *self.scouts]

    def answer(self, asked: Asked, seconds: float) -> Answer:
        """All parts together."""
        stats = {**self.stats, "seconds": seconds}
        frame = asked.schema.to_frame() if self.best is None else self.best
        if asked.question.best is None:
            stats["front"] = frame.height
        return Answer(frame, stats)


@dataclass
class Run:
    """A question over some spans.

    Attributes:
        asked: The question.
        spans: The spans.
        tally: What was finished so far; whatever happens, it stays.
        progress: Shows how far it is.
        store: Keeps finished parts.
    """

    asked: Asked
    spans: Sequence[Span]
    tally: Tally
    progress: Progress
    store: Store | None

    def best_rows(self, place: Place) -> Answer:
        """The front, or the best rows, of all spans."""
        started = time.monotonic()
        for span in self.finished():
            if self.store is not None:
                self.tally.take(self.asked, self.store.read(span))
        left = self.left()
        if len(left) > 1:
            self.tally.scouts = self.asked.scouts((left[0][0], left[-1][1]))
        for span, answer in place.answers(self.asked, left, self.tally, self.watch):
            if self.store is not None:
                self.store.add(span, answer)
            self.tally.take(self.asked, answer)
        return self.tally.answer(self.asked, time.monotonic() - started)

    def all_rows(self, place: Place) -> dict[str, Any]:
        """Puts all rows of all spans into the store; returns the counts."""
        started = time.monotonic()
        for span in self.finished():
            if self.store is not None:
                self.tally.count(self.store.stats(span))
        for span, answer in place.answers(self.asked, self.left(), self.tally, self.watch):
            if self.store is not None:
                self.store.add(span, answer)
            self.tally.count(answer.stats)
        return {**self.tally.stats, "seconds": time.monotonic() - started}

    def finished(self) -> list[Span]:
        """Spans that the store has."""
        return [] if self.store is None else self.store.finished()

    def left(self) -> list[Span]:
        """The others."""
        finished = set(self.finished())
        return [span for span in self.spans if span not in finished]

    def watch(self, done: int, _part: int, feasible: int, found: int) -> None:
        """The progress of a part as that of the whole: what the tally has of other parts comes before it."""
        before, best = self.tally.stats, self.tally.best
        total = sum(stop - start for start, stop in self.spans)
        front = max(0 if best is None else best.height, found) if self.asked.question.best is None else 0
        self.progress(before["configurations"] + done, total, before["feasible"] + feasible, front)


class Here:
    """This process."""

    def answers(self, asked: Asked, spans: Sequence[Span], tally: Tally, watch: Watch) -> Iterator[tuple[Span, Answer]]:
        """One part after the other."""
        for span in spans:
            if asked.question.keep == "all":
                yield span, collected(asked, span, watch)
            else:
                yield span, asked.answer(span, tally.against(), watch)


def collected(asked: Asked, span: Span, watch: Watch | None) -> Answer:
    """All rows of a span that meet the condition, in memory."""
    frames: list[pl.DataFrame] = []
    stats: dict[str, Any] = {}
    for item in asked.frames(span, watch):
        if isinstance(item, dict):
            stats = item
        else:
            frames.append(item)
    names = asked.question.columns
    empty = asked.schema.to_frame()
    return Answer(pl.concat(frames) if frames else empty if names is None else empty.select(names), stats)


def part_rows(asked: Asked) -> int:
    """Rows of a part of a run that keeps all of them."""
    width = 8 * (len(asked.schema) if asked.question.columns is None else len(asked.question.columns))
    return max(ALL_LEAST_ROWS, ALL_BYTES // max(width, 1))
