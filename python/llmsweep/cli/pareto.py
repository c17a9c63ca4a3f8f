"""`llmsweep pareto`."""

from pathlib import Path

import click

from llmsweep.cli.options import EXTENSIONS, SETTINGS, OutputFile


@click.command("pareto", context_settings=SETTINGS)
@click.argument("frame", metavar="FRAME", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--min", "minimize", multiple=True, metavar="COL", help="A column to minimise. Repeatable.")
@click.option("--max", "maximize", multiple=True, metavar="COL", help="A column to maximise. Repeatable.")
@click.option("--by", multiple=True, metavar="COL", help="A front for each value of this column. Repeatable.")
@click.option(
    "-o", "--output", type=OutputFile(EXTENSIONS), metavar="FILE", help="Write the front to .parquet, .csv or .json."
)
def command(
    *, frame: Path, minimize: tuple[str, ...], maximize: tuple[str, ...], by: tuple[str, ...], output: Path | None
) -> None:
    """Keep the rows of a table that no other row beats.

    FRAME is a .parquet, .csv or .json file with any columns. A row without a value in an objective is left out.

    \b
    llmsweep pareto rows.parquet --min cost_usd --min time_to_train_s --by model -o front.csv
    """
    if not minimize and not maximize:
        raise click.UsageError("name at least one objective with --min COL or --max COL")

    from llmsweep import pareto
    from llmsweep.cli.files import read_frame, write_frame
    from llmsweep.cli.front_table import MOST_ROWS, print_columns, sample

    table = read_frame(frame)
    front = pareto(table, minimize=list(minimize), maximize=list(maximize), by=list(by))
    if output is not None:
        write_frame(front, output)
    shown = sample(front, MOST_ROWS)
    print_columns(shown, first=[*by, *minimize, *maximize])
    if shown.height < front.height:
        click.echo(f"{shown.height} of {front.height} rows are shown, evenly spread; -o FILE keeps all", err=True)
    click.echo(f"{table.height:,} rows, {front.height:,} on the front", err=True)
