"""Times, bandwidths and lines of a report, for all benchmarks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def best(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The shortest of some runs, in seconds, and the last result."""
    times = []
    result = None
    for _ in range(repeats):
        result = None
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
    return min(times), result


@dataclass(frozen=True)
class Bandwidth:
    """Bytes per second that one core writes into memory that is new to it, and into memory that is not."""

    fresh: float
    reused: float

    @classmethod
    def measure(cls, size: int, repeats: int) -> "Bandwidth":
        """Fills so many bytes, new ones and then the same again."""
        fresh, _ = best(lambda: bytearray(b"\1") * size, repeats)
        target, pattern = memoryview(bytearray(size)), b"\2" * min(size, 1 << 24)

        def fill() -> None:
            for start in range(0, size, len(pattern)):
                target[start : start + len(pattern)] = pattern

        fill()
        reused, _ = best(fill, repeats)
        return cls(size / fresh, size / reused)


def report(name: str, text: str) -> None:
    """One line of the result."""
    print(f"{name:52}  {text}", flush=True)
