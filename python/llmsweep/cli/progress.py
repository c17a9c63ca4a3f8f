"""One line of progress on a terminal's stderr."""

import sys
import time

DRAW_EVERY_S = 0.1


class Progress:
    """Redraws ``45 %  1,234,567 of 2,743,482 configurations, 31 % feasible, 12 on the front, 8.1 M/s, 3 s left``.

    Silent where stderr is no terminal.
    """

    def __init__(self, *, quiet: bool, unit: str = "configurations") -> None:
        self.unit = unit
        self.visible = not quiet and sys.stderr.isatty()
        self.started = time.monotonic()
        self.drawn = 0.0
        self.first: int | None = None

    def __call__(self, done: int, total: int, feasible: int = 0, front: int = 0) -> None:
        """Draws at most ten times a second."""
        now = time.monotonic()
        if self.first is None:
            # What an earlier run had finished says nothing about this one's speed.
            self.first = done
        if not self.visible or total == 0 or (now - self.drawn < DRAW_EVERY_S and done < total):
            return
        self.drawn = now
        sys.stderr.write(f"\r\x1b[K{self.line(done, total, feasible, front, now - self.started)}")
        sys.stderr.flush()

    def line(self, done: int, total: int, feasible: int, front: int, seconds: float) -> str:
        """What it says after so many seconds."""
        new = done - (self.first or 0)
        parts = [f"{100 * done // total:3} %  {done:,} of {total:,} {self.unit}"]
        if feasible:
            parts.append(f"{100 * feasible / done:.2g} % feasible")
        if front:
            parts.append(f"{front:,} on the front")
        if new and seconds > 0:
            parts.append(rate(new / seconds))
            parts.append(f"{seconds * (total - done) / new:.0f} s left")
        return ", ".join(parts)

    def clear(self) -> None:
        """Wipes the line."""
        if self.visible and self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def rate(per_second: float) -> str:
    """A speed in three digits.

    >>> rate(8_120_000), rate(1234), rate(0.5)
    ('8.12 M/s', '1.23 k/s', '0.5/s')
    """
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if per_second >= size:
            return f"{per_second / size:.3g}{letter}/s"
    return f"{per_second:.3g}/s"
