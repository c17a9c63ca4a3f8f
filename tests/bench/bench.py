"""Measures sweeps, hand-over to Polars, Pareto and start-up: `make bench`.

Every rate stands beside the machine's memory write bandwidth, measured in the same process: compare ratios, not
machines. `--smoke` runs everything once at small size.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import llmsweep as ls
from llmsweep import _core
from llmsweep.api import compile_sweep
from llmsweep.frame import to_frame

ROOT = Path(__file__).parents[2]
SWEEPS = ("train-llama3.1-405b.toml", "serve-llama3-70b.toml")


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


def write_bandwidth(size: int, repeats: int) -> float:
    """Bytes per second of one core that fills fresh memory."""
    seconds, _ = best(lambda: bytearray(b"\1") * size, repeats)
    return size / seconds


def report(name: str, text: str) -> None:
    """One line of the result."""
    print(f"{name:44}  {text}", flush=True)


def bench_sweep(path: Path, bandwidth: float, repeats: int, limit: int) -> pl.DataFrame:
    """Full rows, front only, and hand-over of one sweep; returns the feasible rows' objectives."""
    sweep = compile_sweep(path)
    name = f"{path.stem}, {sweep.configurations:,} configurations"
    seconds, _ = best(lambda: sweep.run("front"), repeats)
    report(f"{name}: front only", f"{sweep.configurations / seconds / 1e6:8.2f} M rows/s")
    columns = [name for names in sweep.pareto.values() for name in names]
    seconds, _ = best(lambda: sweep.run("feasible", ["row_id", *columns]), repeats)
    report(f"{name}: objectives", f"{sweep.configurations / seconds / 1e6:8.2f} M rows/s")
    # A result can be handed over once.
    results = [sweep.run("feasible", ["row_id", *columns]) for _ in range(repeats)]
    seconds, frame = best(lambda: to_frame(results.pop()), repeats)
    report(f"{name}: hand-over to Polars", f"{seconds * 1e3:8.2f} ms for {frame.height:,} rows")
    objectives: pl.DataFrame = frame
    if sweep.configurations <= limit:
        seconds, result = best(lambda: sweep.run("all"), repeats)
        full = to_frame(result)
        share = full.estimated_size() / seconds / bandwidth
        report(
            f"{name}: all rows, {full.width} columns",
            f"{full.height / seconds / 1e6:8.2f} M rows/s, {share:.0%} of write bandwidth",
        )
    minimize, maximize = sweep.pareto["minimize"], sweep.pareto["maximize"]
    seconds, front = best(lambda: ls.pareto(objectives, minimize=minimize, maximize=maximize), repeats)
    report(f"{name}: Pareto", f"{objectives.height / seconds / 1e6:8.2f} M rows/s, {front.height} on the front")
    return objectives


def bench_start(args: list[str]) -> None:
    """CPU seconds of one short command."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "llmsweep", *args], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    report(f"llmsweep {' '.join(args)}", f"{used * 1e3:8.0f} ms CPU")


def main() -> None:
    """Runs every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="once, at small size")
    smoke = parser.parse_args().smoke
    repeats = 1 if smoke else 5
    report("llmsweep", f"{_core.VERSION}, {os.cpu_count()} cores, {'debug' if _core.DEBUG_BUILD else 'release'} build")
    bandwidth = write_bandwidth(2**26 if smoke else 2**30, repeats)
    report("write bandwidth of one core", f"{bandwidth / 1e9:8.2f} GB/s")
    for name in SWEEPS:
        bench_sweep(ROOT / "sweeps" / name, bandwidth, repeats, 0 if smoke else 4_000_000)
    bench_start(["--help"])
    bench_start(["columns"])


if __name__ == "__main__":
    main()
