"""`llmsweep columns`."""

import click

from llmsweep.cli.options import SETTINGS, json_option, phase_option


@click.command("columns", context_settings=SETTINGS)
@phase_option("Only the columns of this phase.")
@json_option
def command(*, phase: str | None, as_json: bool) -> None:
    """List what a sweep computes; every axis is a column too."""
    from llmsweep.cli.listing import print_entries
    from llmsweep.registries import columns

    print_entries(columns(phase), ("name", "unit", "kind", "doc"), as_json=as_json)
