"""Closed intervals of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both counted; SI where the numbers have a unit.

    >>> Interval(2.0, 3.0) * Interval(10.0, 20.0), Interval(2.0, 4.0).under(8.0)
    (Interval(low=20.0, high=60.0), Interval(low=2.0, high=4.0))
    """

    low: float
    high: float

    @classmethod
    def point(cls, value: float) -> Interval:
        """One number."""
        return cls(value, value)

    @classmethod
    def hull(cls, parts: Iterable[Interval | float]) -> Interval:
        """The smallest interval around some.

        >>> Interval.hull([3.0, Interval(1.0, 2.0)])
        Interval(low=1.0, high=3.0)
        """
        found = [part if isinstance(part, Interval) else cls.point(part) for part in parts]
        return cls(min(part.low for part in found), max(part.high for part in found))

    def __mul__(self, other: Interval | float) -> Interval:
        factor = other if isinstance(other, Interval) else Interval.point(other)
        return Interval(self.low * factor.low, self.high * factor.high)

    def __truediv__(self, other: Interval | float) -> Interval:
        return self * (other if isinstance(other, Interval) else Interval.point(other)).under(1.0)

    def under(self, value: float) -> Interval:
        """``value`` divided by this; by zero is infinite.

        >>> Interval(0.0, 2.0).under(1.0)
        Interval(low=0.5, high=inf)
        """
        return Interval(value / self.high if self.high else math.inf, value / self.low if self.low else math.inf)

    def meets(self, other: Interval, tolerance: float = 0.0) -> bool:
        """Whether they share a number, this one's ends being off by a share of their size at most."""
        return self.low * (1 - tolerance) <= other.high and self.high * (1 + tolerance) >= other.low

    def gap(self, other: Interval) -> float:
        """Factor between the nearest ends; 1 where they meet.

        >>> Interval(1.0, 2.0).gap(Interval(8.0, 9.0))
        4.0
        """
        if self.meets(other):
            return 1.0
        near, far = (self.high, other.low) if self.high < other.low else (other.high, self.low)
        return far / near if near > 0 else math.inf
