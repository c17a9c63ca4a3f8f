"""`llmsweep sensitivity`."""

from pathlib import Path
from typing import Any

import click

from llmsweep.cli.options import (
    EXTENSIONS,
    SETTINGS,
    Names,
    OutputFile,
    Positive,
    Setting,
    Whole,
    catalog_option,
    json_option,
    setup_arguments,
)


@click.command("sensitivity", context_settings=SETTINGS)
@setup_arguments
@click.option("--of", type=Names(), metavar="A,B,…", help="Results; by default times, throughput, cost and energy.")
@click.option(
    "--step", type=Positive(0.5), default=0.01, metavar="X", help="Share of the small change; by default 0.01."
)
@click.option(
    "--factor", type=Positive(1e6), default=2.0, metavar="X", help="Factor of the large change; by default 2."
)
@click.option(
    "--against",
    "changes",
    multiple=True,
    type=Setting(),
    metavar="AXIS=VALUE",
    help="The break-even price against this setup with another value of an axis. Repeatable.",
)
@click.option("--against-row", type=Whole(min=0), metavar="N", help="The break-even price against row N of the sweep.")
@click.option(
    "--by", default="usd_per_million_tokens", metavar="COL", help="The cost that breaks even; usd_per_million_tokens."
)
@catalog_option
@click.option(
    "-o", "--output", type=OutputFile(EXTENSIONS), metavar="FILE", help="Write the table to .parquet, .csv or .json."
)
@json_option
def command(*, output: Path | None, as_json: bool, **options: Any) -> None:
    """Show what each number of the hardware changes, and what binds.

    Peak FLOP/s, bandwidths, memory, price and power are each made a little larger and smaller, and then twice as large,
    and the whole setup is evaluated again. The setup is named as for `llmsweep explain`.

    \b
    llmsweep sensitivity sweep.toml 1234
    llmsweep sensitivity sweep.toml 1234 --against-row 88
    llmsweep sensitivity --phase inference --set model=llama3.1-70b --set accelerator=h200-sxm-141 \\
        --set precision=fp8 --against accelerator=mi300x
    """
    import json

    from llmsweep.cli.sensitivity_report import Asked, Report

    report = Report.of(Asked(**options))
    if output is not None:
        from llmsweep.cli.files import write_frame

        write_frame(report.table, output)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        from llmsweep.cli.sensitivity_table import print_report

        print_report(report)
