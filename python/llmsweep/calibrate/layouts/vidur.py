"""Vidur's timings of a transformer's linear layers (PyTorch, 16 bits); norms and activations are not among them."""

import polars as pl

from llmsweep.calibrate.layouts.aiconfigurator import seconds, split

COLUMNS = frozenset({"gpu", "model", "tp", "num_tokens", "op", "ms_median", "gemm_m", "gemm_k", "gemm_n"})
SOURCES = ("vidur",)

ACCELERATORS = {"a40": "a40", "a100": "a100-sxm-80", "h100": "h100-sxm-80"}


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001 - columns tell the kind
    """The canonical table, and sentences on what was left out."""
    frame, others = split(frame, pl.col("gemm_m").is_not_null(), "of operations that are no matrix product", ["op"])
    table = frame.select(
        pl.lit("gemm").alias("family"),
        pl.col("gpu").replace(ACCELERATORS).alias("accelerator"),
        pl.lit("bf16").alias("precision"),
        pl.lit("any").alias("engine"),
        pl.col("op").alias("kernel"),
        seconds("ms_median"),
        pl.col("gemm_m").alias("m"),
        pl.col("gemm_n").alias("n"),
        pl.col("gemm_k").alias("k"),
    )
    return table, others
