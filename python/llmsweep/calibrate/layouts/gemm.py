"""Dense multiplications of aiconfigurator: a file per system, which its name or a column says."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import ENOUGH, SOURCES, left_out, release, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset({"backend", "backend_version", "gemm_dtype", "kernel_source", "m", "n", "k", "latency_ms"})

PRECISIONS = {"int4_wo": "w4a16", "int8_wo": "w8a16", "sq": "int8"}
# Chips without 8-bit arithmetic expand the weights: at many rows their fp8 takes as long as bf16.
EXPANDED = (pl.col("system") == "b60") & (pl.col("gemm_dtype") == "fp8")

# No layer of a model but a router is narrower, and kernels for such shapes are others.
NARROWEST = 256
# A kernel whose smallest products take longer was timed with its launch from Python. Predictions run in graphs.
EAGER_MS = 0.04
SMALL_WEIGHTS = 4.2e6
SMALL_ROWS = 256
# Boards whose cache is much faster than their memory: the timing loop goes through six copies of the weights, which a
# sixth of the cache holds. On other chips latency hides it.
CACHE_BYTES = {"l40s": 100663296, "rtx_pro_6000_server": 134217728}
COPIES = 6
WEIGHT_BYTES = {"bfloat16": 2.0, "nvfp4": 0.5625}

KEY = ["system", "backend", "gemm_dtype"]


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table, and sentences on what was left out."""
    if "system" not in frame.columns:
        frame = frame.with_columns(pl.lit(stem).alias("system"))
    frame = frame.with_columns(pl.col("latency_ms").cast(pl.Float64))
    frame, older = _newest_release(frame)
    frame, narrow = split(frame, pl.min_horizontal("n", "k") >= NARROWEST, f"with n or k below {NARROWEST}")
    frame, eager = _without_launches(frame)
    frame, cached = _without_cached(frame)
    precision = pl.when(EXPANDED).then(pl.lit("w8a16")).otherwise(pl.col("gemm_dtype").replace(PRECISIONS))
    table = frame.with_columns(precision.alias("format")).select(
        pl.lit("gemm").alias("family"),
        aiconfigurator.accelerator(),
        aiconfigurator.precision("format"),
        pl.col("backend").alias("engine"),
        pl.col("kernel_source").alias("kernel"),
        aiconfigurator.seconds(),
        *(pl.col(name) for name in ("m", "n", "k")),
    )
    return table, [*older, *narrow, *eager, *cached]


def _newest_release(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """All kernels of the newest release with enough rows: engines choose among them by shape."""
    counted = frame.group_by(*KEY, "backend_version").len()
    enough = counted.filter(pl.col("len") >= ENOUGH * pl.col("len").max().over(KEY))
    newest = enough.sort(release(), "len", descending=True).unique(KEY, keep="first").select(*KEY, "backend_version")
    on = [*KEY, "backend_version"]
    rest = frame.join(newest, on=on, how="anti")
    return frame.join(newest, on=on, how="semi"), left_out(rest, "of older releases", ["backend", "backend_version"])


def _without_launches(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Without kernels that were launched one by one: even their long products carry what the host adds."""
    small = (pl.col("n") * pl.col("k") <= SMALL_WEIGHTS) & (pl.col("m") <= SMALL_ROWS)
    launch = pl.col("latency_ms").filter(small).median().over(*KEY, "kernel_source").fill_null(0.0)
    return split(frame, launch <= EAGER_MS, "that time the launch from Python", ["backend", "gemm_dtype"])


def _without_cached(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Without weights that the loop found in the cache, where a model's weights never are."""
    weights = pl.col("n") * pl.col("k") * pl.col("gemm_dtype").replace_strict(WEIGHT_BYTES, default=1.0)
    cache = pl.col("system").replace_strict(CACHE_BYTES, default=0.0, return_dtype=pl.Float64)
    return split(frame, COPIES * weights > cache, "whose weights the timing loop held in the cache", ["system"])
