"""Timings of serving engines' own all-reduce (`custom_allreduce`): `message_size` counts elements of 16 bits."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "backend_dir",
        "backend_version",
        "kernel_source",
        "allreduce_dtype",
        "num_gpus",
        "message_size",
        "latency_ms",
    }
)

ELEMENT_BYTES = 2
# Devices of one host where a domain has several hosts: engines' own kernels stay inside one, beyond it they call the
# library.
HOST_DEVICES = {"gb200": 4, "gb300": 4}
USUAL_HOST_DEVICES = 8


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out."""
    kernel, engine = pl.col("kernel_source"), pl.col("backend_dir")
    frame, eager = split(frame, ~kernel.str.contains("eager"), "outside captured graphs, which time the host", [])
    frame, others = split(
        frame,
        (engine == "trtllm") | ~kernel.str.contains("TRTLLM"),
        "of another engine's kernels",
        ["backend_dir", "kernel_source"],
    )
    host = pl.col("system").replace_strict(HOST_DEVICES, default=USUAL_HOST_DEVICES, return_dtype=pl.Int64)
    frame, beyond = split(frame, pl.col("num_gpus") <= host, "of more devices than a host has", ["system"])
    # Whole releases are left out: their thresholds differ.
    newest = frame.select("system", "backend_dir", "backend_version", number()).sort("number", descending=True)
    newest = newest.unique(["system", "backend_dir"], keep="first").drop("number")
    key = ["system", "backend_dir", "backend_version"]
    older = aiconfigurator.left_out(frame.join(newest, on=key, how="anti"), "of older releases", key[1:])
    table = frame.join(newest, on=key, how="semi").select(
        pl.lit("engine_all_reduce").alias("family"),
        aiconfigurator.accelerator(),
        pl.lit("bf16").alias("precision"),
        engine.alias("engine"),
        kernel.alias("kernel"),
        aiconfigurator.seconds(),
        pl.col("num_gpus").cast(pl.Float64).alias("ranks"),
        (pl.col("message_size") * ELEMENT_BYTES).cast(pl.Float64).alias("bytes"),
    )
    return table, [*eager, *others, *beyond, *older]


def number() -> pl.Expr:
    """All numbers of a release as one that grows.

    Example:
        >>> pl.DataFrame({"backend_version": ["0.5.9", "0.5.14"]}).select(number()).to_series().to_list()
        [5009000, 5014000]
    """
    digits = pl.col("backend_version").str.extract_all(r"\d+").list.eval(pl.element().cast(pl.Int64))
    place = [1_000_000_000, 1_000_000, 1_000, 1]
    terms = [digits.list.get(index, null_on_oob=True).fill_null(0) * worth for index, worth in enumerate(place)]
    return pl.sum_horizontal(terms).alias("number")
