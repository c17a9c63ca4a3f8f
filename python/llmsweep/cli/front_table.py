"""The table of a front: what varies, what it was chosen for, and what binds."""

import re
import textwrap
from collections.abc import Mapping, Sequence

import click
import polars as pl

from llmsweep.cli.table import Field, fitting, print_table, terminal_width
from llmsweep.readable import elasticity, number, numbers, scale
from llmsweep.registries import axes, units

MOST_ROWS = 50
# Beside the objectives, as many of these as the terminal has room for.
KEY_COLUMNS = {
    "training": [
        "data_parallel",
        "time_to_train_s",
        "cost_usd",
        "mfu",
        "memory_bytes",
        "goodput",
        "step_time_s",
        "tokens_per_s",
    ],
    "inference": [
        "device_count",
        "tpot_s",
        "ttft_s",
        "usd_per_million_tokens",
        "tokens_per_s",
        "memory_bytes",
        "max_concurrency",
    ],
}
SHORT = {
    "row_id": "row",
    "tensor_parallel": "TP",
    "pipeline_parallel": "PP",
    "virtual_pipeline": "VP",
    "context_parallel": "CP",
    "expert_parallel": "EP",
    "expert_tensor_parallel": "ETP",
    "data_parallel": "DP",
    "zero_stage": "ZeRO",
    "device_count": "devices",
    "usd_per_million_tokens": "per M tokens",
}
ELASTICITY = "elasticity_"
# Ends of a name that say the unit, which the header says again.
UNIT_ENDS = {"s": "_s", "B": "_bytes", "USD": "_usd", "W": "_w", "J": "_j", "kg": "_kg"}


def title(name: str, unit: str) -> str:
    """A column's name in words, without its unit.

    >>> title("time_to_train_s", "s"), title("tensor_parallel", "")
    ('time to train', 'TP')
    >>> title("tokens_per_s_per_device", "tokens/s")
    'tokens per device'
    >>> title("step_time_s_p90", "s"), title("memory_bytes_p10", "B"), title("tokens_per_s_p10", "tokens/s")
    ('step time p90', 'memory p10', 'tokens p10')
    >>> title("elasticity_tpot_s_to_hbm_bandwidth", "")
    'tpot to hbm bandwidth'
    """
    if name in SHORT:
        return SHORT[name]
    if name.startswith(ELASTICITY):
        result, _, moved_by = name.removeprefix(ELASTICITY).rpartition("_to_")
        return f"{title(result, units().get(result, ''))} to {moved_by.replace('_', ' ')}"
    if unit.endswith("/s"):
        name = name.replace("_per_s", "", 1)
    end, which = re.escape(UNIT_ENDS.get(unit, "\0")), "_p10|_p90|_bound"
    return re.sub(rf"{end}(?=({which})?$)", "", name).replace("_", " ")


def field(series: pl.Series) -> Field:
    """A column of the table, scaled to what people read."""
    name, unit = series.name, units().get(series.name, "")
    values = series.to_list()
    present = [value for value in values if value is not None]
    if name.startswith(ELASTICITY):
        return Field(title(name, unit), "", [elasticity(value) for value in values])
    if series.dtype.is_float():
        factor, shown = scale(name, unit, present)
        cells = numbers([None if value is None else value / factor for value in values])
        return Field(title(name, unit), shown, cells)
    if series.dtype.is_integer():
        plain = name == "row_id"
        cells = ["–" if value is None else str(value) if plain else f"{value:,}" for value in values]
        return Field(title(name, unit), "", cells)
    return Field(title(name, unit), "", [plain_text(value) for value in values], right=False)


def plain_text(value: object) -> str:
    """A value without its unit: yes and no, names, numbers."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float() | int():
            return number(float(value))
        case _:
            return str(value)


def sample(frame: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most ``most`` rows, evenly spread, first and last among them."""
    if frame.height <= most:
        return frame
    step = (frame.height - 1) / (most - 1)
    return frame[[round(index * step) for index in range(most)]]


def print_front(
    frame: pl.DataFrame,
    most: int,
    phase: str,
    pareto: Mapping[str, Sequence[str]],
    named: Sequence[str],
    *,
    more: Sequence[str] = (),
    last: str = "bottleneck",
) -> int:
    """Prints the front, and above it the axes that do not vary in it.

    Args:
        frame: Rows with every column of the phase, in the order to print.
        most: Rows to print; of more, a sample.
        phase: ``training`` or ``inference``.
        pareto: The sweep's ``minimize``, ``maximize`` and ``by``.
        named: Axes that the specification names.
        more: Columns to print before those that people mostly look for, as many as the terminal has room for.
        last: The column at the end.

    Returns:
        How many of ``more`` had no room.
    """
    names = [axis["name"] for axis in axes(phase)]
    varying = [name for name in names if frame[name].n_unique() > 1]
    fixed = [name for name in names if name in named and name not in varying]
    if fixed:
        line = "fixed: " + ", ".join(f"{name}={plain_text(frame[name][0])}" for name in fixed)
        click.echo(textwrap.fill(line, terminal_width(), break_on_hyphens=False, break_long_words=False))
        click.echo()
    objectives = [name for name in (*pareto["minimize"], *pareto["maximize"]) if name not in varying]
    key = [name for name in KEY_COLUMNS[phase] if name not in objectives and name not in varying]
    shown = list(dict.fromkeys(["row_id", *varying, *objectives, *more, *key, last]))
    fields = [field(series) for series in sample(frame, most).select(shown)]
    droppable = [shown.index(name) for name in reversed([*more, *key])]
    fitted = fitting(fields, droppable, terminal_width())
    print_table(fitted)
    return max(0, len(fields) - len(fitted) - len(key))


def print_columns(frame: pl.DataFrame, first: Sequence[str] = ()) -> None:
    """Prints the columns ``first``, then as many of the others as the terminal has room for.

    Without ``first``, all of them in their order.
    """
    if not first:
        print_table([field(series) for series in frame])
        return
    names = [*dict.fromkeys(first), *(name for name in frame.columns if name not in first)]
    droppable = range(len(names) - 1, len(set(first)) - 1, -1)
    print_table(fitting([field(frame[name]) for name in names], list(droppable), terminal_width()))
