"""What several tests share."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with labels as text: the same names may have different lists behind them."""
    return frame.cast({pl.Enum: pl.String})


LARGE = """\
schema = 1
phase = "inference"
[axes]
model = ["llama3.1-8b", "llama3.2-1b"]
accelerator = ["h100-sxm-80", "l40s"]
precision = ["bf16", "fp8"]
tensor_parallel = [1, 2, 3]
concurrency = { geometric = [1, 64, 2] }
price_scale = { linear = [1, ROWS, 1] }
[workload]
input_tokens = 512
output_tokens = 128
[pareto]
minimize = ["usd_per_million_tokens"]
maximize = ["tokens_per_s_per_user"]
"""


def large_sweep(folder: Path, rows: int) -> Path:
    """A sweep of at least so many rows, whose first rows alone do not have the front; a third of them cannot run."""
    path = folder / "large.toml"
    path.write_text(LARGE.replace("ROWS", str(-(-rows // 168))), encoding="utf-8")
    return path
