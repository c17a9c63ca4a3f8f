"""The sensitivity of one setup as text."""

from collections.abc import Sequence

import click
import polars as pl

from llmsweep.cli.explanation import print_setup
from llmsweep.cli.front_table import title
from llmsweep.cli.sensitivity_report import BreakEven, Report
from llmsweep.cli.table import Field, fitting, print_table, terminal_width
from llmsweep.readable import elasticity, number, quantity, scale
from llmsweep.registries import units
from llmsweep.sensitivity.numbers import NUMBERS
from llmsweep.sensitivity.setups import RATIO

#: Sentences behind a label of `what_binds` that is no number.
IN_WORDS = {
    "software": "software: launches, latencies and the host, which no number of the hardware moves",
    "several": "several numbers, none of which explains half of the time",
}


def print_report(report: Report) -> None:
    """Prints the setup, both tables, what binds, and the break-even price."""
    print_setup(report.explanation)
    click.echo()
    if report.explanation["feasible"]:
        click.echo("Elasticities: what 1 % more of a number changes, in per cent")
        print_table(elasticities(report))
        click.echo()
        binding = report.what_binds or ""
        click.echo(f"What binds {report.time}: {IN_WORDS.get(binding, binding)}")
        click.echo()
    click.echo(f"{number(report.factor)} times as much of a number: results, and how many times what they were")
    print_table(large_changes(report))
    if report.break_even is not None:
        click.echo()
        click.echo(break_even_line(report.break_even))


def elasticities(report: Report) -> list[Field]:
    """The first table."""
    table = report.table
    differences = ["" if label is None else label for label in table["difference"]]
    results = [
        Field(title(name, units()[name]), "", [elasticity(value) for value in table[f"elasticity_{name}"]])
        for name in report.results
    ]
    fields = [names(table["number"].to_list()), Field("difference", "", differences, right=False), *results]
    return fitting(fields, range(len(fields) - 1, 2, -1), terminal_width())


def large_changes(report: Report) -> list[Field]:
    """The second table."""
    table = report.table.filter(pl.col("number").is_in(list(NUMBERS)))
    fields = [names(table["number"].to_list())]
    if table["reject"].is_not_null().any():
        fields.append(Field("infeasible", "", ["" if why is None else why for why in table["reject"]], right=False))
    for name in report.results:
        values = zip(table[name], table[f"{name}{RATIO}"], strict=True)
        cells = [cell(name, value, ratio) for value, ratio in values]
        fields.append(Field(title(name, units()[name]), "", cells))
    return fitting(fields, range(len(fields) - 1, 2, -1), terminal_width())


def names(numbers: Sequence[str]) -> Field:
    """The column of names."""
    return Field("number", "", numbers, right=False)


def cell(name: str, value: float | None, ratio: float | None) -> str:
    """A result and its ratio.

    >>> cell("tpot_s", 0.015, 0.5), cell("mfu", 0.4, 1.02), cell("tpot_s", None, None)
    ('15 ms × 0.500', '40 % × 1.020', '–')
    """
    if value is None:
        return "–"
    factor, unit = scale(name, units()[name], [value])
    text = f"{number(value / factor)} {unit}".rstrip()
    return text if ratio is None else f"{text} × {ratio:.3f}"


def break_even_line(price: BreakEven) -> str:
    """The break-even price in a sentence.

    >>> break_even_line(BreakEven("row 3", "cost_usd", 2.5, 5.0))
    'Break-even price against row 3, by cost_usd: 2.5 USD/h per device (now 5 USD/h)'
    """
    found = (
        "none, for one of them can't run or the other has no price"
        if price.usd_per_device_hour is None
        else f"{quantity(price.usd_per_device_hour, 'USD/h')} per device"
    )
    now = price.now_usd_per_device_hour
    return f"Break-even price against {price.against}, by {price.by}: {found}" + (
        "" if now is None else f" (now {quantity(now, 'USD/h')})"
    )
