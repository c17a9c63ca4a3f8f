"""Timings of DeepEP's bulk kernels (`wideep_deepep_normal`): one copy of a token for each rank and domain."""

import polars as pl

from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split
from llmsweep.calibrate.layouts.exchange import deepep

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


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001
    """The canonical table of a file with this name, and sentences on what was left out.

    Between nodes the time that a notification takes is the host's, and is not counted.
    """
    most = pl.col("dispatch_sms").max().over("system", "node_num", "backend_version")
    frame, fewer = split(
        frame, pl.col("dispatch_sms") == most, "with fewer multiprocessors than were tried at most", []
    )
    return deepep(frame, "deepep", "_transmit_us", copy_per_expert=False), fewer
