"""Training beside inference as text."""

import textwrap
from collections.abc import Iterable
from itertools import groupby

import click

from llmsweep.cli.table import GAP, terminal_width
from llmsweep.compare.lines import SIDES, Cell, Comparison, Line
from llmsweep.readable import number, quantity

TITLES = {
    "pretraining": "pretraining",
    "full_finetuning": "full fine-tuning",
    "lora": "LoRA",
    "qlora": "QLoRA",
    "inference": "inference",
}


def print_comparison(comparison: Comparison, *, formulas: bool) -> None:
    """Prints what each side was asked, then a table for each section."""
    click.echo(f"{comparison['model']}: training beside inference\n")
    for side in SIDES:
        asked = comparison["sides"][side]
        why_not = f": impossible, {asked['why_not']}" if asked["setup"] is None else ""
        click.echo(fold(f"{TITLES[side]}: {asked['question']}{why_not}", ""))
    sides = [side for side in SIDES if any(side in line["cells"] for line in comparison["lines"])]
    names = max(len(line["name"]) for line in comparison["lines"])
    widths = [
        max(len(TITLES[side]), *(len(shown(line, side)) for line in comparison["lines"] if side in line["cells"]))
        for side in sides
    ]
    for section, lines in groupby(comparison["lines"], lambda line: line["section"]):
        heads = (TITLES[side].rjust(width) for side, width in zip(sides, widths, strict=True))
        click.echo(f"\n{section.ljust(names)}{GAP}{GAP.join(heads)}")
        click.echo("─" * (names + sum(widths) + len(GAP) * len(widths)))
        for line in lines:
            cells = (shown(line, side).rjust(width) for side, width in zip(sides, widths, strict=True))
            click.echo(f"{line['name'].ljust(names)}{GAP}{GAP.join(cells)}".rstrip())
            if formulas and (derived := derivation(line)):
                click.echo(fold(derived, "    "))


def shown(line: Line, side: str) -> str:
    """One cell."""
    cell: Cell | None = line["cells"].get(side)
    if cell is None:
        return ""
    if cell["value"] is None:
        return cell["text"]
    return f"{number(cell['value'])} %" if line["unit"] == "%" else quantity(cell["value"], line["unit"])


def derivation(line: Line) -> str:
    """Each formula of a line once, with the numbers of the first side that has it."""
    first: dict[str, str] = {}
    for side, cell in line["cells"].items():
        if cell["formula"] and cell["formula"] not in first:
            numbers = f" = {cell['numbers']}" if cell["numbers"] else ""
            first[cell["formula"]] = f"{cell['formula']}{numbers}{named(side, line['cells'])}"
    return "; ".join(f"= {text}" for text in first.values())


def named(side: str, cells: Iterable[str]) -> str:
    """The side that numbers are from, where there are others."""
    return f" ({TITLES[side]})" if len(list(cells)) > 1 else ""


def fold(text: str, indent: str) -> str:
    """A paragraph that fits the terminal."""
    return textwrap.fill(
        text,
        terminal_width(),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
