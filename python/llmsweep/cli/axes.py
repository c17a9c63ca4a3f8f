"""`llmsweep axes`."""

import click

from llmsweep.cli.options import SETTINGS, json_option, phase_option


@click.command("axes", context_settings=SETTINGS)
@phase_option("Only the axes of this phase.")
@json_option
def command(*, phase: str | None, as_json: bool) -> None:
    """List what a sweep can vary: values, default, meaning."""
    from llmsweep.cli.listing import domain_text, fallback_text, print_entries
    from llmsweep.registries import axes

    entries = axes(phase)
    if as_json:
        print_entries(entries, (), as_json=True)
        return
    rows = [
        {
            "name": axis["name"],
            "values": domain_text(axis["domain"]),
            "default": fallback_text(axis["fallback"]),
            "doc": axis["doc"],
        }
        for axis in entries
    ]
    print_entries(rows, ("name", "values", "default", "doc"), as_json=False)
