"""Numbers and intervals in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from llmsweep.claims.interval import Interval
from llmsweep.readable import number

if TYPE_CHECKING:
    from collections.abc import Sequence


# Above this, whole numbers are written with an exponent.
EXACT = 1e7
MOST_PARTS = 4
# Intervals so near to each other, as a share, read as one.
JOINED = 0.03


def short(value: float) -> str:
    """Three significant digits; whole numbers below ten million in full.

    >>> short(2.1606e25), short(89.14), short(0.03333), short(12288.0), short(23571.4)
    ('2.16e25', '89.1', '0.0333', '12,288', '23,600')
    """
    if value == 0 or not math.isfinite(value):
        return "∞" if value else "0"
    if float(value).is_integer() and abs(value) < EXACT:
        return f"{value:,.0f}"
    digits = 2 - math.floor(math.log10(abs(value)))
    return number(round(value, digits) if abs(value) < 1e15 else float(f"{value:.2e}"))  # noqa: PLR2004 - exact halves


def span(interval: Interval, unit: str = "") -> str:
    """An interval, or a number if both ends read the same.

    >>> span(Interval(89.1, 100.3), "days"), span(Interval(2.0, 2.0))
    ('89.1 to 100 days', '2')
    """
    low, high = short(interval.low), short(interval.high)
    text = low if low == high else f"{low} to {high}"
    return f"{text} {unit}".strip() if unit not in {"", "-"} else text


def spans(intervals: Sequence[Interval], unit: str = "") -> str:
    """Some intervals, those that meet as one; only their ends where they are many.

    >>> spans([Interval(8.0, 9.0), Interval(4.0, 4.0), Interval(8.5, 10.0)], "x")
    '4, 8 to 10 x'
    """
    merged: list[Interval] = []
    for part in sorted(intervals, key=lambda part: part.low):
        if merged and merged[-1].meets(part, JOINED):
            merged[-1] = Interval.hull([merged[-1], part])
        else:
            merged.append(part)
    if len(merged) > MOST_PARTS:
        return span(Interval.hull(merged), unit)
    return ", ".join([*map(span, merged[:-1]), span(merged[-1], unit)])
