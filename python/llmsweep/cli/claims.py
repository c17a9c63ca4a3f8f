"""`llmsweep claims`."""

from pathlib import Path

import click

from llmsweep.cli.options import EXTENSIONS, SETTINGS, OutputFile, catalog_option, json_option


@click.command("claims", context_settings=SETTINGS)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=OutputFile(EXTENSIONS),
    metavar="VERDICTS.parquet",
    help="Write a row per claim to .parquet, .csv or .json.",
)
@click.option("--quantities", is_flag=True, help="List what a claim can be about, and judge nothing.")
@catalog_option
@json_option
def command(
    *, file: Path | None, output: Path | None, quantities: bool, catalog: tuple[Path, ...], as_json: bool
) -> None:
    """Judge claims about models and hardware: the verdict is computed, and says by which number.

    FILE has claims, as .toml, .csv, .json or .parquet; docs/claims.md says what it holds. Without it the claims that
    come with the package are judged. The verdict is one of reproduced, order-of-magnitude, wrong, unit-error,
    infeasible, unverifiable and rhetorical.

    \b
    llmsweep claims
    llmsweep claims my-claims.csv --json
    """
    import json

    from llmsweep.cli.verdicts import print_quantities, print_verdicts

    if quantities:
        if file is not None or output is not None:
            raise click.UsageError("--quantities takes neither a file nor -o")
        print_quantities(as_json=as_json)
        return
    from llmsweep.claims import judged, record, table
    from llmsweep.cli.files import write_frame

    found = judged(file, catalog=catalog)
    if output is not None:
        write_frame(table(found, flat=output.suffix.lower() == ".csv"), output)
    if as_json:
        click.echo(json.dumps([record(verdict) for verdict in found.verdicts], indent=2, ensure_ascii=False))
    else:
        print_verdicts(found)
