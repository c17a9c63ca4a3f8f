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
