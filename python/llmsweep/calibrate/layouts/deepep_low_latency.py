"""Timings of DeepEP's kernels of low latency (`wideep_deepep_ll`): dispatch in 8 bits, combine in 16, a copy for each expert."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES
from llmsweep.calibrate.layouts.exchange import EIGHT_BITS, SIXTEEN_BITS, constant, number, ranks

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "node_num",
        "hidden_size",
        "num_token",
        "num_topk",
        "num_experts",
        "dispatch_avg_t_us",
        "combine_avg_t_us",
    }
)


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out."""
    directions = [("dispatch", EIGHT_BITS), ("combine", SIXTEEN_BITS)]
    return pl.concat(_direction(frame, family, value_bytes) for family, value_bytes in directions), []


def _direction(frame: pl.DataFrame, family: str, value_bytes: float) -> pl.DataFrame:
    return frame.select(
        pl.lit(family).alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        pl.lit("deepep_low_latency").alias("engine"),
        (pl.col(f"{family}_avg_t_us") * 1e-6).alias("latency_s"),
        number("num_token", "tokens"),
        number("hidden_size", "hidden"),
        number("num_topk", "top_k"),
        number("num_experts", "experts"),
        ranks(),
        number("node_num", "nodes"),
        constant(value_bytes, "value_bytes"),
        constant(1.0, "copy_per_expert"),
    )
