"""Ranges of rows."""

from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of a plan, numbered from 1."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Reads ``2/8``.

        Raises:
            ValueError: With a sentence about what is wrong.
        """
        number, slash, of = text.partition("/")
        if not (slash and number.strip().isdecimal() and of.strip().isdecimal()):
            raise ValueError(f'"{text}" must read i/n, such as 2/8')
        shard = cls(int(number), int(of))
        if not 1 <= shard.number <= shard.of:
            raise ValueError(f'"{text}": shards of {shard.of} are numbered from 1 to {shard.of}')
        return shard

    def span(self, rows: int) -> Span:
        """Its rows.

        >>> [Shard(number, 3).span(10) for number in (1, 2, 3)]
        [(0, 3), (3, 6), (6, 10)]
        """
        return rows * (self.number - 1) // self.of, rows * self.number // self.of


def cut(span: Span, rows: int) -> list[Span]:
    """Consecutive spans of so many rows, the last one of what is left; an empty span is one part too.

    >>> cut((5, 12), 3)
    [(5, 8), (8, 11), (11, 12)]
    >>> cut((5, 5), 3)
    [(5, 5)]
    """
    start, stop = span
    return [(first, min(first + rows, stop)) for first in range(start, max(stop, start + 1), rows)]


def gaps(span: Span, known: Iterable[Span]) -> list[Span]:
    """What of a span none of the others has; of an empty span that none of them is, itself.

    >>> gaps((0, 10), [(2, 4), (7, 8)])
    [(0, 2), (4, 7), (8, 10)]
    >>> gaps((5, 5), []), gaps((5, 5), [(5, 5)])
    ([(5, 5)], [])
    """
    known = sorted(known)
    if not known:
        return [span]
    edges = [span[0], *(edge for other in known for edge in other), span[1]]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if start < stop]


def within(part: Span, whole: Span) -> bool:
    """Whether a span has no row outside another.

    >>> within((2, 4), (0, 4)), within((2, 5), (0, 4))
    (True, False)
    """
    return whole[0] <= part[0] <= part[1] <= whole[1]
