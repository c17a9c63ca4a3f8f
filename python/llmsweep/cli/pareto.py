"""`llmsweep pareto`."""

from pathlib import Path

import click

from llmsweep.cli.options import SETTINGS, OutputTarget, Share, Whole
from llmsweep.files import Target


@click.command("pareto", context_settings=SETTINGS)
@click.argument("frame", metavar="FRAME", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--min", "minimize", multiple=True, metavar="COL", help="A column to minimise. Repeatable.")
@click.option("--max", "maximize", multiple=True, metavar="COL", help="A column to maximise. Repeatable.")
@click.option("--by", multiple=True, metavar="COL", help="A front for each value of this column. Repeatable.")
@click.option("--distinct", is_flag=True, help="Of rows with equal objectives keep only the first.")
@click.option(
    "--epsilon",
    "epsilons",
    multiple=True,
    type=Share(),
    metavar="SHARE|COL=SHARE",
    help="Thin the front: every row is at most so much better, such as 1%, than one that is kept, in all objectives or "
    "in one. Repeatable.",
)
@click.option("--top", type=Whole(min=1), metavar="N", help="Keep the best N rows of each front.")
@click.option(
    "--order",
    metavar="COL[:asc|:desc]",
    help="The column that --top goes by; by default the first objective, from its better end.",
)
@click.option(
    "-o",
    "--output",
    type=OutputTarget(),
    metavar="FILE",
    help="Write the front to .parquet, .csv or .json, or s3://….parquet and its like.",
)
def command(
    *,
    frame: Path,
    minimize: tuple[str, ...],
    maximize: tuple[str, ...],
    by: tuple[str, ...],
    distinct: bool,
    epsilons: tuple[tuple[str | None, float], ...],
    top: int | None,
    order: str | None,
    output: Target | None,
) -> None:
    """Keep the rows of a table that no other row beats.

    FRAME is a .parquet, .csv or .json file with any columns. A row without a value in an objective is left out.

    \b
    llmsweep pareto rows.parquet --min cost_usd --min time_to_train_s --by model -o front.csv
    llmsweep pareto rows.parquet --min cost_usd --max tokens_per_s --epsilon 1% --top 20
    """
    if not minimize and not maximize:
        raise click.UsageError("name at least one objective with --min COL or --max COL")
    if order is not None and top is None:
        raise click.UsageError(f'--order "{order}" says which rows are the top; give --top N too')
    epsilon = dict.fromkeys([*minimize, *maximize], dict(epsilons).get(None, 0.0))
    for column, share in epsilons:
        if column is not None and column not in epsilon:
            raise click.UsageError(f'--epsilon: "{column}" is no objective; these are {", ".join(epsilon)}')
        if column is not None:
            epsilon[column] = share

    from llmsweep import pareto
    from llmsweep.cli.files import read_frame, write_frame
    from llmsweep.cli.front_table import MOST_ROWS, print_columns, sample

    table = read_frame(frame)
    front = pareto(
        table,
        minimize,
        maximize,
        by,
        distinct=distinct,
        epsilon=epsilon if epsilons else None,
        top=top,
        order=order,
    )
    if output is not None:
        write_frame(front, output)
    shown = sample(front, MOST_ROWS)
    print_columns(shown, first=[*by, *minimize, *maximize])
    if shown.height < front.height:
        click.echo(f"{shown.height} of {front.height} rows are shown, evenly spread; -o FILE keeps all", err=True)
    where = "on the front" if top is None and not epsilons else "kept of the front"
    click.echo(f"{table.height:,} rows, {front.height:,} {where}", err=True)
