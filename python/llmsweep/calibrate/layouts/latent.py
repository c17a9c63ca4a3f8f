"""Latent attention (MLA) timings of aiconfigurator, prompts and steps of decoding in one file."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "backend",
        "backend_version",
        "table",
        "mla_dtype",
        "kv_cache_dtype",
        "num_heads",
        "batch_size",
        "isl",
        "tp_size",
        "step",
        "latency_ms",
    }
)

# Tokens of cache from which on its bytes decide the time.
LONG = 50_000
# A cache of half the bytes that takes longer than this share was not read in 8 bits.
HALVED = 0.9


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001 - a column tells the kind
    """The canonical table, and sentences on what was left out."""
    prompts = frame.filter(pl.col("table") == "context_mla")
    steps = frame.filter(pl.col("table") == "generation_mla")
    rest = frame.filter(~pl.col("table").is_in(["context_mla", "generation_mla"]).fill_null(value=False))
    others = aiconfigurator.left_out(rest, "of other tables", ["table"])
    prompts, chunks = split(prompts, pl.col("step") == 0, "of prompts with a past, for which there is no law")
    steps, slow = _eight_bits_pay(steps)
    tables = [_table(prompts, "latent_prefill", "isl", "sequence"), _table(steps, "latent_decode", "step", "context")]
    return pl.concat(tables, how="diagonal"), [*others, *chunks, *slow]


def _eight_bits_pay(steps: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Leaves out caches in 8 bits that take as long as in 16, or longer: expanded first, or a kernel of last resort."""
    engine = ["system", "backend"]
    shape = [*engine, "num_heads", "batch_size", "step"]
    long = steps.filter(pl.col("batch_size") * pl.col("step") >= LONG)
    plain = long.filter(pl.col("kv_cache_dtype") != "fp8").select(*shape, pl.col("latency_ms").alias("plain"))
    eight = long.filter(pl.col("kv_cache_dtype") == "fp8").join(plain, on=shape)
    ratio = eight.group_by(engine).agg((pl.col("latency_ms") / pl.col("plain")).median().alias("ratio"))
    slow = ratio.filter(pl.col("ratio") > HALVED).select(*engine, pl.lit("fp8").alias("kv_cache_dtype"))
    key = [*engine, "kv_cache_dtype"]
    reason = "whose cache in 8 bits takes as long as one in 16"
    return steps.join(slow, on=key, how="anti"), aiconfigurator.left_out(
        steps.join(slow, on=key, how="semi"), reason, engine
    )


def _table(frame: pl.DataFrame, family: str, tokens: str, named: str) -> pl.DataFrame:
    return frame.select(
        pl.lit(family).alias("family"),
        aiconfigurator.accelerator(),
        aiconfigurator.precision("kv_cache_dtype"),
        pl.col("backend").alias("engine"),
        aiconfigurator.seconds(),
        pl.col("batch_size").alias("batch"),
        pl.col(tokens).alias(named),
        pl.col("num_heads").alias("heads"),
    )
