"""Timings of TensorRT-LLM's two-sided exchange (`trtllm_alltoall`) in one NVLink domain: prepare, dispatch, combine."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split
from llmsweep.calibrate.layouts.exchange import SIXTEEN_BITS, constant, number

__all__ = ["COLUMNS", "SOURCES", "canonical"]

SHAPE = ["system", "kernel_source", "moe_dtype", "num_tokens", "hidden_size", "topk", "num_experts", "moe_ep_size"]
COLUMNS = frozenset({*SHAPE, "op_name", "latency"})

KERNEL = "NVLinkTwoSided"
VALUE_BYTES = {"bfloat16": 2.0, "fp8": 1.0, "nvfp4": 0.5625}
PREPARE, DISPATCH, COMBINE = "alltoall_prepare", "alltoall_dispatch", "alltoall_combine"


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out.

    Preparing is a part of every dispatch.
    """
    frame, others = split(frame, pl.col("kernel_source") == KERNEL, "of other kernels", ["kernel_source"])
    used = pl.col("op_name").is_in([PREPARE, DISPATCH, COMBINE])
    frame, low = split(frame, used, "of other operations", ["op_name"])
    wide = frame.group_by(SHAPE).agg(
        pl.col("latency").filter(pl.col("op_name") == name).median().alias(name) for name in (PREPARE, DISPATCH, COMBINE)
    )
    width = pl.col("moe_dtype").replace_strict(VALUE_BYTES, default=None, return_dtype=pl.Float64).alias("value_bytes")
    sent = _direction(wide, "dispatch", pl.col(PREPARE) + pl.col(DISPATCH), width)
    back = _direction(wide, "combine", pl.col(COMBINE), constant(SIXTEEN_BITS, "value_bytes"))
    return pl.concat([sent, back]), [*others, *low]


def _direction(frame: pl.DataFrame, family: str, milliseconds: pl.Expr, value_bytes: pl.Expr) -> pl.DataFrame:
    return frame.select(
        pl.lit(family).alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        pl.lit("trtllm").alias("engine"),
        (milliseconds * 1e-3).alias("latency_s"),
        number("num_tokens", "tokens"),
        number("hidden_size", "hidden"),
        number("topk", "top_k"),
        number("num_experts", "experts"),
        number("moe_ep_size", "ranks"),
        constant(1.0, "nodes"),
        value_bytes,
        constant(0.0, "copy_per_expert"),
    ).drop_nulls("latency_s")
