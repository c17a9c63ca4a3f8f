"""Counts of several parts together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

COUNTS = ("configurations", "evaluated", "pruned", "unwanted", "feasible", "constrained", "unpriced")


def added(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums; the size of the front is not one.

    >>> one = {"configurations": 5, "feasible": 2, "rejected": {"devices_too_few": 3}, "seconds": 0.5}
    >>> added([one, one])["rejected"]
    {'devices_too_few': 6}
    """
    parts = list(parts)
    rejected: Counter[str] = Counter()
    for stats in parts:
        rejected.update(stats.get("rejected", {}))
    selected = [stats["selected"] for stats in parts if stats.get("selected") is not None]
    return {
        **{name: sum(stats.get(name, 0) for stats in parts) for name in COUNTS},
        "selected": sum(selected) if selected else None,
        "rejected": dict(rejected),
        "front": None,
        "seconds": sum(stats.get("seconds", 0.0) for stats in parts),
    }
