"""`llmsweep merge`."""

import sys
from pathlib import Path

import click

from llmsweep.cli.options import SETTINGS, OutputTarget
from llmsweep.files import Target


@click.command("merge", context_settings=SETTINGS)
@click.argument(
    "parts",
    metavar="PART.parquet…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "-o",
    "--output",
    type=OutputTarget(),
    metavar="FILE",
    help="Write the rows to .parquet, .csv or .json, or s3://….parquet and its like.",
)
@click.option("--partial", is_flag=True, help="Other parts are still to come: the output is a part itself (needs -o).")
def command(*, parts: tuple[Path, ...], output: Target | None, partial: bool) -> None:
    """Join the outputs of a sweep that was run in shards: the front of all of them, their best rows, or all rows.

    The parts are Parquet files of `llmsweep run --shard I/N -o …`, in any order; merged files can be merged again. What
    they were asked stands in them. The result is that of a run without shards, row for row. With --partial neighbouring
    parts become one part, so that thousands can be merged as a tree.

    \b
    llmsweep merge part-*.parquet -o front.parquet
    llmsweep merge part-0?.parquet --partial -o branch-0.parquet
    """
    from llmsweep.cli.files import write_frame, write_parts
    from llmsweep.cli.front_table import MOST_ROWS, print_columns, print_front, sample
    from llmsweep.cli.selection import Order
    from llmsweep.cli.summary import counts_line, echo_lines, no_rows, rejected_lines
    from llmsweep.parts.merge import joined, merged
    from llmsweep.registries import axes

    if partial and output is None:
        raise click.UsageError("--partial makes a part; name a file for it with -o FILE")
    whole = joined(parts, partial=partial)
    if whole.label.question.keep == "all":
        if output is None:
            raise click.UsageError("the parts hold all rows; name a file for them with -o FILE")
        write_parts(whole.paths, output, whole.label.metadata())
        click.echo(f"{whole.label.span[1] - whole.label.span[0]:,} configurations in {output}", err=True)
        return
    column, descending = whole.label.question.order
    groups = () if whole.label.question.best else whole.label.objectives["by"]
    frame = Order(column, descending).apply(merged(whole), groups)
    label = whole.labelled(frame)
    if frame.is_empty():
        raise no_rows(label.stats)
    if output is not None:
        write_frame(frame, output, label.metadata())
    shown = [axis["name"] for axis in axes() if axis["name"] in frame.columns]
    if set(shown) < set(frame.columns) and "phase" in frame.columns:
        varied = [name for name in shown if frame[name].n_unique() > 1]
        print_front(frame, MOST_ROWS, frame["phase"][0], label.objectives, varied)
    else:
        print_columns(sample(frame, MOST_ROWS))
    sys.stdout.flush()
    echo_lines([counts_line(label.stats), *rejected_lines(label.stats)])
