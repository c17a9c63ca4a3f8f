"""`llmsweep explain`."""

from pathlib import Path
from typing import Any

import click

from llmsweep.cli.options import SETTINGS, catalog_option, json_option, setup_arguments


@click.command("explain", context_settings=SETTINGS)
@setup_arguments
@catalog_option
@click.option("--sensitivity", is_flag=True, help="Also what each number of the hardware changes, and what binds.")
@json_option
def command(
    *,
    sweep: Path | None,
    row: int | None,
    phase: str | None,
    settings: tuple[tuple[str, Any], ...],
    catalog: tuple[Path, ...],
    sensitivity: bool,
    as_json: bool,
) -> None:
    """Show every term of one setup's time, memory and cost, with formula and numbers.

    The setup is a row of a sweep, or one value for each axis that matters; the others take their defaults.

    \b
    llmsweep explain sweep.toml 1234
    llmsweep explain --phase inference --set model=llama3.1-70b --set accelerator=h200-sxm-141
    """
    import json

    from llmsweep.cli.explanation import print_explanation
    from llmsweep.cli.setup import OneSetup

    setup = OneSetup.named("explain", sweep, row, phase=phase, settings=settings, catalog=catalog)
    explanation = json.loads(setup.explanation())
    if sensitivity and explanation["feasible"]:
        from llmsweep.cli.sensitivity_sections import sections

        explanation["sections"] += sections(setup)
    if as_json:
        click.echo(json.dumps(explanation, indent=2, ensure_ascii=False))
    else:
        print_explanation(explanation)
