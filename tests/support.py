"""What several tests share."""

import subprocess
import time
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
output_tokens = { linear = [101, TOKENS, 1] }
price_scale = { linear = [1, PRICES, 1] }
[workload]
input_tokens = 512
[pareto]
minimize = ["usd_per_million_tokens"]
maximize = ["tokens_per_s_per_user"]
"""

MOST_PRICES = 50_000


def large_sweep(folder: Path, rows: int) -> Path:
    """A sweep of at least so many rows, whose first rows alone do not have the front; a third of them cannot run."""
    path = folder / "large.toml"
    lengths = -(-rows // (168 * MOST_PRICES))
    prices = -(-rows // (168 * lengths))
    text = LARGE.replace("TOKENS", str(100 + lengths)).replace("PRICES", str(prices))
    path.write_text(text, encoding="utf-8")
    return path


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
