"""`llmsweep catalog`."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import click

from llmsweep.cli import SentenceGroup, near
from llmsweep.cli.options import SETTINGS, catalog_option, json_option

KINDS = ("models", "accelerators", "networks")


@click.group("catalog", cls=SentenceGroup, context_settings=SETTINGS, no_args_is_help=False)
def command() -> None:
    """List, show and add models, accelerators and networks."""


@command.command("list", context_settings=SETTINGS)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("pattern", metavar="[GLOB]", default="*")
@catalog_option
@json_option
def list_entries(*, kind: str, pattern: str, catalog: tuple[Path, ...], as_json: bool) -> None:
    """List entries of a kind, all or those whose id matches a glob.

    \b
    llmsweep catalog list accelerators "h*"
    """
    from llmsweep.api import open_catalog
    from llmsweep.cli.listing import print_entries
    from llmsweep.errors import CatalogError

    entries = [
        entry if isinstance(entry, dict) else {"id": entry}
        for entry in json.loads(open_catalog(catalog).list(kind, pattern))
    ]
    if not entries:
        raise CatalogError(f'no entry of {kind} matches "{pattern}"')
    print_entries(entries, summary_fields(entries), as_json=as_json)


def summary_fields(entries: list[dict[str, Any]]) -> list[str]:
    """The fields that most entries have and that fit a line, id first."""
    from llmsweep.cli.listing import column
    from llmsweep.cli.table import GAP, terminal_width

    counts: dict[str, int] = {}
    for entry in entries:
        for name, value in entry.items():
            if isinstance(value, str | int | float):
                counts[name] = counts.get(name, 0) + 1
    room = terminal_width()
    chosen: list[str] = []
    for name in dict.fromkeys(["id", "name", *counts]):
        width = column(entries, name).width + len(GAP)
        if 2 * counts.get(name, 0) >= len(entries) and width <= room:
            chosen.append(name)
            room -= width
    return chosen


@command.command("show", context_settings=SETTINGS)
@click.argument("names", metavar="[KIND] ID", nargs=-1)
@catalog_option
@json_option
def show(*, names: tuple[str, ...], catalog: tuple[Path, ...], as_json: bool) -> None:
    """Show one entry with every field, unit and source.

    \b
    llmsweep catalog show h200-sxm-141
    llmsweep catalog show models llama3.1-70b --json
    """
    from llmsweep.api import open_catalog

    match names:
        case (kind, identifier):
            if kind not in KINDS:
                raise click.UsageError(f'there is no kind "{kind}"; allowed: {", ".join(KINDS)}')
            entry = json.loads(open_catalog(catalog).show(kind, identifier))
        case (identifier,):
            entry = find(identifier, catalog)
        case _:
            raise click.UsageError("name one entry: llmsweep catalog show [KIND] ID")
    if as_json:
        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))
        return
    from llmsweep.cli.listing import text

    pairs = [(name, text(value) + in_words(name, value)) for name, value in flattened(entry)]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"{name.ljust(width)}  {value}")


def in_words(name: str, value: object) -> str:
    """A number in a unit that people read, where the name says its unit."""
    from llmsweep.cli.units import quantity, unit_of

    unit = unit_of(name)
    if not unit or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return f"  ({quantity(value, unit)})"


def find(identifier: str, extra: tuple[Path, ...]) -> dict[str, Any]:
    """The entry of this id, of whatever kind.

    Raises:
        CatalogError: There is none; the sentence names the nearest.
    """
    from llmsweep.api import open_catalog
    from llmsweep.errors import CatalogError

    catalog = open_catalog(extra)
    known: list[str] = []
    for kind in KINDS:
        entries = json.loads(catalog.list(kind))
        ids = [entry["id"] if isinstance(entry, dict) else entry for entry in entries]
        if identifier in ids:
            entry: dict[str, Any] = json.loads(catalog.show(kind, identifier))
            return entry
        known += ids
    raise CatalogError(f'the catalogue has no entry "{identifier}"{near(identifier, known, "llmsweep catalog list")}')


def flattened(entry: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Nested tables as dotted names, in order."""
    pairs: list[tuple[str, Any]] = []
    for name, value in entry.items():
        if isinstance(value, dict):
            pairs += flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                pairs += flattened(item, f"{prefix}{name}[{index}].")
        else:
            pairs.append((prefix + name, value))
    return pairs


@command.command("add", context_settings=SETTINGS)
@click.argument("config", metavar="config.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--id", "identifier", required=True, metavar="ID", help="Id of the model in sweeps.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Catalogue folder to write to; by default the user's own.",
)
@click.option("--force", is_flag=True, help="Replace an entry that is there.")
def add(*, config: Path, identifier: str, folder: Path | None, force: bool) -> None:
    """Read a Hugging Face config.json into a catalogue folder and print the new file's path.

    \b
    llmsweep catalog add config.json --id my-model
    """
    from llmsweep import _core
    from llmsweep.api import open_catalog
    from llmsweep.cli.files import write_beside
    from llmsweep.directories import user_catalog
    from llmsweep.errors import CatalogError

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", identifier):
        raise click.UsageError(f'--id "{identifier}" must be lower-case letters, digits, ".", "_" and "-"')
    try:
        source = config.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f'"{config}" is not UTF-8 text') from error
    target = (folder or user_catalog()) / "models" / f"{identifier}.toml"
    if target.exists() and not force:
        raise click.UsageError(f'"{target}" exists; replace it with --force')
    entry = _core.toml_from_hugging_face(source, identifier)
    with tempfile.TemporaryDirectory() as trial:
        # Read back before it is kept, so that a folder never holds an entry that no sweep can use.
        (Path(trial) / "models").mkdir()
        (Path(trial) / "models" / target.name).write_text(entry, encoding="utf-8")
        open_catalog([trial]).show("models", identifier)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_beside(target, lambda part: part.write_text(entry, encoding="utf-8"))
    click.echo(target)
