"""`llmsweep explain`."""

from pathlib import Path
from typing import Any

import click

from llmsweep.cli.options import SETTINGS, Whole, catalog_option, json_option, phase_option, set_option


@click.command("explain", context_settings=SETTINGS)
@click.argument(
    "sweep", metavar="SWEEP.toml", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.argument("row", metavar="ROW", required=False, type=Whole(min=0))
@phase_option("Phase of a setup that is given by --set.")
@set_option
@catalog_option
@json_option
def command(
    *,
    sweep: Path | None,
    row: int | None,
    phase: str | None,
    settings: tuple[tuple[str, Any], ...],
    catalog: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show every term of one setup's time, memory and cost, with formula and numbers.

    The setup is a row of a sweep, or one value for each axis that matters; the others take their defaults.

    \b
    llmsweep explain sweep.toml 1234
    llmsweep explain --phase inference --set model=llama3.1-70b --set accelerator=h200-sxm-141
    """
    import json

    from llmsweep.api import compile_sweep
    from llmsweep.cli.explanation import print_explanation

    if sweep is not None:
        if row is None:
            raise click.UsageError("name the row to explain: llmsweep explain SWEEP.toml ROW")
        if settings or phase:
            raise click.UsageError("a row of a sweep takes neither --phase nor --set")
        text = compile_sweep(sweep, catalog).explain(row)
    else:
        if phase is None or not settings:
            raise click.UsageError("name a row (SWEEP.toml ROW) or a setup (--phase PHASE --set axis=value …)")
        compiled = compile_sweep({"schema": 1, "phase": phase, "axes": dict(settings)}, catalog, file="--set")
        if compiled.configurations != 1:
            raise click.UsageError(
                f"explain takes one setup, and these values make {compiled.configurations:,}; give each axis one value"
            )
        text = compiled.explain(0)
    explanation = json.loads(text)
    if as_json:
        click.echo(json.dumps(explanation, indent=2, ensure_ascii=False))
    else:
        print_explanation(explanation)
