"""What verdicts go by, from the catalogue's `claims/rules.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmsweep.claims.interval import Interval
from llmsweep.directories import shipped_catalog


@dataclass(frozen=True)
class Slip:
    """A mistake with a unit: what was written is ``factor`` times too much or too little."""

    id: str
    name: str
    factor: float


class Rules:
    """Tolerances, slips, and ranges of what claims leave open."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table

    def tolerance(self, name: str) -> float:
        """A share or a factor of `[tolerance]`."""
        return float(self._table["tolerance"][name])

    def slip(self, identifier: str) -> Slip:
        """A slip by its id."""
        entry = next(entry for entry in self._table["slip"] if entry["id"] == identifier)
        return Slip(identifier, str(entry["name"]), float(entry["factor"]))

    def open(self, name: str) -> Interval:
        """What is usual where a claim does not say."""
        return self.interval("open", name)

    def interval(self, section: str, name: str) -> Interval:
        """A constant, or its range."""
        value = self._table[section][name]
        return Interval(*map(float, value)) if isinstance(value, list) else Interval.point(float(value))

    def constant(self, section: str, name: str) -> float:
        """A constant."""
        return float(self._table[section][name])


@cache
def rules() -> Rules:
    """The shipped rules.

    >>> rules().slip("bits").factor, rules().open("request_tokens")
    (8.0, Interval(low=100.0, high=1000.0))
    """
    path = shipped_catalog() / "claims" / "rules.toml"
    return Rules(tomllib.loads(path.read_text(encoding="utf-8")))
