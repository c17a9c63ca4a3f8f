"""Plain tables that fit a terminal."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import click

GAP = "  "


@dataclass(frozen=True)
class Field:
    """One column of a printed table: its name in words, its unit and a text per row."""

    title: str
    unit: str
    cells: Sequence[str]
    right: bool = True

    def header(self, width: int) -> list[str]:
        """The title wrapped to ``width``, then the unit."""
        lines: list[str] = []
        for word in self.title.split():
            if lines and len(lines[-1]) + 1 + len(word) <= width:
                lines[-1] += " " + word
            else:
                lines.append(word)
        return [*lines, f"[{self.unit}]"] if self.unit else lines

    @property
    def width(self) -> int:
        """Characters that the column needs."""
        words = [*self.title.split(), f"[{self.unit}]" if self.unit else "", *self.cells]
        return max(map(len, words))


def terminal_width() -> int:
    """Columns of the terminal; ``$COLUMNS``, or 120 where stdout is none."""
    return shutil.get_terminal_size((120, 40)).columns


def fitting(fields: Sequence[Field], droppable: Sequence[int], width: int) -> list[Field]:
    """The fields without as many of the droppable ones, first named first dropped, as the width asks for."""
    kept = dict(enumerate(fields))
    for index in droppable:
        if sum(field.width + len(GAP) for field in kept.values()) - len(GAP) <= width:
            break
        del kept[index]
    return list(kept.values())


def print_table(fields: Sequence[Field]) -> None:
    """Prints headers, a rule and rows on stdout."""
    widths = [field.width for field in fields]
    headers = [field.header(width) for field, width in zip(fields, widths, strict=True)]
    height = max(map(len, headers))
    padded = [[""] * (height - len(header)) + header for header in headers]
    body = zip(*(field.cells for field in fields), strict=True)
    for line in zip(*padded, strict=True):
        click.echo(_line(line, fields, widths))
    click.echo(GAP.join("─" * width for width in widths))
    for row in body:
        click.echo(_line(row, fields, widths))


def _line(cells: Sequence[str], fields: Sequence[Field], widths: Sequence[int]) -> str:
    aligned = (
        cell.rjust(width) if field.right else cell.ljust(width)
        for cell, field, width in zip(cells, fields, widths, strict=True)
    )
    return GAP.join(aligned).rstrip()
