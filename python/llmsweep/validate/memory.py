"""What a measurement of memory counts, and of which device."""

import polars as pl

PARTS = (
    "weight_bytes",
    "gradient_bytes",
    "optimizer_bytes",
    "activation_bytes",
    "logits_bytes",
    "gathered_bytes",
    "temporary_bytes",
)
# What the core is asked for: the parts, what the allocator reserves for them, and what it does not see.
COLUMNS = (*PARTS, "memory_bytes", "context_bytes")


def counted() -> list[pl.Expr]:
    """What an answered case predicts for its kind of measurement.

    `max_allocated` counts tensors, `max_reserved` the allocator's segments too, nvidia-smi the context as well.
    """
    kind = pl.col("mem_kind").str.to_lowercase()
    reserved = pl.col("memory_bytes") / pl.sum_horizontal(PARTS)
    allocated = pl.sum_horizontal(PARTS) - pl.col("activation_bytes") * (1 - share_of_stage())
    memory = (
        pl.when(kind.str.contains("smi"))
        .then(allocated * reserved + pl.col("context_bytes"))
        .when(kind.str.contains("reserved|oom|max_memory"))
        .then(allocated * reserved)
        .otherwise(allocated)
    )
    return [memory.alias("memory"), ran_out().alias("ran_out")]


def ran_out() -> pl.Expr:
    """Whether the run died of memory."""
    return (pl.col("fits").str.to_lowercase().str.slice(0, 1) == "n").fill_null(value=False)


def share_of_stage() -> pl.Expr:
    """Of one rank: its stage holds as many micro-batches as there are stages from it on, the first as many as all.

    Megatron numbers ranks stage by stage. The other parts of its memory are taken to be the fullest stage's.
    """
    rank = pl.col("rank_or_stage").str.extract(r"^rank\s*(\d+)$").cast(pl.Int64)
    stages = pl.col("pipeline_parallel")
    stage = (rank * stages // pl.col("devices")).clip(0)
    batches = pl.col("micro_batches").cast(pl.Float64)
    held = pl.min_horizontal(batches, (stages - stage).cast(pl.Float64)) / pl.min_horizontal(
        batches, stages.cast(pl.Float64)
    )
    return pl.when(rank.is_not_null() & (pl.col("virtual_pipeline") == 1)).then(held.clip(0, 1)).otherwise(1.0)
