"""Timings of the library's collectives (`nccl`), by nccl-tests: `message_size` counts elements."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset({"system", "op_name", "nccl_dtype", "num_gpus", "message_size", "latency_ms"})

FAMILIES = {
    "all_reduce": "all_reduce",
    "all_gather": "all_gather",
    "reduce_scatter": "reduce_scatter",
    "alltoall": "all_to_all",
}
ELEMENT_BYTES = {"half": 2, "int8": 1}


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out."""
    operation, dtype = pl.col("op_name"), pl.col("nccl_dtype")
    frame, unknown = split(frame, operation.is_in(list(FAMILIES)), "of other operations", ["op_name"])
    frame, other = split(frame, dtype.is_in(list(ELEMENT_BYTES)), "of other types", ["nccl_dtype"])
    # The switch sums no integers: over eight ranks they take rings where training's 16-bit values don't.
    frame, sums = split(
        frame, (operation != "all_reduce") | (dtype == "half"), "that sum integers, which no switch does", []
    )
    bytes_of = pl.col("message_size") * dtype.replace_strict(ELEMENT_BYTES, return_dtype=pl.Int64)
    table = frame.select(
        operation.replace_strict(FAMILIES, return_dtype=pl.String).alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        pl.lit("nccl").alias("engine"),
        aiconfigurator.seconds(),
        pl.col("num_gpus").cast(pl.Float64).alias("ranks"),
        bytes_of.cast(pl.Float64).alias("bytes"),
    )
    return table, [*unknown, *other, *sums]
