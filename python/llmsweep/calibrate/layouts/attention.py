"""Attention timings of aiconfigurator: prompts (`context_attention`) and steps of decoding (`generation_attention`)."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "backend",
        "backend_version",
        "kernel_source",
        "attn_dtype",
        "kv_cache_dtype",
        "batch_size",
        "isl",
        "step",
        "num_heads",
        "num_key_value_heads",
        "head_dim",
        "latency_ms",
    }
)

# Wider heads run in kernels of last resort, at a third of the rate.
WIDEST = 256
# Its caches would have to be read at 1.5 times the memory's bandwidth.
TOO_FAST = (pl.col("system") == "a100_sxm") & (pl.col("backend") == "trtllm") & (pl.col("step") > 0)


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table of a file with this name, and sentences on what was left out.

    Both kinds of file have the same columns. The name tells which it is; where it doesn't, a past (`step`) means
    decoding.
    """
    if "context" in stem:
        prompts, steps = frame, frame.clear()
    elif "generation" in stem:
        prompts, steps = frame.clear(), frame
    else:
        prompts, steps = frame.filter(pl.col("step") == 0), frame.filter(pl.col("step") > 0)
    first, prompts_left_out = _prompts(prompts)
    second, steps_left_out = _steps(steps)
    return pl.concat([first, second], how="diagonal"), [*prompts_left_out, *steps_left_out]


def _prompts(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    frame, kernels = _usual_kernels(frame)
    frame, chunks = split(frame, pl.col("step") == 0, "of prompts with a past, for which there is no law")
    # With a cache in 8 bits vLLM takes queries to 8 bits, too. TensorRT-LLM says so in rows of their own; SGLang falls
    # back to slower kernels.
    frame, mixed = split(
        frame,
        (pl.col("attn_dtype") == pl.col("kv_cache_dtype")) | (pl.col("backend") == "vllm"),
        "whose cache has another format than their products",
        ["backend"],
    )
    format_of_products = pl.when(pl.col("backend") == "vllm").then("kv_cache_dtype").otherwise("attn_dtype")
    frame = frame.with_columns(format_of_products.alias("products"))
    return _table(frame, "prefill_attention", "products", "isl", "sequence"), [*kernels, *chunks, *mixed]


def _steps(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    frame, kernels = _usual_kernels(frame)
    frame, fast = split(frame, ~TOO_FAST, "faster than the memory's bandwidth", ["system", "backend"])
    return _table(frame, "decode_attention", "kv_cache_dtype", "step", "context"), [*kernels, *fast]


def _usual_kernels(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    fallback = pl.col("kernel_source").str.contains("triton")
    frame, fallbacks = split(frame, ~fallback, "of kernels of last resort", ["kernel_source"])
    frame, wide = split(frame, pl.col("head_dim") <= WIDEST, f"with heads wider than {WIDEST}")
    key = ["system", "backend", "attn_dtype", "kv_cache_dtype"]
    frame, others = aiconfigurator.main_kernels(frame, key)
    return frame, [*fallbacks, *wide, *others]


def _table(frame: pl.DataFrame, family: str, dtype: str, tokens: str, named: str) -> pl.DataFrame:
    return frame.select(
        pl.lit(family).alias("family"),
        aiconfigurator.accelerator(),
        aiconfigurator.precision(dtype),
        pl.col("backend").alias("engine"),
        pl.col("kernel_source").alias("kernel"),
        aiconfigurator.seconds(),
        pl.col("batch_size").alias("batch"),
        pl.col(tokens).alias(named),
        pl.col("num_heads").alias("heads"),
        pl.col("num_key_value_heads").alias("kv_heads"),
        pl.col("head_dim"),
    )
