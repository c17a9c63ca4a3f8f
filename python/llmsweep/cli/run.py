"""`llmsweep run`."""

from typing import Any

import click

from llmsweep.cli.options import (
    SETTINGS,
    Cluster,
    Names,
    OutputFile,
    OutputTarget,
    ShardOf,
    Whole,
    catalog_option,
    set_option,
    sweep_argument,
)
from llmsweep.files import Target


@click.command("run", context_settings=SETTINGS)
@sweep_argument
@click.option(
    "-o",
    "--output",
    type=OutputTarget(),
    metavar="FILE",
    help="Write the rows to .parquet, .csv or .json, or s3://….parquet and its like.",
)
@click.option("--all", "every", is_flag=True, help="Write every row, infeasible ones with their reason too (needs -o).")
@click.option("--where", metavar="EXPR", help="Consider only rows for which a SQL expression over the columns is true.")
@click.option("--top", type=Whole(min=1), metavar="N", help="Instead of the front, the N best rows by --by.")
@click.option("--by", metavar="COL[:asc|:desc]", help="Column to sort by; the first objective if not given.")
@click.option("--columns", type=Names(), metavar="A,B,…", help="Only these columns, in this order.")
@click.option(
    "--sensitivity",
    type=Names(),
    metavar="A,B,…",
    help="Beside each row, how much these results answer to each number of the hardware, and what binds.",
)
@set_option
@catalog_option
@click.option(
    "--shard", type=ShardOf(), metavar="I/N", help="Only the I-th of N equal parts; `llmsweep merge` joins them."
)
@click.option("--resume", is_flag=True, help="Go on with the parts of a run that was stopped (needs -o).")
@click.option(
    "--prune/--no-prune",
    default=None,
    help="Leave out rows that the front beats without a look at each, or look at each; by default beyond ten million.",
)
@click.option(
    "--on", "cluster", type=Cluster(), metavar="ray[://HOST:PORT]", help="Spread the work over a Ray cluster."
)
@click.option("--threads", type=Whole(min=1), metavar="N", help="Threads; by default all cores.")
@click.option("--stats", type=OutputFile((".json",)), metavar="FILE.json", help="Write the counts of the run as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no reasons of rejected rows.")
def command(*, every: bool, output: Target | None, resume: bool, **options: Any) -> None:
    """Evaluate a sweep and print its Pareto front.

    The front goes to stdout as a table, the counts to stderr. The row numbers are those that `llmsweep explain` takes.

    A long run with -o keeps what it has finished in FILE.parts: after Ctrl-C, a crash or a full disk --resume goes on
    there.

    \b
    llmsweep run sweep.toml -o front.parquet
    llmsweep run sweep.toml --where "ttft_s < 0.2 AND precision = 'fp8'"
    llmsweep run sweep.toml --top 10 --by usd_per_million_tokens
    llmsweep run sweep.toml --set tensor_parallel=1,2,4 --set precision=fp8
    llmsweep run sweep.toml --sensitivity usd_per_million_tokens
    llmsweep run sweep.toml --shard 2/8 -o part-2.parquet
    llmsweep run sweep.toml --on ray://head:10001 -o front.parquet
    """
    if every and output is None:
        raise click.UsageError("--all writes every row to a file; name it with -o FILE")
    if resume and output is None:
        raise click.UsageError("--resume goes on with the parts of an output; name it with -o FILE")
    if options["sensitivity"] and (every or options["shard"]):
        raise click.UsageError(
            "--sensitivity evaluates each row 15 times: it is for a whole front or --top, not for --all or --shard"
        )

    from llmsweep.cli.job import Job, Wish

    wish = Wish(every=every, output=output, resume=resume, **options)
    job = Job.of(wish)
    try:
        if job.is_done():
            click.echo(f'"{output}" is complete: there is nothing to resume', err=True)
            return
        if every:
            job.write_all()
        answer = job.best()
    finally:
        job.leave()
    job.show(answer)
