"""What is in memory does not grow with the sweep."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from llmsweep.api import compile_sweep
from support import Run, large_sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="counts peak memory as POSIX does")

MOST_BYTES = 1_000_000_000

STREAMED = """
import resource, sys
import llmsweep as ls
rows = 0
for frame in ls.stream(sys.argv[1], keep="all", columns=["row_id", "accelerator", "ttft_s"]):
    assert frame["row_id"][0] == rows
    rows += frame.height
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(rows, peak if sys.platform == "darwin" else peak * 1024)
"""


def test_a_front_of_a_thousand_million_rows(llmsweep: Run, tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, 1_000_000_000)
    few = "precision = 'fp8' AND accelerator = 'l40s' AND concurrency = 4 AND tensor_parallel = 1"
    done = llmsweep("run", sweep, "-q", "--where", few, "--stats", "stats.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["configurations"] >= 1_000_000_000
    assert stats["evaluated"] > 10_000_000
    assert stats["peak_rss_bytes"] < MOST_BYTES


def test_all_rows_in_a_file(llmsweep: Run, tmp_path: Path) -> None:
    # Several parts, each of what a part has in memory.
    sweep = large_sweep(tmp_path, 12_000_000)
    columns = ["--columns", "row_id,accelerator,ttft_s"]
    done = llmsweep("run", sweep, "-q", "--all", *columns, "-o", "rows.parquet", "--stats", "stats.json")
    assert done.returncode == 0, done.stderr
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["peak_rss_bytes"] < MOST_BYTES // 2
    numbers = pl.scan_parquet(tmp_path / "rows.parquet").select("row_id")
    assert numbers.select(pl.len(), pl.col("row_id").max()).collect().row(0) == (
        stats["configurations"],
        stats["configurations"] - 1,
    )


def test_all_rows_of_a_stream(tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, 30_000_000)
    done = subprocess.run(
        [sys.executable, "-c", STREAMED, sweep], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    rows, peak = map(int, done.stdout.split())
    assert rows == compile_sweep(sweep).configurations
    assert peak < MOST_BYTES // 2
