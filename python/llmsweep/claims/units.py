"""Units as people write them, as a dimension and a factor to SI."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmsweep.claims.problem import Problem

BASES: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("B", "byte", "bytes"), ("B", 1.0)),
    **dict.fromkeys(("b", "bit", "bits"), ("B", 0.125)),
    **dict.fromkeys(("FLOP", "FLOPs", "flop", "flops", "OP", "OPs"), ("FLOP", 1.0)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("tok", "token", "tokens"), ("token", 1.0)),
    **dict.fromkeys(("param", "params", "parameter", "parameters", "weights"), ("parameter", 1.0)),
    **dict.fromkeys(("USD", "usd", "$", "dollars"), ("USD", 1.0)),
    **dict.fromkeys(("W", "watt", "watts"), ("W", 1.0)),
    **dict.fromkeys(("J", "joule", "joules"), ("J", 1.0)),
}
PREFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21, "Y": 1e24}
SMALL = {"m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9}
BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
WORDS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("min", "minute", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("h", "hr", "hour", "hours"), ("s", 3600.0)),
    **dict.fromkeys(("d", "day", "days"), ("s", 86400.0)),
    **dict.fromkeys(("week", "weeks"), ("s", 7 * 86400.0)),
    **dict.fromkeys(("month", "months"), ("s", 365.25 / 12 * 86400.0)),
    **dict.fromkeys(("year", "years"), ("s", 365.25 * 86400.0)),
    **dict.fromkeys(("", "-", "x", "X", "×", "times", "ratio", "share"), ("", 1.0)),
    **dict.fromkeys(("%", "percent", "points"), ("", 0.01)),
    **dict.fromkeys(("GPU", "GPUs", "card", "cards", "device", "devices", "chip", "chips"), ("device", 1.0)),
    **dict.fromkeys(("accelerator", "accelerators", "TPU", "TPUs", "gpus", "gpu"), ("device", 1.0)),
    **dict.fromkeys(("user", "users", "request", "requests"), ("user", 1.0)),
    **dict.fromkeys(("rack", "racks"), ("rack", 1.0)),
    **{word: ("", size) for word, size in (("thousand", 1e3), ("million", 1e6), ("billion", 1e9), ("trillion", 1e12))},
    **{word: ("", size) for word, size in (("M", 1e6), ("T", 1e12), ("bn", 1e9))},
    **dict.fromkeys(("kWh",), ("J", 3.6e6)),
    **dict.fromkeys(("MWh",), ("J", 3.6e9)),
    **dict.fromkeys(("GWh",), ("J", 3.6e12)),
}
SCALED = {
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "B": 1e9,
    "M": 1e6,
    "T": 1e12,
    "K": 1e3,
    "k": 1e3,
}
RATES = re.compile(r"(?P<prefix>[kKMGTPEZ]?)(?:(?P<bits>bps)|(?P<bytes>Bps)|(?P<flops>FLOPS))")
HOURS = re.compile(
    r"(?P<scale>thousand|million|k|K|M)?\s*(?:GPU|device|card|chip|accelerator)s?[- ·](?:h|hour|hours)", re.IGNORECASE
)
REMARK = re.compile(r"\s*\([^)]*\)")


@dataclass(frozen=True)
class Unit:
    """``dimension`` in base units, ``B/s`` or ``FLOP/token``; a value times ``factor`` is SI."""

    dimension: str
    factor: float


def parse_unit(text: str) -> Unit:
    """Reads a unit.

    Raises:
        Problem: It is none.

    >>> parse_unit("Gb/s"), parse_unit("PFLOPS").dimension, parse_unit("tok/s/GPU").dimension
    (Unit(dimension='B/s', factor=125000000.0), 'FLOP/s', 'token/s/device')
    >>> round(parse_unit("% per 100 ms").factor, 3), parse_unit("FLOP/token (as written)").dimension
    (0.1, 'FLOP/token')
    """
    plain = REMARK.sub("", text).strip()
    if hours := HOURS.fullmatch(plain):
        return Unit("device·s", 3600.0 * SCALED.get(hours["scale"] or "", 1.0))
    dimension, factor = "", 1.0
    for index, part in enumerate(re.split(r"/|\s+per\s+", plain)):
        name, size = _simple(part.strip(), text)
        if index == 0:
            dimension, factor = name, size
        else:
            dimension, factor = f"{dimension}/{name}", factor / size
    return Unit("s" if dimension == "s/token" else dimension, factor)


def _simple(part: str, whole: str) -> tuple[str, float]:
    number, part = _leading_number(part)
    if rate := RATES.fullmatch(part):
        size = PREFIXES[rate["prefix"]]
        return ("FLOP/s", number * size) if rate["flops"] else ("B/s", number * size * (0.125 if rate["bits"] else 1.0))
    if part in WORDS:
        name, size = WORDS[part]
        return name, number * size
    if part in BASES:
        name, size = BASES[part]
        return name, number * size
    scale, _, rest = part.partition(" ")
    if rest in {**BASES, **WORDS} and scale in SCALED:
        name, size = {**BASES, **WORDS}[rest]
        return name, number * SCALED[scale] * size
    for prefixes in (BINARY, PREFIXES, SMALL):
        for prefix, size in prefixes.items():
            base = part.removeprefix(prefix)
            if prefix and base != part and base in BASES and not (prefix in SMALL and base in {"b", "B"}):
                name, factor = BASES[base]
                return name, number * size * factor
    raise Problem(f'"{whole}" is no unit', _allowed(whole.strip()))


def _leading_number(part: str) -> tuple[float, str]:
    found = re.match(r"(\d+(?:\.\d+)?)\s*(?=\D)", part)
    return (float(found[1]), part[found.end() :]) if found else (1.0, part)


COMMON = (
    *("GB", "GiB", "TB", "MB", "kB", "GB/s", "TB/s", "Gb/s", "Gbps", "FLOP", "TFLOP", "FLOP/s", "TFLOPS", "PFLOPS"),
    *("FLOP/token", "KB/token", "s", "ms", "us", "min", "hours", "days", "tokens", "tokens/s", "tok/s", "tok/s/GPU"),
    *("params", "GPUs", "GPU-hours", "users", "USD", "USD/h", "W", "%", "x"),
)


def _allowed(part: str) -> str:
    from difflib import get_close_matches

    same = [name for name in COMMON if name.lower() == part.lower()]
    near = same or get_close_matches(part, COMMON, n=1)
    return f'; did you mean "{near[0]}"?' if near else f"; allowed: {', '.join(COMMON)}, and the like"
