"""Measures sweeps, scans, hand-over to Polars, memory and start-up: `make bench`.

Every rate stands beside the machine's memory write bandwidth, measured in the same process: compare ratios, not
machines. `--smoke` runs everything once at small size.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl
from measure import Bandwidth, best, report

import llmsweep as ls
from llmsweep import _core
from llmsweep.api import compile_sweep
from llmsweep.frame import to_frame

ROOT = Path(__file__).parents[2]
SWEEPS = ("train-llama3.1-405b.toml", "serve-llama3-70b.toml")
BILLIONS = ("billion-train.toml", "billion-serve.toml")
#: Rows of which all columns are made: more would not fit into memory at once.
FULL_ROWS = 1_000_000


def rate(rows: float, seconds: float) -> str:
    """Rows per second."""
    return f"{rows / seconds / 1e6:9.2f} M rows/s"


def bench_fronts(path: Path, repeats: int) -> None:
    """The front of a sweep: each row evaluated, refused boxes counted at once, and beaten boxes left out too."""
    sweep = compile_sweep(path)
    for prune, what in (
        ("off", "each row"),
        ("refused", "boxes refused at once"),
        ("beaten", "and beaten ones left out"),
    ):
        part = sweep.narrow(prune=prune)
        seconds, _ = best(partial(part.run, "front"), repeats)
        report(f"{path.stem}: front, {what}", rate(sweep.configurations, seconds))


def bench_full(path: Path, bandwidth: Bandwidth, repeats: int, rows: int) -> None:
    """All columns of all rows, in batches that are dropped and in one frame."""
    sweep = compile_sweep(path).narrow(stop=rows)
    count = min(rows, sweep.configurations)

    def streamed() -> int:
        return sum(int(to_frame(batch).estimated_size()) for batch in sweep.stream("all"))

    seconds, size = best(streamed, repeats)
    report(
        f"{path.stem}: all columns, streamed",
        f"{rate(count, seconds)}, {size / seconds / bandwidth.reused:.0%} of the write bandwidth of reused memory",
    )
    seconds, frame = best(lambda: to_frame(sweep.run("all")), repeats)
    size = frame.estimated_size()
    report(
        f"{path.stem}: all {frame.width} columns, one frame",
        f"{rate(count, seconds)}, {size / seconds / bandwidth.fresh:.0%} of the write bandwidth of fresh memory",
    )


def bench_scan(path: Path, repeats: int) -> None:
    """A lazy frame of which few columns are used."""
    lazy = ls.scan(path)
    all_columns, _ = best(lazy.collect, repeats)
    three = pl.col("row_id"), pl.col("tokens_per_s"), pl.col("cost_usd")
    few, _ = best(lambda: lazy.select(three).collect(), repeats)
    one = lazy.filter(pl.col("accelerator") == "h100-sxm-80").select(three)
    filtered, _ = best(one.collect, repeats)
    report(f"{path.stem}: scan, 3 columns against all", f"{all_columns / few:9.1f} times as fast")
    report(f"{path.stem}: scan, of one accelerator", f"{few / filtered:9.1f} times as fast again")


def handed_over(results: Iterator[_core.Result]) -> pl.DataFrame:
    """A result can be handed over once: the next one."""
    return to_frame(next(results))


def bench_hand_over(rows: int, repeats: int) -> None:
    """From the core's batches to a Polars frame: numbers as they are, labels by a cast of codes."""
    sweep = compile_sweep(ROOT / "tests" / "bench" / BILLIONS[0]).narrow(stop=rows)
    schema = to_frame(sweep.rows([])).schema
    numbers = [name for name, kind in schema.items() if kind.is_numeric()][:16]
    labels = [name for name, kind in schema.items() if kind == pl.Enum][:1]
    for columns, what in ((numbers, "16 columns of numbers"), (labels, "one column of labels")):
        results = iter([sweep.run("all", columns) for _ in range(repeats)])
        seconds, frame = best(partial(handed_over, results), repeats)
        report(f"hand-over to Polars, {what}", f"{seconds * 1e3:9.2f} ms for {frame.height:,} rows")


def bench_memory(args: list[str], what: str) -> None:
    """Peak memory and time of a command."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        output = ["-o", str(Path(folder) / "out.parquet")]
        command = [sys.executable, "-m", "llmsweep", "run", *args, "--stats", str(stats), "-q", *output]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        counts = json.loads(stats.read_text())
    rows = counts["configurations"]
    report(f"{what}: the command", f"{rate(rows, seconds)}, peak memory {counts['peak_rss_bytes'] / 1e6:.0f} MB")


def bench_start(args: list[str]) -> None:
    """CPU and wall time of one short command."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "llmsweep", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seconds, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    report(f"llmsweep {' '.join(args[:1])}", f"{used * 1e3:9.0f} ms CPU, {seconds * 1e3:.0f} ms by the clock")


def bench_smallest() -> None:
    """The command on a sweep of one row."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.toml"
        path.write_text('schema = 1\nphase = "inference"\n[axes]\nmodel = "llama3.1-8b"\naccelerator = "h100-sxm-80"\n')
        bench_start(["run", str(path)])


def main() -> None:
    """Runs every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="once, at small size")
    smoke = parser.parse_args().smoke
    repeats = 1 if smoke else 3
    report("llmsweep", f"{_core.VERSION}, {os.cpu_count()} cores, {'debug' if _core.DEBUG_BUILD else 'release'} build")
    bandwidth = Bandwidth.measure(2**26 if smoke else 2**30, repeats)
    report(
        "write bandwidth of one core", f"{bandwidth.fresh / 1e9:9.2f} GB/s fresh, {bandwidth.reused / 1e9:.2f} reused"
    )
    for name in SWEEPS:
        path = ROOT / "sweeps" / name
        bench_fronts(path, repeats)
        bench_full(path, bandwidth, repeats, 10_000 if smoke else FULL_ROWS)
        if not smoke:
            bench_scan(path, repeats)
    bench_hand_over(100_000 if smoke else 10_000_000, repeats)
    for name in BILLIONS[: 0 if smoke else 2]:
        path = ROOT / "tests" / "bench" / name
        bench_memory([str(path)], f"{path.stem}, front")
        bench_memory([str(path), "--shard", "1/100"], f"{path.stem}, a hundredth")
    for args in (["--help"], ["columns"]):
        bench_start(args)
    bench_smallest()


if __name__ == "__main__":
    main()
