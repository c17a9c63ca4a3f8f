"""Fleets and pools as tables for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click
import polars as pl

from llmsweep.cli.front_table import title
from llmsweep.cli.table import Field, fitting, print_table, terminal_width
from llmsweep.fleet.demand import Demand
from llmsweep.fleet.interval import Interval
from llmsweep.fleet.pool_file import Pool
from llmsweep.readable import number, numbers, quantity, scale
from llmsweep.registries import axes


@dataclass(frozen=True)
class Column:
    """A column of a result: its title, its unit inside, and whether it is a share that is printed in per cent."""

    name: str
    title: str
    unit: str = ""

    def field(self, frame: pl.DataFrame) -> Field:
        """Its cells, scaled to what people read."""
        values = frame[self.name].to_list()
        if frame[self.name].dtype.is_integer():
            return Field(self.title, self.unit, ["–" if value is None else f"{value:,}" for value in values])
        if frame[self.name].dtype == pl.Boolean:
            return Field(self.title, "", ["yes" if value else "" for value in values], right=False)
        if not (frame[self.name].dtype.is_float() or frame[self.name].dtype == pl.Null):
            return Field(self.title, "", [str(value).replace("_", " ") for value in values], right=False)
        present = [value for value in values if value is not None]
        factor, unit = (0.01, "%") if self.unit == "%" else scale("", self.unit, present)
        return Field(self.title, unit, numbers([None if value is None else value / factor for value in values]))


FLEET = (
    Column("devices", "devices"),
    Column("usd_per_month", "month", "USD"),
    Column("usd_per_million_tokens", "per M tokens", "USD"),
    Column("on_front", "front"),
    Column("replicas", "replicas"),
    Column("spare_replicas", "spares"),
    Column("nodes", "nodes"),
    Column("replica_rate_per_s", "rate of a replica", "1/s"),
    Column("limit", "limit"),
    Column("occupancy_at_peak", "occupied at peak", "%"),
    Column("occupancy_at_mean", "on average", "%"),
    Column("usd_per_hour", "hour", "USD"),
    Column("mean_power_w", "mean power", "W"),
    Column("j_per_token", "per token", "J"),
)
# What is left out first where the terminal is narrow.
LEAST = ("j_per_token", "usd_per_hour", "mean_power_w", "nodes", "spare_replicas", "replica_rate_per_s")
POOL = (
    Column("policy", "policy"),
    Column("devices", "devices"),
    Column("between", "between"),
    Column("models_per_place", "models per place"),
    Column("utilisation", "at work", "%"),
    Column("usd_per_hour", "hour", "USD"),
    Column("usd_per_month", "month", "USD"),
    Column("wait_s", "longest wait", "s"),
    Column("limit", "limit"),
)


def print_fleets(frame: pl.DataFrame, demand: Demand, promises: Mapping[str, float], redundancy: str) -> None:
    """Prints what was asked for, what is the same in all rows, and one line per fleet, the best first.

    Args:
        frame: Rows of `llmsweep.size_fleet`.
        demand: The rates, and users.
        promises: Bounds by column.
        redundancy: As it was given.
    """
    kept = ", ".join(f"{name} ≤ {quantity(bound, 's')}" for name, bound in promises.items())
    rates = f"{number(demand.peak_rate_per_s)} requests/s at the peak, {number(demand.mean_rate_per_s)} on average"
    _wrapped(f"{rates}; {kept}; redundancy {redundancy}")
    if demand.users:
        _wrapped(_users(frame.row(0, named=True), demand))
    defaults = {axis["name"]: axis["fallback"] for axis in axes("inference")}
    names = [name for name in frame.columns if name in defaults]
    varying = sorted((name for name in names if frame[name].n_unique() > 1), key=lambda name: name != "accelerator")
    fixed = [f"{name}={frame[name][0]}" for name in names if name not in varying and frame[name][0] != defaults[name]]
    if fixed:
        _wrapped(f"fixed: {', '.join(fixed)}")
    click.echo()
    first = [Column(name, title(name, "")) for name in varying]
    times = [Column(name, title(name, "s"), "s") for name in promises]
    columns = [*first, *FLEET[:4], *times, *FLEET[4:]]
    _print([column.field(frame) for column in columns], columns)


def print_pool(frame: pl.DataFrame, pool: Pool) -> None:
    """Prints the policies of a pool.

    Args:
        frame: Rows of `llmsweep.size_pool`.
        pool: What was asked.
    """
    row = frame.row(0, named=True)
    kept = ", ".join(f"{name} ≤ {quantity(bound, 's')}" for name, bound in pool.promises.items())
    what = f"{row['models']:,} models on {pool.accelerator}, {number(row['active_models'])} of them active on average"
    _wrapped(f"{pool.name or 'pool'}: {what}; {kept}")
    for whose, share in (("their own", pool.dedicated_busy_share), ("the pool", pool.pool_busy_share)):
        if share:
            _wrapped(f"devices of {whose} are at work for {_percent(share)} of the time at most")
    click.echo()
    ends = [f"{low:,}–{high:,}" for low, high in frame.select("devices_low", "devices_high").rows()]
    shown = frame.with_columns(between=pl.Series(ends))
    columns = [column for column in POOL if not (column.name == "between" and _exact(frame))]
    _print([column.field(shown) for column in columns], columns)
    own, least = frame["devices"][0], frame["devices"][-1]
    click.echo(f"\n{own:,} → {least:,} devices: {100 * (1 - least / own):.0f} % fewer")


def _users(row: Mapping[str, float], demand: Demand) -> str:
    context = row["input_tokens"] + row["output_tokens"]
    room = demand.context_bytes(context, row["kv_bytes_per_token"])
    tokens = demand.peak_rate_per_s * row["output_tokens"]
    binds = "KV room" if row["kv_replicas"] > row["throughput_replicas"] else "throughput"
    rate = f"{number(demand.users)} users read {quantity(tokens, 'tokens/s')}: {row['throughput_replicas']:,} replicas"
    held = f"contexts of {context:,} tokens take {number(room / 1e12)} TB: {row['kv_replicas']:,} replicas"
    return f"{rate}; their {held}; {binds} binds ({row['accelerator']})"


def _percent(share: Interval) -> str:
    ends = [number(100 * end) for end in (share.low, share.high)]
    return f"{ends[0]} %" if share.low == share.high else f"{ends[0]} to {ends[1]} %"


def _exact(frame: pl.DataFrame) -> bool:
    return bool((frame["devices_low"] == frame["devices_high"]).all())


def _wrapped(line: str) -> None:
    click.echo(textwrap.fill(line, terminal_width(), break_on_hyphens=False, break_long_words=False))


def _print(fields: Sequence[Field], columns: Sequence[Column]) -> None:
    names = [column.name for column in columns]
    droppable = [names.index(name) for name in LEAST if name in names]
    print_table(fitting(fields, droppable, terminal_width()))
