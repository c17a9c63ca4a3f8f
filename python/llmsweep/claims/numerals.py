"""Numbers as people write them."""

from __future__ import annotations

import math
import re

from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Problem

POWER = re.compile(r"(?:(?P<mantissa>[\d.,]+)\s*[x×·*]\s*)?10\^(?P<exponent>[-+]?\d+)")
SUFFIX = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "bn": 1e9, "T": 1e12, "%": 0.01}
PLAIN = re.compile(r"([-+]?[\d,_]*\.?\d+(?:[eE][-+]?\d+)?)\s*(k|K|M|B|bn|T|%)?")


def parse_number(text: str) -> float:
    """Reads a number.

    Raises:
        Problem: It is none, or no finite one.

    >>> parse_number("25,000"), parse_number("2.15×10^25"), parse_number("13T"), parse_number("~1.5e3")
    (25000.0, 2.15e+25, 13000000000000.0, 1500.0)
    """
    plain = text.strip().lstrip("~≈").strip()
    if power := POWER.fullmatch(plain):
        return float((power["mantissa"] or "1").replace(",", "")) * 10.0 ** int(power["exponent"])
    found = PLAIN.fullmatch(plain)
    if found is None or not math.isfinite(value := float(found[1].replace(",", "").replace("_", ""))):
        raise Problem(f'"{text}" is no number', "; write 1234.5, 25,000, 1.5e3 or 1.5×10^3")
    return value * SUFFIX[found[2] or ""]


def parse_range(text: str) -> Interval:
    """Reads a number or two with a dash between them.

    >>> parse_range("0.32-0.36"), parse_range("1000")
    (Interval(low=0.32, high=0.36), Interval(low=1000.0, high=1000.0))
    """
    ends = re.split(r"(?<=[\d%kMBT])\s*(?:-|–|\.\.|to)\s*(?=[\d.])", text.strip())
    if len(ends) > 2:  # noqa: PLR2004 - two ends
        raise Problem(f'"{text}" is no number and no range')
    values = [parse_number(end) for end in ends]
    if values[0] > values[-1]:
        raise Problem(f'"{text}" runs from high to low')
    return Interval(values[0], values[-1])
