"""`llmsweep run`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from llmsweep.cli.options import (
    EXTENSIONS,
    SETTINGS,
    Names,
    OutputFile,
    Whole,
    catalog_option,
    set_option,
    sweep_argument,
)


@click.command("run", context_settings=SETTINGS)
@sweep_argument
@click.option(
    "-o", "--output", type=OutputFile(EXTENSIONS), metavar="FILE", help="Write the rows to .parquet, .csv or .json."
)
@click.option("--all", "every", is_flag=True, help="Write every row, infeasible ones with their reason too (needs -o).")
@click.option("--where", metavar="EXPR", help="Consider only rows for which a SQL expression over the columns is true.")
@click.option("--top", type=Whole(min=1), metavar="N", help="Instead of the front, the N best rows by --by.")
@click.option("--by", metavar="COL[:asc|:desc]", help="Column to sort by; the first objective if not given.")
@click.option("--columns", type=Names(), metavar="A,B,…", help="Only these columns, in this order.")
@set_option
@catalog_option
@click.option("--threads", type=Whole(min=1), metavar="N", help="Threads; by default all cores.")
@click.option("--stats", type=OutputFile((".json",)), metavar="FILE.json", help="Write the counts of the run as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no reasons of rejected rows.")
def command(
    *,
    sweep: Path,
    output: Path | None,
    every: bool,
    where: str | None,
    top: int | None,
    by: str | None,
    columns: list[str] | None,
    settings: tuple[tuple[str, Any], ...],
    catalog: tuple[Path, ...],
    threads: int | None,
    stats: Path | None,
    quiet: bool,
) -> None:
    """Evaluate a sweep and print its Pareto front.

    The front goes to stdout as a table, the counts to stderr. The row numbers are those that `llmsweep explain` takes.

    \b
    llmsweep run sweep.toml -o front.parquet
    llmsweep run sweep.toml --where "ttft_s < 0.2 AND precision = 'fp8'"
    llmsweep run sweep.toml --top 10 --by usd_per_million_tokens
    llmsweep run sweep.toml --set tensor_parallel=1,2,4 --set precision=fp8
    """
    if every and output is None:
        raise click.UsageError("--all writes every row to a file; name it with -o FILE")

    from llmsweep.api import compile_sweep
    from llmsweep.cli.files import write_frame, write_json
    from llmsweep.cli.front_table import MOST_ROWS, print_columns, print_front, sample
    from llmsweep.cli.progress import Progress
    from llmsweep.cli.request import read_request
    from llmsweep.cli.selection import Order, Query, check_columns, parse_where
    from llmsweep.cli.summary import counts_line, no_rows, rejected_lines, with_memory

    request = read_request(sweep, settings)
    compiled = compile_sweep(request.spec, catalog, file=str(sweep))
    check_columns("--columns", columns or [], compiled.phase)
    progress = Progress(quiet=quiet)
    query = Query(
        sweep=compiled,
        where=None if where is None else parse_where(where, compiled.phase),
        top=top,
        order=Order.parse(by, compiled),
        distinct=request.distinct,
        threads=threads,
        progress=progress,
    )
    try:
        if every and output is not None:
            write_frame(query.everything(columns), output)
        frame, counts = query.best()
    finally:
        progress.clear()
    if stats is not None:
        write_json(with_memory(counts), stats)
    notes = [] if quiet else [*rejected_lines(counts), *build_note()]
    if frame.is_empty():
        echo_lines(notes)
        raise no_rows(counts)
    chosen = frame if columns is None else frame.select(columns)
    if output is not None and not every:
        write_frame(chosen, output)
    most = top or MOST_ROWS
    if columns is None:
        print_front(frame, most, compiled.phase, compiled.pareto, request.named)
    else:
        print_columns(sample(chosen, most))
    sys.stdout.flush()
    if most < frame.height:
        notes = [f"{most} of {frame.height} rows are shown, evenly spread; -o FILE keeps all", *notes]
    echo_lines([counts_line(counts), *notes])


def build_note() -> list[str]:
    """A warning where the core was built without optimisation."""
    from llmsweep._core import DEBUG_BUILD

    return ["note: this is a debug build, many times slower than a release build"] if DEBUG_BUILD else []


def echo_lines(lines: Iterable[str]) -> None:
    """Prints messages on stderr."""
    for line in lines:
        click.echo(line, err=True)
