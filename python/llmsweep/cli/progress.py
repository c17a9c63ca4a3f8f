"""One line of progress on a terminal's stderr."""

import sys
import time


class Progress:
    """Redraws ``45 %  1,234,567 of 2,743,482 configurations, 3 s left``; silent where stderr is no terminal."""

    def __init__(self, *, quiet: bool, unit: str = "configurations") -> None:
        self.unit = unit
        self.visible = not quiet and sys.stderr.isatty()
        self.started = time.monotonic()
        self.drawn = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Draws at most ten times a second."""
        now = time.monotonic()
        if not self.visible or total == 0 or (now - self.drawn < 0.1 and done < total):  # noqa: PLR2004
            return
        self.drawn = now
        left = (now - self.started) * (total - done) / done if done else 0.0
        sys.stderr.write(f"\r\x1b[K{100 * done // total:3} %  {done:,} of {total:,} {self.unit}, {left:.0f} s left")
        sys.stderr.flush()

    def clear(self) -> None:
        """Wipes the line."""
        if self.visible and self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
