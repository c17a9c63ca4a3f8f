"""Lists of entries as aligned text or JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from llmsweep.cli.table import Field, fitting, print_table, terminal_width
from llmsweep.readable import number, quantity, unit_of, without_unit
from llmsweep.registries import Domain

# A year or a head count reads better without a comma.
FIVE_DIGITS = 10_000


def print_entries(
    entries: Sequence[Mapping[str, Any]], fields: Sequence[str], *, as_json: bool, fit: bool = False
) -> None:
    """Prints one line per entry with these fields, or the whole entries as JSON.

    With ``fit`` the last fields are left out where the terminal has no room for them.
    """
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    columns = [column(entries, name) for name in fields]
    print_table(fitting(columns, range(len(columns) - 1, 0, -1), terminal_width()) if fit else columns)


def column(entries: Sequence[Mapping[str, Any]], name: str) -> Field:
    """One field of all entries, without the unit in its title: each cell has its own. Numbers to the right."""
    values = [entry.get(name) for entry in entries]
    numeric = all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
    unit = unit_of(name)
    cells = [quantity(value, unit) if numeric and unit else text(value) for value in values]
    return Field(without_unit(name).replace("_", " ").replace(".", " "), "", cells, right=numeric)


def text(value: object) -> str:
    """A JSON value as one would write it down."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}" if abs(value) >= FIVE_DIGITS else str(value)
        case float():
            return number(value)
        case str():
            return value
        case _:
            return ", ".join(map(text, value)) if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def domain_text(domain: Domain) -> str:
    """The values of an axis in words.

    >>> domain_text({"kind": "integer", "min": 0, "max": 3})
    '0 to 3'
    """
    values = domain.get("values", [])
    in_words = {
        "choice": ", ".join(values),
        "subset": f"none, or {' + '.join(values)}: any of them",
        "integer": f"{domain.get('min', 0):,} to {domain.get('max', 0):,}",
        "positive": "above 0",
        "amount": "0 and above",
        "at_least_one": "1 and above",
        "share": "0 to 1",
        "between": f"{domain.get('min', 0):,} to {domain.get('max', 0):,}",
        "bool": "true, false",
        "draft_model": "none, models of the catalogue",
    }
    return in_words.get(domain["kind"], f"{domain['kind']}s of the catalogue")


def fallback_text(fallback: str | float | bool | None) -> str:  # noqa: FBT001 - the value of an axis
    """The default of an axis as a sweep file writes it."""
    match fallback:
        case None:
            return "required"
        case bool():
            return "true" if fallback else "false"
        case str():
            return fallback
        case _:
            return f"{fallback:,}"
