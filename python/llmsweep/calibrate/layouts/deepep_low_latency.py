"""Timings of DeepEP's kernels of low latency (`wideep_deepep_ll`): dispatch in 8 bits, combine in 16."""

import polars as pl

from llmsweep.calibrate.layouts.aiconfigurator import SOURCES
from llmsweep.calibrate.layouts.exchange import deepep

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


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001
    """The canonical table of a file with this name, and sentences on what was left out."""
    return deepep(frame, "deepep_low_latency", "_avg_t_us", copy_per_expert=True), []
