"""Ranked hardware as text."""

import click

from llmsweep.cli.comparison import fold
from llmsweep.cli.table import Field, print_table
from llmsweep.compare.bill import layout
from llmsweep.readable import number, scale
from llmsweep.registries import units
from llmsweep.select.reasons import money
from llmsweep.select.run import Selection

COLUMNS = {
    "training": ("devices", "time_to_train_s", "mfu", "cost_usd"),
    "inference": (
        "device_count",
        "concurrency",
        "ttft_s",
        "tpot_s",
        "tokens_per_s_per_device",
        "usd_per_million_tokens",
    ),
}
TITLES = {
    "device_count": "devices",
    "tokens_per_s_per_device": "tokens per device",
    "usd_per_million_tokens": "per M tokens",
}


def print_selection(selection: Selection, top: int) -> None:
    """Prints a table of places, a reason and a runner-up for each, and the verdict."""
    places = selection["places"][:top]
    fields = [
        Field("", "", [str(place["rank"]) for place in places]),
        Field("accelerator", "", [place["accelerator"] for place in places], right=False),
        Field("format", "", [place["setup"]["precision"] for place in places], right=False),
        Field("layout", "", [layout(place["setup"]) for place in places], right=False),
    ]
    shown = list(dict.fromkeys([*COLUMNS[selection["purpose"]], selection["decides"]]))
    for name in shown:
        values = [place["setup"][name] for place in places]
        factor, unit = scale(name, units().get(name, ""), [value for value in values if value is not None])
        cells = ["–" if value is None else number(value / factor) for value in values]
        fields.append(Field(TITLES.get(name, name.removesuffix("_s").replace("_", " ")), unit, cells))
    fields.append(Field("efficiencies", "", [place["setup"]["provenance"] for place in places], right=False))
    print_table(fields)
    click.echo()
    for place in places:
        click.echo(
            fold(f"{place['rank']}. {place['name']}: {place['reason']}{runner_up(selection, place['runner_up'])}.", "")
        )
    click.echo()
    click.echo(fold(selection["verdict"], ""))


def runner_up(selection: Selection, setup: dict[str, object] | None) -> str:
    """The second-best setup of the same hardware."""
    if setup is None:
        return ""
    value = setup[selection["decides"]]
    unit = units().get(selection["decides"], "")
    known = ""
    if isinstance(value, float):
        known = f", {money(value)}" if unit == "USD" else f", {number(value)} {unit}".rstrip()
    return f"; next best {layout(setup)} in {setup['precision']}{known}"
