"""`llmsweep catalog`."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import click

from llmsweep.cli import SentenceGroup
from llmsweep.cli.options import SETTINGS, catalog_option, json_option
from llmsweep.names import near

# Kind → the fields that a list shows, as many as fit the terminal.
LISTED = {
    "models": (
        *("id", "parameters", "active_parameters", "layers", "hidden", "context_tokens", "year", "family", "name"),
    ),
    "accelerators": (
        *("id", "memory_bytes", "memory_bandwidth_bytes_per_s", "peak_flops_per_s.bf16", "board_power_w"),
        *("rental_usd_per_hour", "scale_up_devices", "year", "vendor", "architecture", "status", "name"),
    ),
    "networks": ("id", "kind", "wiring", "bandwidth_bytes_per_s", "latency_s", "efficiency", "status"),
    "prices": (
        *("accelerator", "rental_usd_per_hour", "rental_low_usd_per_hour", "rental_high_usd_per_hour"),
        *("purchase_usd", "rental_date", "purchase_date"),
    ),
    "stacks": ("id", "since", "frameworks", "release", "name"),
    "engines": ("id", "since", "engines", "release", "kernels", "name"),
}
KINDS = tuple(LISTED)
# Fields that come first where one entry is shown.
FIRST = ("id", "name", "vendor", "family", "kind", "accelerator", "year", "status")


@click.group("catalog", cls=SentenceGroup, context_settings=SETTINGS, no_args_is_help=False)
def command() -> None:
    """List, show and add models, accelerators, networks, prices, training stacks and serving engines."""


@command.command("list", context_settings=SETTINGS)
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.argument("pattern", metavar="[GLOB]", default="*")
@catalog_option
@json_option
def list_entries(*, kind: str, pattern: str, catalog: tuple[Path, ...], as_json: bool) -> None:
    """List models, accelerators, networks, prices, stacks or engines: all, or those whose id matches a glob.

    \b
    llmsweep catalog list accelerators "h*"
    """
    from llmsweep.api import open_catalog
    from llmsweep.cli.listing import print_entries
    from llmsweep.errors import CatalogError

    entries = json.loads(open_catalog(catalog).list(kind, pattern))
    if not entries:
        raise CatalogError(f'no entry of {kind} matches "{pattern}"')
    shown = entries if as_json else [dict(flattened(entry)) for entry in entries]
    print_entries(shown, LISTED[kind], as_json=as_json, fit=True)


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
    ordered = {**{name: entry[name] for name in FIRST if name in entry}, **entry}
    pairs = [(name, in_words(name, value)) for name, value in flattened(ordered) if value is not None]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"{name.ljust(width)}  {value}")


def in_words(name: str, value: object) -> str:
    """A value, and if the name says its unit, the same as people read it.

    >>> in_words("board_power_w", 700.0), in_words("memory_bandwidth_bytes_per_s", 3.35e12), in_words("year", 2022)
    ('700 W', '3.35e12  (3.35 TB/s)', '2022')
    """
    from llmsweep.cli.listing import text
    from llmsweep.readable import quantity, unit_of

    plain, unit = text(value), unit_of(name)
    if not unit or isinstance(value, bool) or not isinstance(value, int | float):
        return plain
    words = quantity(value, unit)
    return words if words.split()[0] == plain else f"{plain}  ({words})"


def find(identifier: str, extra: tuple[Path, ...]) -> dict[str, Any]:
    """The entry of this id, of whatever kind.

    Raises:
        CatalogError: There is none; the sentence names the nearest.
    """
    from llmsweep.api import open_catalog
    from llmsweep.errors import CatalogError

    catalog = open_catalog(extra)
    known: list[str] = []
    for kind in ("models", "accelerators", "networks"):
        ids = [entry["id"] for entry in json.loads(catalog.list(kind))]
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
    from llmsweep.directories import user_catalog
    from llmsweep.errors import CatalogError
    from llmsweep.files import write_beside

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", identifier):
        raise click.UsageError(f'--id "{identifier}" must be lower-case letters, digits, ".", "_" and "-"')
    try:
        source = config.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CatalogError(f'"{config}" is not UTF-8 text') from error
    target = (folder or user_catalog()) / "models" / f"{identifier}.toml"
    if target.exists() and not force:
        raise click.UsageError(f'"{target}" exists; replace it with --force')
    entry = _core.toml_from_hugging_face(source, identifier, file=str(config))
    with tempfile.TemporaryDirectory() as trial:
        # Read back before it is kept, so that a folder never holds an entry that no sweep can use.
        (Path(trial) / "models").mkdir()
        (Path(trial) / "models" / target.name).write_text(entry, encoding="utf-8")
        open_catalog([trial]).show("models", identifier)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_beside(target, lambda part: part.write_text(entry, encoding="utf-8"))
    click.echo(target)
