"""Timings made from a law, with noise and outliers."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from llmsweep import _core
from llmsweep.api import open_catalog

CHIP = "h100-sxm-80"
PASSES = {"launch_s": 3e-6, "memory_efficiency": 0.7}


def timings(
    coefficients: Sequence[float] = tuple(PASSES.values()),
    *,
    rows: int = 400,
    noise: float = 0.03,
    outliers: int = 0,
    accelerator: str = CHIP,
    engine: str = "vllm",
    warm: bool = True,
    seed: int = 1,
) -> pl.DataFrame:
    """Passes over 10 kB to 10 GB; outliers take eight times as long."""
    draw = np.random.default_rng(seed)
    shapes = pl.DataFrame({"bytes": np.exp(draw.uniform(np.log(1e4), np.log(1e10), rows)).round()})
    law = _core.LawFit(open_catalog(), "elementwise", accelerator, "bf16", shapes)
    times = np.frombuffer(law.times(coefficients, warm=warm)) * np.exp(draw.normal(0.0, noise, rows))
    times[:outliers] *= 8.0
    return shapes.with_columns(
        pl.lit("elementwise").alias("family"),
        pl.lit(accelerator).alias("accelerator"),
        pl.lit("bf16").alias("precision"),
        pl.lit(engine).alias("engine"),
        pl.Series("latency_s", times),
    )
