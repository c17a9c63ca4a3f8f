"""A question put to a compiled sweep, and the answer of a part of its rows."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from llmsweep import _core
from llmsweep.errors import data_error_of
from llmsweep.frame import to_frame
from llmsweep.parts.combine import combined
from llmsweep.parts.question import Question
from llmsweep.parts.spans import Span
from llmsweep.predicate import Pushed, push_down

Watch = Callable[[int, int, int, int], None]


@dataclass(frozen=True)
class Answer:
    """Rows, in the order of their numbers, and the counts of the run that made them."""

    frame: pl.DataFrame
    stats: dict[str, Any] = field(default_factory=dict)


class Asked:
    """A question put to a compiled sweep."""

    def __init__(self, sweep: _core.Sweep, question: Question, *, threads: int | None = None) -> None:
        self.sweep = sweep.narrow(prune=question.prune)
        self.question = question
        self.threads = threads
        self.where = None if question.where is None else pl.sql_expr(question.where)

    @cached_property
    def schema(self) -> pl.Schema:
        """Types of all columns of the phase."""
        return to_frame(self.sweep.rows([])).schema

    @cached_property
    def pushed(self) -> Pushed:
        """What of the condition the core tests."""
        return Pushed([], whole=True) if self.where is None else push_down(self.where, self.schema)

    def narrowed(self, span: Span) -> _core.Sweep:
        """The sweep over a range of rows, with what the core tests of the condition."""
        return self.sweep.narrow(start=span[0], stop=span[1], filters=self.pushed.filters, prune=self.question.prune)

    def answer(self, span: Span, against: list[int] | None = None, watch: Watch | None = None) -> Answer:
        """The front or the best rows of a range.

        Args:
            span: First row and the one after the last.
            against: Rows of other ranges that keep off the front what they beat.
            watch: Called now and then with rows done and in all, feasible ones, and the size of the front.
        """
        question, sweep = self.question, self.narrowed(span)
        if not self.pushed.whole:
            return self._answer_of_batches(sweep, watch)
        if question.best is None:
            result = sweep.run("front", question.columns, against=against or [], threads=self.threads, progress=watch)
        else:
            best = question.best
            result = sweep.top(
                best.rows,
                best.column,
                descending=best.descending,
                columns=question.columns,
                threads=self.threads,
                progress=watch,
            )
        return Answer(to_frame(result), json.loads(result.stats))

    def scouts(self, span: Span) -> list[int]:
        """Rows of a range that keep others off its front, found without a look at each; none without pruning."""
        if self.question.best is not None or not self.pushed.whole:
            return []
        return self.narrowed(span).scouts()

    def frames(self, span: Span, watch: Watch | None = None) -> Iterator[pl.DataFrame | dict[str, Any]]:
        """All rows of a range that meet the condition, batch by batch, and last the counts."""
        names = self.question.columns
        yield from self._selected(self.narrowed(span), "all", None if names is None else list(names), watch)

    def combined(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The answer of several parts from their rows together."""
        return combined(frame, self.question, self.sweep.pareto)

    def deciding(self) -> list[str]:
        """The columns that `combined` needs."""
        best, objectives = self.question.best, self.sweep.pareto
        names = [best.column] if best is not None else [name for group in objectives.values() for name in group]
        return list(dict.fromkeys(["row_id", *names]))

    def _answer_of_batches(self, sweep: _core.Sweep, watch: Watch | None) -> Answer:
        """The answer where Polars tests a part of the condition: only the columns that decide are made for all rows."""
        kept: pl.DataFrame | None = None
        stats: dict[str, Any] = {}
        selected = 0
        for item in self._selected(sweep, "feasible", self.deciding(), watch):
            if isinstance(item, dict):
                stats = item
                continue
            selected += item.height
            ranked = item if self.question.best is None else item.drop_nulls(self.question.best.column)
            kept = self.combined(ranked if kept is None else pl.concat([kept, ranked]))
        numbers = [] if kept is None else kept["row_id"].to_list()
        frame = to_frame(sweep.rows(numbers, self.question.columns))
        front = None if self.question.best is not None else frame.height
        return Answer(frame, {**stats, "selected": selected, "front": front})

    def _selected(
        self, sweep: _core.Sweep, keep: str, names: list[str] | None, watch: Watch | None
    ) -> Iterator[pl.DataFrame | dict[str, Any]]:
        residual = None if self.pushed.whole else self.where
        wanted = names
        if residual is not None and names is not None:
            wanted = list(dict.fromkeys([*names, *residual.meta.root_names()]))
        batches = sweep.stream(keep, wanted, threads=self.threads, progress=watch)
        for batch in batches:
            frame = to_frame(batch)
            if residual is not None:
                frame = keep_where(frame, residual)
                frame = frame if names is None else frame.select(names)
            if frame.height:
                yield frame
        yield json.loads(batches.stats or "{}")


def keep_where(frame: pl.DataFrame, expression: pl.Expr) -> pl.DataFrame:
    """The rows for which the expression is true; labels compare and match as text.

    Raises:
        DataError: The expression does not fit the columns' types.
    """
    read = frame.select(expression.meta.root_names() or frame.columns[:1])
    try:
        mask = read.with_columns(pl.col(pl.Enum).cast(pl.String)).select(expression.alias("mask"))["mask"]
        return frame.filter(mask)
    except (pl.exceptions.PolarsError, TypeError) as error:
        raise data_error_of("--where can't be evaluated", error) from error
