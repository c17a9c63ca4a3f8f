"""`llmsweep validate`."""

import json
from pathlib import Path

import click

from llmsweep.cli.options import EXTENSIONS, SETTINGS, OutputFile, catalog_option, json_option, measurements_argument


@click.command("validate", context_settings=SETTINGS)
@measurements_argument
@click.option(
    "-o",
    "--output",
    type=OutputFile(EXTENSIONS),
    metavar="PRED.parquet",
    help="Write a row per measured quantity to .parquet, .csv or .json.",
)
@catalog_option
@json_option
def command(*, files: tuple[Path, ...], output: Path | None, catalog: tuple[Path, ...], as_json: bool) -> None:
    """Compare predictions with measurements.

    FILE has runs of training, memory, inference or serving, published ones or your own; its columns say which, and
    docs/accuracy.md lists them. The scoreboard goes to stdout; PRED has `id, quantity, measured, predicted,
    predicted_p10, predicted_p90, provenance, reject`, in SI units.

    \b
    llmsweep validate serving.parquet training.parquet -o predictions.parquet
    """
    from llmsweep.cli.files import write_frame
    from llmsweep.validate.quantities import columns
    from llmsweep.validate.run import validate
    from llmsweep.validate.score import board
    from llmsweep.validate.text import lines

    rows = validate(files, catalog=catalog)
    if output is not None:
        write_frame(rows.select(columns()), output)
    found = board(rows)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in lines(found):
        click.echo(line)
