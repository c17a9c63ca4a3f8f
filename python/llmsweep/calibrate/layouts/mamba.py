"""Mamba-2 timings of aiconfigurator: only the causal convolution is in them, not the scan."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "kernel_source",
        "phase",
        "batch_size",
        "seq_len",
        "d_state",
        "d_conv",
        "nheads",
        "head_dim",
        "n_groups",
        "latency",
        "backend_dir",
    }
)


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001 - columns tell the kind
    """The canonical table, and sentences on what was left out."""
    convolution = pl.col("kernel_source").str.starts_with("causal_conv1d")
    frame, others = split(frame, convolution, "of other kernels than the convolution", ["kernel_source"])
    one_in_a_prompt = (pl.col("phase") == "context") & (pl.col("seq_len") <= 1)
    frame, short = split(frame, ~one_in_a_prompt, "of prompts of one token, which decoding does in a kernel of its own")
    # Inputs and outputs of the state pass through the convolution with the heads.
    channels = pl.col("nheads") * pl.col("head_dim") + 2 * pl.col("n_groups") * pl.col("d_state")
    table = frame.select(
        pl.lit("convolution").alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        pl.col("backend_dir").alias("engine"),
        pl.col("kernel_source").alias("kernel"),
        aiconfigurator.seconds("latency"),
        pl.col("batch_size").alias("batch"),
        pl.col("seq_len").alias("sequence"),
        channels.alias("channels"),
        pl.col("d_conv").alias("width"),
    )
    return table, [*others, *short]
