"""An explanation as text."""

import textwrap

import click

from llmsweep.cli.listing import text
from llmsweep.cli.table import terminal_width
from llmsweep.explanation import Explanation, Section, Term
from llmsweep.readable import quantity
from llmsweep.registries import axes


def print_explanation(explanation: Explanation) -> None:
    """Prints the setup, then each section's terms: name, value, formula, numbers, source."""
    print_setup(explanation)
    for section in explanation["sections"]:
        click.echo()
        print_section(section)


def print_setup(explanation: Explanation) -> None:
    """Prints which setup it is, and why it can't run if it can't."""
    click.echo(explanation["title"])
    defaults = {axis["name"]: axis["fallback"] for axis in axes()}
    setup = [f"{name}={text(value)}" for name, value in explanation["setup"].items() if defaults.get(name) != value]
    click.echo(textwrap.fill(", ".join(setup), terminal_width(), break_on_hyphens=False, break_long_words=False))
    if not explanation["feasible"]:
        detail = explanation["reject_detail"]
        click.echo(f"infeasible: {explanation['reject']}" + (f" ({detail})" if detail else ""))


def print_section(section: Section) -> None:
    """Prints one section, its names and values aligned."""
    click.echo(section["title"])
    total = section["total"]
    terms = [*section["terms"], *([total] if total else [])]
    values = [quantity(term["value"], term["unit"]) for term in terms]
    names = max((len(term["name"]) for term in terms), default=0)
    width = max((len(value) for value in values), default=0)
    for term, value in zip(terms, values, strict=True):
        if term is total:
            click.echo("  " + "─" * (names + 2 + width))
        head = f"  {term['name'].ljust(names)}  {value.rjust(width)}"
        click.echo("\n".join(wrapped(head, derivation(term))))


def derivation(term: Term) -> str:
    """Formula, numbers and source of a term."""
    parts = ["= " + term["formula"]] if term["formula"] else []
    if term["numbers"]:
        parts.append("= " + term["numbers"])
    if term["source"]:
        parts.append(f"[{term['source']}]")
    return " ".join(parts)


def wrapped(head: str, tail: str) -> list[str]:
    """The tail beside the head, wrapped under itself."""
    indent = " " * (len(head) + 2)
    room = max(terminal_width(), len(indent) + 30)
    return textwrap.wrap(tail, room, initial_indent=head + "  ", subsequent_indent=indent) or [head]
