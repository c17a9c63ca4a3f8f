"""Timings of DeepEP's bulk kernels (`wideep_deepep_normal`): one copy of a token for each rank and domain."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split
from llmsweep.calibrate.layouts.exchange import EIGHT_BITS, SIXTEEN_BITS, constant, number, ranks

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "backend_version",
        "node_num",
        "hidden_size",
        "num_token",
        "num_topk",
        "num_experts",
        "dispatch_sms",
        "dispatch_transmit_us",
        "combine_transmit_us",
    }
)


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out.

    Between nodes the time that a notification takes is the host's, and is not counted.
    """
    most = pl.col("dispatch_sms").max().over("system", "node_num", "backend_version")
    frame, fewer = split(frame, pl.col("dispatch_sms") == most, "with fewer multiprocessors than were tried at most", [])
    directions = [("dispatch", EIGHT_BITS), ("combine", SIXTEEN_BITS)]
    return pl.concat(_direction(frame, family, value_bytes) for family, value_bytes in directions), fewer


def _direction(frame: pl.DataFrame, family: str, value_bytes: float) -> pl.DataFrame:
    return frame.select(
        pl.lit(family).alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        pl.lit("deepep").alias("engine"),
        (pl.col(f"{family}_transmit_us") * 1e-6).alias("latency_s"),
        number("num_token", "tokens"),
        number("hidden_size", "hidden"),
        number("num_topk", "top_k"),
        number("num_experts", "experts"),
        ranks(),
        number("node_num", "nodes"),
        constant(value_bytes, "value_bytes"),
        constant(0.0, "copy_per_expert"),
    )
