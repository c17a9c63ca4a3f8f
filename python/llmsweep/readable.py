"""Units that people read: one scale per column, chosen by its values."""

import math
import re
from collections.abc import Sequence
from statistics import median

# Unit of the registry → scales, smallest first, as (factor, name).
SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (3600.0, "h"), (86400.0, "d")),
    "B": ((1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB")),
    "FLOP": ((1.0, "FLOP"), (1e9, "GFLOP"), (1e12, "TFLOP"), (1e15, "PFLOP"), (1e18, "EFLOP"), (1e21, "ZFLOP")),
    "USD": ((1e-6, "µUSD"), (1.0, "USD"), (1e3, "kUSD"), (1e6, "MUSD")),
    "USD/h": ((1.0, "USD/h"), (1e3, "kUSD/h")),
    "W": ((1.0, "W"), (1e3, "kW"), (1e6, "MW")),
    "B/s": ((1.0, "B/s"), (1e3, "kB/s"), (1e6, "MB/s"), (1e9, "GB/s"), (1e12, "TB/s")),
    "FLOP/s": ((1.0, "FLOP/s"), (1e9, "GFLOP/s"), (1e12, "TFLOP/s"), (1e15, "PFLOP/s")),
    "parameters": ((1.0, ""), (1e6, "M"), (1e9, "B"), (1e12, "T")),
    "J": ((1e-3, "mJ"), (1.0, "J"), (1e3, "kJ"), (1e6, "MJ"), (1e9, "GJ"), (1e12, "TJ")),
    "tokens/s": ((1.0, "tokens/s"), (1e3, "k tokens/s"), (1e6, "M tokens/s")),
    "tokens": ((1.0, "tokens"), (1e6, "M tokens"), (1e9, "B tokens"), (1e12, "T tokens")),
    "kWh": ((1.0, "kWh"), (1e3, "MWh"), (1e6, "GWh")),
    "kg": ((1e-6, "mg"), (1e-3, "g"), (1.0, "kg"), (1e3, "t")),
    "h": ((1.0, "hours"), (1e3, "k hours"), (1e6, "M hours")),
}
# Ends of names in catalogue files → unit; longer ends first.
NAMED = {
    "_bytes_per_s": "B/s",
    "_flops_per_s": "FLOP/s",
    "_bytes": "B",
    "_w": "W",
    "_s": "s",
    "_usd": "USD",
    "_usd_per_h": "USD/h",
    "_usd_per_hour": "USD/h",
    "parameters": "parameters",
}
PERCENT = ("_fraction", "goodput", "mfu", "mfu_non_causal", "hfu")
# Between these, numbers are written without an exponent.
SMALLEST, LARGEST = 1e-4, 1e7
MOST_DECIMALS = 5
# Smallest median at which a scale is used, where that is not one of it: cents stay dollars, 47 h stay hours.
STARTS = {"USD": 0.01, "h": 7200.0, "d": 172_800.0}


def scale(name: str, unit: str, values: Sequence[float]) -> tuple[float, str]:
    """What to divide a column's values by, and the unit that this gives.

    >>> scale("tpot_s", "s", [0.012, 0.02])
    (0.001, 'ms')
    >>> scale("mfu", "", [0.41])
    (0.01, '%')
    """
    if name.endswith(PERCENT):
        return 0.01, "%"
    scales = SCALES.get(unit)
    sizes = [abs(value) for value in values if value]
    if not scales or not sizes:
        return 1.0, unit
    middle = median(sizes)
    fitting = [(factor, name) for factor, name in scales if middle >= STARTS.get(name, factor)]
    return fitting[-1] if fitting else scales[0]


def number(value: float) -> str:
    """Four significant digits, never an exponent between 0.0001 and 10 million.

    >>> number(1234.5678), number(0.0123456), number(12.0), number(2.5e9)
    ('1,235', '0.01235', '12', '2.5e9')
    """
    if value == 0:
        return "0"
    size = abs(value)
    if size >= LARGEST or size < SMALLEST:
        return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.4g}")
    if size >= 1000:  # noqa: PLR2004 - four digits before the point
        return f"{value:,.0f}"
    text = f"{value:#.4g}"
    return text.rstrip("0").rstrip(".")


def unit_of(name: str) -> str:
    """The unit that a name of the catalogue says, if any.

    >>> unit_of("memory_bandwidth_bytes_per_s"), unit_of("peak_flops_per_s.bf16"), unit_of("year")
    ('B/s', 'FLOP/s', '')
    """
    last = next((part for part in name.split(".") if part.endswith(tuple(NAMED))), "")
    return next((unit for end, unit in NAMED.items() if last.endswith(end)), "")


def without_unit(name: str) -> str:
    """A catalogue name without the unit at its end.

    >>> without_unit("memory_bandwidth_bytes_per_s"), without_unit("peak_flops_per_s.bf16"), without_unit("parameters")
    ('memory_bandwidth', 'peak.bf16', 'parameters')
    """
    return re.sub(rf"(?:{'|'.join(end for end in NAMED if end.startswith('_'))})(?=\.|$)", "", name)


def numbers(values: Sequence[float | None]) -> list[str]:
    """A column of numbers with one number of decimals, so that the points align.

    The median keeps four significant digits; where that would round a value away, each keeps its own.

    >>> numbers([0.4753, 1.417, 33.57, None])
    ['0.475', '1.417', '33.570', '–']
    >>> numbers([1.0, 20.0])
    ['1', '20']
    """
    sizes = [abs(value) for value in values if value]
    if not sizes or max(sizes) >= LARGEST:
        return ["–" if value is None else number(value) for value in values]
    whole = all(value is None or value.is_integer() for value in values)
    decimals = 0 if whole else max(0, 3 - math.floor(math.log10(median(sizes))))
    if decimals > MOST_DECIMALS or min(sizes) < 10.0 ** (1 - decimals):
        return ["–" if value is None else number(value) for value in values]
    return ["–" if value is None else f"{value:,.{decimals}f}" for value in values]


def quantity(value: float | None, unit: str) -> str:
    """One value with its unit.

    >>> quantity(0.0123, "s"), quantity(2**31, "B"), quantity(None, "USD")
    ('12.3 ms', '2 GiB', '–')
    """
    if value is None:
        return "–"
    factor, name = scale("", unit, [value])
    return f"{number(value / factor)} {name}".rstrip()


def elasticity(value: float | None) -> str:
    """An elasticity, to three decimals.

    >>> elasticity(-0.30001), elasticity(-1e-9), elasticity(None)
    ('-0.300', '0.000', '–')
    """
    return "–" if value is None else f"{round(value, 3) + 0.0:.3f}"
