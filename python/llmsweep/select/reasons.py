"""Why one setup costs less than another: its price, or its speed."""

import math
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]


def price(row: Row) -> float | None:
    """Rental of one device in USD/h."""
    devices = row.get("devices") or row["device_count"]
    hourly = row["usd_per_hour"]
    return None if hourly is None else float(hourly) / float(devices)


def speed(row: Row) -> float:
    """Tokens per second of one device, less what failures and checkpoints take of a run."""
    return float(row["tokens_per_s_per_device"]) * float(row.get("goodput", 1.0))


def times(ratio: float) -> str:
    """A ratio in words.

    >>> times(1.42), times(0.5), times(1.002)
    ('1.42 times', '0.5 times', 'the same')
    """
    return "the same" if math.isclose(ratio, 1.0, rel_tol=5e-3) else f"{ratio:.3g} times"


def money(usd: float) -> str:
    """Dollars, with three digits.

    >>> money(0.15973), money(5.3051), money(3_377_123)
    ('0.16 USD', '5.31 USD', '3.38 MUSD')
    """
    for size, name in ((1e6, "MUSD"), (1e3, "kUSD")):
        if abs(usd) >= size:
            return f"{usd / size:.3g} {name}"
    return f"{usd:.3g} USD"


def against(own: Row, other: Row) -> str:
    """How one setup's cost comes about beside another's: cost = price / speed.

    >>> fast = {"devices": 8, "usd_per_hour": 48.0, "tokens_per_s_per_device": 900.0, "goodput": 1.0}
    >>> slow = {"devices": 8, "usd_per_hour": 16.0, "tokens_per_s_per_device": 400.0, "goodput": 1.0}
    >>> against(slow, fast)
    '0.333 times the rental per device (2 USD/h against 6 USD/h) at 0.444 times the tokens per device'
    """
    rates = price(own), price(other)
    if rates[0] and rates[1]:
        paid = f"{times(rates[0] / rates[1])} the rental per device ({money(rates[0])}/h against {money(rates[1])}/h)"
    else:
        paid = "an unknown rental"
    done = f"{times(speed(own) / speed(other))} the tokens per device"
    return f"{paid} at {done}".replace("the same the", "the same")


def break_even(row: Row, best: Row, decides: str) -> float | None:
    """Rental of a device, in USD/h, at which a setup costs as much per token as the best one.

    Where something else than cost decides there is none.
    """
    if decides not in ("cost_usd", "usd_per_million_tokens"):
        return None
    rate = price(best)
    return None if rate is None else rate * speed(row) / speed(best)
