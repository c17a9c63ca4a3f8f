"""What `llmsweep run` has to do: which rows it asks for what, where, and which files it leaves."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import polars as pl

from llmsweep import _core
from llmsweep.api import compile_sweep
from llmsweep.cli.elasticities import BINDS, appended, check_results, with_elasticities, worth_printing
from llmsweep.cli.files import write_frame, write_json, write_parts
from llmsweep.cli.front_table import MOST_ROWS, print_columns, print_front, sample
from llmsweep.cli.progress import Progress
from llmsweep.cli.request import Request, read_request
from llmsweep.cli.selection import Order, check_columns, parse_where
from llmsweep.cli.summary import build_note, counts_line, echo_lines, no_rows, rejected_lines, with_memory
from llmsweep.errors import DataError, LlmsweepError
from llmsweep.files import Target
from llmsweep.parts.asked import Answer, Asked
from llmsweep.parts.label import Label
from llmsweep.parts.question import Best, Question
from llmsweep.parts.run import BEST_ROWS, Here, Place, Run, Tally, collected, part_rows
from llmsweep.parts.spans import Shard, Span, cut
from llmsweep.parts.store import Store

if TYPE_CHECKING:
    from llmsweep.parts.on_ray import OnRay

#: Parts of a run, at most: a folder of more files is no help.
MOST_PARTS = 4096


@dataclass(frozen=True)
class Wish:
    """The options of `llmsweep run`, as they were given."""

    sweep: Path
    output: Target | None
    every: bool
    where: str | None
    top: int | None
    by: str | None
    columns: list[str] | None
    sensitivity: list[str] | None
    settings: Sequence[tuple[str, Any]]
    catalog: Sequence[Path]
    shard: Shard | None
    resume: bool
    prune: bool | None
    cluster: str | None
    threads: int | None
    stats: Path | None
    quiet: bool


@dataclass
class Job:
    """One run.

    Attributes:
        wish: The options.
        request: The sweep file with its changes.
        sweep: The sweep.
        order: How rows are sorted.
        progress: Shows how far it is.
        tally: What was finished so far.
        cluster: The Ray cluster that does the work, if one does.
    """

    wish: Wish
    request: Request
    sweep: _core.Sweep
    order: Order
    progress: Progress
    tally: Tally = field(default_factory=Tally)
    cluster: "OnRay | None" = None

    @classmethod
    def of(cls, wish: Wish) -> "Job":
        """Compiles the sweep and checks the options against it.

        Raises:
            UsageError: An option does not fit the sweep.
            SpecError: The sweep is wrong.
            UnavailableError: There is no cluster.
        """
        request = read_request(wish.sweep, wish.settings)
        sweep = compile_sweep(request.spec, wish.catalog, file=str(wish.sweep))
        check_columns("--columns", wish.columns or [], sweep.phase)
        check_results("--sensitivity", wish.sensitivity or [], sweep.phase)
        if wish.where is not None:
            parse_where(wish.where, sweep.phase)
        job = cls(wish, request, sweep, Order.parse(wish.by, sweep), Progress(quiet=wish.quiet))
        job.check_mergeable()
        if wish.cluster is not None:
            from llmsweep.parts.on_ray import OnRay
            from llmsweep.parts.parcel import Parcel

            parcel = Parcel.pack(request.spec, wish.sweep.parent, wish.catalog, sweep, job.question)
            job.cluster = OnRay(wish.cluster, parcel)
        return job

    @cached_property
    def span(self) -> Span:
        """The rows that it covers."""
        rows = self.sweep.configurations
        return (0, rows) if self.wish.shard is None else self.wish.shard.span(rows)

    @cached_property
    def question(self) -> Question:
        """What is asked for the table."""
        wish = self.wish
        return Question(
            where=wish.where,
            best=None if wish.top is None else Best(wish.top, self.order.column, self.order.descending),
            order=(self.order.column, self.order.descending),
            distinct=self.request.distinct,
            prune={None: "auto", True: "beaten", False: "off"}[wish.prune],
        )

    @cached_property
    def all_question(self) -> Question:
        """What is asked of the rows of ``--all``."""
        columns = self.wish.columns
        return Question(keep="all", columns=None if columns is None else tuple(columns), where=self.wish.where)

    @property
    def place(self) -> Place:
        """Where the work is done."""
        return Here() if self.cluster is None else self.cluster

    def asked(self, question: Question) -> Asked:
        """A question put to the sweep."""
        return Asked(self.sweep, question, threads=self.wish.threads)

    def label(self, question: Question, stats: dict[str, Any] | None = None) -> Label:
        """What an output says of itself."""
        return Label(
            self.sweep.fingerprint, self.sweep.configurations, self.span, question, self.sweep.pareto, stats or {}
        )

    def check_mergeable(self) -> None:
        """Refuses columns of a shard from which the front of all shards could not be found and sorted.

        Raises:
            UsageError: With the names that are missing.
        """
        wish = self.wish
        if wish.shard is None or wish.columns is None or wish.every:
            return
        needed = dict.fromkeys([*self.asked(self.question).deciding(), self.order.column])
        if missing := [name for name in needed if name not in wish.columns]:
            raise click.UsageError(f"--shard: `llmsweep merge` needs the columns {', '.join(missing)} too")

    def is_done(self) -> bool:
        """Whether the output of a run to resume is there already, whole; parts that it was made of are removed then."""
        output = self.wish.output
        if (
            not self.wish.resume
            or self.wish.sensitivity
            or not isinstance(output, Path)
            or output.suffix != ".parquet"
            or not output.exists()
        ):
            return False
        try:
            label = Label.read(output)
        except DataError:
            return False
        mine = self.label(self.all_question if self.wish.every else self.question)
        done = label is not None and label.span == self.span and label.same_question(mine)
        if done:
            Store(output, mine).remove()
        return done

    def write_all(self) -> None:
        """Writes every row of the span that meets the condition."""
        question, output = self.all_question, self.wish.output or Path()
        asked = self.asked(question)
        store = self.store(question, part_rows(asked))
        if store is None:
            with self.watching(None):
                answer = collected(asked, self.span, self.progress)
            write_frame(answer.frame, output, self.label(question, answer.stats).metadata())
            return
        with self.watching(store):
            stats = Run(asked, store.spans, Tally(), self.progress, store).all_rows(self.place)
            write_parts(store.paths(), output, self.label(question, stats).metadata(), folder=store.folder)
        store.remove()

    def best(self) -> Answer:
        """The front, or the best rows, with every column, best first."""
        asked = self.asked(self.question)
        store = None if self.wish.every else self.store(self.question, BEST_ROWS)
        spans = cut(self.span, self.rows_of_part(BEST_ROWS)) if store is None else store.spans
        try:
            with self.watching(store):
                answer = Run(asked, spans, self.tally, self.progress, store).best_rows(self.place)
        except KeyboardInterrupt:
            self.leave()
            if self.wish.output is None:
                self.show_so_far(self.tally.answer(asked, 0.0))
            raise
        frame = self.sorted(answer.frame)
        if wanted := self.wish.sensitivity:
            frame = with_elasticities(frame, wanted, self.sweep.phase, self.request.spec, self.wish.catalog)
        self.write_best(frame, answer.stats)
        if store is not None:
            store.remove()
        return Answer(frame, answer.stats)

    def leave(self) -> None:
        """Ends the connection to a cluster."""
        if self.cluster is not None:
            self.cluster.leave()
            self.cluster = None

    def store(self, question: Question, rows: int) -> Store | None:
        """Where finished parts are kept, if there is an output and more than one part."""
        if self.wish.output is None:
            return None
        rows = self.rows_of_part(rows)
        store = Store(self.wish.output, self.label(question))
        if len(cut(self.span, rows)) == 1 and self.cluster is None and not store.folder.exists():
            return None
        store.open(rows, resume=self.wish.resume)
        return store

    def write_best(self, frame: pl.DataFrame, stats: dict[str, Any]) -> None:
        """Writes the answer, and the counts where they are asked for; a shard without rows has a file too."""
        wish = self.wish
        if wish.stats is not None:
            write_json(with_memory(stats), wish.stats)
        if wish.output is not None and not wish.every and (frame.height or wish.shard is not None):
            chosen = frame if wish.columns is None else frame.select(self.chosen(frame))
            write_frame(chosen, wish.output, self.label(self.question, stats).metadata())

    def show(self, answer: Answer) -> None:
        """Prints the table and the counts.

        Raises:
            NothingFeasibleError: There is no row to show.
        """
        wish, frame, counts = self.wish, answer.frame, answer.stats
        notes = [] if wish.quiet else [*rejected_lines(counts), *build_note()]
        if frame.is_empty():
            echo_lines(notes)
            raise no_rows(counts)
        most = wish.top or MOST_ROWS
        if wish.columns is None:
            notes = [*self.print(frame, most), *notes]
        else:
            print_columns(sample(frame.select(self.chosen(frame, worth_printing)), most))
        sys.stdout.flush()
        if most < frame.height:
            notes = [f"{most} of {frame.height} rows are shown, evenly spread; -o FILE keeps all", *notes]
        echo_lines([counts_line(counts), *notes])

    def show_so_far(self, answer: Answer) -> None:
        """Prints what a run that was stopped had found, if anything."""
        if answer.frame.height:
            self.print(self.sorted(answer.frame), MOST_ROWS)
            sys.stdout.flush()
            echo_lines([f"so far: {counts_line(answer.stats)}"])

    def print(self, frame: pl.DataFrame, most: int) -> list[str]:
        """Prints rows as a table; what there is to say about it."""
        rows = (frame, most, self.sweep.phase, self.sweep.pareto, self.request.named)
        if BINDS not in frame.columns:
            print_front(*rows)
            return []
        left_out = print_front(*rows, more=worth_printing(frame)[1:], last=BINDS)
        return [f"{left_out} elasticities have no room in the table; -o FILE keeps all"] if left_out else []

    def chosen(self, frame: pl.DataFrame, of: Callable[[pl.DataFrame], list[str]] = appended) -> list[str]:
        """The columns asked for, and elasticities."""
        return list(dict.fromkeys([*(self.wish.columns or []), *(of(frame) if self.wish.sensitivity else [])]))

    def sorted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Best first, group by group."""
        return self.order.apply(frame, () if self.wish.top else self.sweep.pareto["by"])

    def rows_of_part(self, rows: int) -> int:
        """Rows of a part: enough that their number stays in bounds, and for each core of a cluster."""
        length = self.span[1] - self.span[0]
        if self.cluster is not None:
            rows = min(rows, self.cluster.rows_of_part(length))
        return max(rows, -(-length // MOST_PARTS))

    @contextmanager
    def watching(self, store: Store | None) -> Iterator[None]:
        """Wipes the progress line at the end, and says what a run has kept that was stopped or found no room."""
        try:
            yield
        except (KeyboardInterrupt, LlmsweepError):
            self.progress.clear()
            if store is not None and (kept := len(store.finished())):
                echo_lines(
                    [f'{kept} of {len(store.spans)} parts are kept in "{store.folder}"; --resume goes on with them']
                )
            raise
        finally:
            self.progress.clear()
            if store is not None:
                store.remove_empty()
