"""`llmsweep schema`."""

import click

from llmsweep.cli.options import SETTINGS


@click.command("schema", context_settings=SETTINGS)
def command() -> None:
    """Print the JSON Schema of sweep files, for editors and validators."""
    import json

    from llmsweep import _core

    click.echo(json.dumps(json.loads(_core.schema()), indent=2, ensure_ascii=False))
