"""Measures Pareto fronts beside moocore, paretoset and a plain Polars query, on the same points in one process.

Rates are millions of rows per second, from a Polars frame to a frame of the front for llmsweep, and from a NumPy matrix
to a mask for the others (the extra `bench` has them); the ratios are llmsweep's rate over theirs, on one thread and on
all. The sizes of all answers are compared. `--smoke` runs everything once at small size. Others that are not installed
are left out.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import polars as pl

from llmsweep import _core, pareto

CLOUDS = ("independent", "correlated", "anti-correlated")
# paretoset compares every point with the whole front.
LARGEST_FRONT_OF_PARETOSET = 20_000


def cloud(kind: str, rows: int, width: int) -> pl.DataFrame:
    """Points in the unit cube; correlated ones follow one number, anti-correlated ones lie near a plane."""
    numbers = [(pl.int_range(rows).hash(seed=seed) / 2.0**64).alias(f"c{seed}") for seed in range(width + 1)]
    uniform = pl.select(numbers)
    own, common = [f"c{seed}" for seed in range(width)], pl.col(f"c{width}")
    match kind:
        case "independent":
            return uniform.select(own)
        case "correlated":
            return uniform.select((common + 0.1 * pl.col(name)).alias(name) for name in own)
        case _:
            return uniform.select(pl.col(own) / pl.sum_horizontal(own) * (1 + 0.1 * common))


def sorted_front(points: pl.DataFrame) -> pl.DataFrame:
    """The front of two objectives as one would write it in Polars: sort, then keep what is lower than all before."""
    x, y = points.columns
    before = pl.col(y).cum_min().shift(1, fill_value=float("inf"))
    return points.lazy().sort(x, y).filter(pl.col(y) < before).collect()


def ours(points: pl.DataFrame, threads: int) -> pl.DataFrame:
    """llmsweep's front on so many threads."""
    os.environ["LLMSWEEP_THREADS"] = str(threads)
    return pareto(points, points.columns)


def others(points: pl.DataFrame, front: int) -> Iterator[tuple[str, Callable[[], int]]]:
    """Names of other ways to the same front, each with a function that returns its size."""
    if points.width == 2:
        yield "Polars sort", lambda: sorted_front(points).height
    try:
        moocore, paretoset = import_module("moocore"), import_module("paretoset")
    except ImportError:
        return
    matrix: Any = points.to_numpy(order="c")
    yield "moocore", lambda: int(moocore.is_nondominated(matrix, maximise=False, keep_weakly=True).sum())
    if front <= LARGEST_FRONT_OF_PARETOSET:
        # Numba compiles on the first call.
        paretoset.paretoset(matrix[:100], distinct=False)
        yield "paretoset", lambda: int(paretoset.paretoset(matrix, distinct=False).sum())


def timed(function: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """The shortest of some runs, in seconds, and the last result; runs of many seconds are not repeated."""
    times = []
    result = None
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
        if times[-1] > 2:
            break
    return min(times), result


def bench(kind: str, rows: int, width: int, repeats: int) -> None:
    """One line: a cloud, our rates, and the others' with ratios."""
    points = cloud(kind, rows, width)
    one, front = timed(lambda: ours(points, 1), repeats)
    cores = os.cpu_count() or 1
    all_threads, same = timed(lambda: ours(points, cores), repeats)
    if not same.equals(front):
        raise AssertionError("the front depends on the number of threads")
    rates = [f"{rows / one / 1e6:8.2f} (1 thread) {rows / all_threads / 1e6:8.2f} ({cores})"]
    for name, function in others(points, front.height):
        seconds, size = timed(function, 1 if rows > 10**6 else repeats)
        if size != front.height:
            raise AssertionError(f"{name} finds {size} points, llmsweep {front.height}")
        rates.append(f"{name} {rows / seconds / 1e6:.2f} = {seconds / one:.1f}x, {seconds / all_threads:.1f}x")
    line = [f"{rows:.0e} x {width}".replace("e+0", "e"), kind, f"{front.height} on the front", *rates]
    print("{:7} {:16} {:>21} {}".format(*line[:4]), *line[4:], sep="; ", flush=True)


def main() -> None:
    """Runs every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="once, at small size")
    smoke = parser.parse_args().smoke
    print(f"Pareto fronts, M rows/s; llmsweep {_core.VERSION}, {os.cpu_count()} cores", flush=True)
    for rows in (10_000,) if smoke else (10**6, 10**7):
        for width in (2, 3, 4):
            for kind in CLOUDS:
                # The largest case of all would take the others minutes.
                if not (rows > 10**6 and width > 3 and kind == "anti-correlated"):
                    bench(kind, rows, width, 1 if smoke else 3)


if __name__ == "__main__":
    main()
