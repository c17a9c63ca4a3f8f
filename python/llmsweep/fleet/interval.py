"""Numbers that a pool file knows exactly, or only within bounds."""

import math
from dataclasses import dataclass
from typing import Literal

End = Literal["low", "middle", "high"]
ENDS: tuple[End, ...] = ("low", "middle", "high")


@dataclass(frozen=True)
class Interval:
    """A number between two bounds; equal ones where it is known."""

    low: float
    high: float

    def at(self, end: End) -> float:
        """One end, or the geometric mean of both.

        >>> Interval(0.1, 0.4).at("middle")
        0.2
        """
        if self.low == self.high:
            return self.low
        return {"low": self.low, "middle": math.sqrt(self.low * self.high), "high": self.high}[end]


def opposite(end: End) -> End:
    """The other end: of what makes a pool smaller where it grows.

    >>> opposite("low"), opposite("middle")
    ('high', 'middle')
    """
    ends: dict[End, End] = {"low": "high", "middle": "middle", "high": "low"}
    return ends[end]
