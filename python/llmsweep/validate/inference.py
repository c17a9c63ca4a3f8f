"""Cases of inference: static batches, single streams, offline throughput, and deployments."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from llmsweep.validate import defaults, recipes
from llmsweep.validate.cases import positive, refuse, with_models
from llmsweep.validate.engines import with_engines
from llmsweep.validate.models import Models

AXES = (
    "model",
    "accelerator",
    "precision",
    "kv_precision",
    "engine",
    "tensor_parallel",
    "expert_parallel",
    "redundant_experts",
    "pipeline_parallel",
    "data_parallel",
    "serving_mode",
    "routing_correlation",
    "input_tokens",
    "output_tokens",
    "concurrency",
    "admission_interval",
    "attention_dp_wait_steps",
)
# Those of the decode pool's limit and of the prefill pool, which only deployments tell.
POOLS = (
    "max_batch",
    "decode_workers",
    "prefill_workers",
    "prefill_tensor_parallel",
    "prefill_expert_parallel",
    "prefill_pipeline_parallel",
    "prefill_data_parallel",
)
MEASURED = ("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s")
# Two printed numbers of three digits that mean the same differ by less.
SAME = 0.005
CONTINUOUS = ("offline-max-throughput", "online-concurrency")


def cases(
    frame: pl.DataFrame,
    models: Models,
    accelerators: Mapping[str, Mapping[str, Any]],
    engines: Sequence[Mapping[str, Any]],
) -> pl.DataFrame:
    """The frame of published runs with the axes of each row."""
    frame = with_models(frame, models).with_columns(pl.coalesce("source_group", "source", pl.lit("own")).alias("group"))
    printed = (defaults.printed_precision().alias("precision_id"), defaults.printed_engine().alias("engine_id"))
    frame = with_engines(frame.with_columns(*printed, *defaults.attention_data_parallel()), engines, accelerators)
    scenario = pl.col("scenario").str.to_lowercase()
    # llama.cpp and ExLlama split layers over devices, everything else splits matrices.
    splits_layers = pl.col("engine_id").is_in(["llama.cpp", "exllama"]).fill_null(value=False) & pl.col("tp").is_null()
    stages = (
        pl.when(splits_layers & pl.col("pp").is_null()).then(pl.col("n_devices")).otherwise(pl.col("pp").fill_null(1))
    )
    # Where experts are spread wider than the matrices of attention, each tensor group attends for its own requests.
    groups = pl.col("n_devices") // (pl.col("tp") * stages).clip(1)
    spread = (pl.col("ep") > pl.col("tp")) & (pl.col("n_devices") % (pl.col("tp") * stages).clip(1) == 0)
    replicas = pl.max_horizontal(pl.col("dp").fill_null(1), pl.when(spread).then(groups))
    tensor = (
        pl.when(splits_layers)
        .then(1)
        .otherwise(pl.coalesce("tp", pl.col("n_devices") // (stages * replicas).clip(1), pl.lit(1)).clip(1))
    )
    frame = frame.with_columns(
        pl.lit("inference").alias("kind"),
        pl.col("engine_axis").alias("software"),
        defaults.precision().alias("precision"),
        defaults.kv_precision().alias("kv_precision"),
        tensor.cast(pl.Int64).alias("tensor_parallel"),
        stages.cast(pl.Int64).alias("pipeline_parallel"),
        replicas.alias("data_parallel"),
        pl.col("ep").fill_null(1).alias("expert_parallel"),
        pl.when(scenario.is_in(CONTINUOUS))
        .then(pl.lit("continuous"))
        .otherwise(pl.lit("static"))
        .alias("serving_mode"),
        routing_correlation().alias("routing_correlation"),
        pl.col("isl").fill_null(defaults.INPUT_TOKENS).round().clip(1).cast(pl.Int64).alias("input_tokens"),
        pl.col("osl").fill_null(defaults.OUTPUT_TOKENS).round().clip(1).cast(pl.Int64).alias("output_tokens"),
        pl.all_horizontal(pl.col("batch_or_concurrency", "isl", "osl").is_not_null()).alias("traffic_stated"),
    )
    batch = pl.col("batch_or_concurrency").round().clip(1)
    requests = (
        pl.when(scenario.is_in(CONTINUOUS)).then(pl.coalesce(batch, defaults.offline_requests())).otherwise(batch)
    )
    single = pl.when(scenario == "single-stream").then(1.0)
    frame = frame.with_columns(
        # Each replica has at least one request: a time-average below that is rounded up.
        pl.max_horizontal(pl.coalesce(requests, single), pl.col("data_parallel").cast(pl.Float64))
        .cast(pl.Int64)
        .alias("concurrency"),
        defaults.accelerator().alias("accelerator"),
        pl.col("model_key").alias("model"),
        pl.col("engine_axis").alias("engine"),
        pl.lit(1).alias("admission_interval"),
        pl.lit(0).alias("attention_dp_wait_steps"),
        pl.when(~another_prompt()).then(pl.col("ttft_ms") / 1e3).alias("ttft_s"),
        (pl.col("tpot_ms") / 1e3).alias("tpot_s"),
        pl.col("e2e_latency_s").alias("e2e_s"),
        pl.col("output_tokens_per_s_total").alias("output_tokens_per_s"),
    ).with_columns(positive(MEASURED))
    frame = with_copies(lengthened(frame, models), models)
    told = (decode_rate().alias("decode_rate"), per_answer().alias("per_answer"))
    return refuse(frame.with_columns(*told), accelerators)


def with_copies(frame: pl.DataFrame, models: Models) -> pl.DataFrame:
    """The frame with as many copies of experts as fill its ranks evenly, where the model's own do not.

    DeepSeek-V3's 256 experts are served over 72 and 144 devices, with 32 copies.
    """
    rows = frame.select("model", "expert_parallel").iter_rows()
    missing = [-models.experts(model) % ranks if model and ranks and ranks > 0 else 0 for model, ranks in rows]
    return frame.with_columns(pl.Series("redundant_experts", missing, pl.Int64))


def lengthened(frame: pl.DataFrame, models: Models) -> pl.DataFrame:
    """The frame with models that take prompt and answer."""
    rows = frame.select("model", pl.col("input_tokens") + pl.col("output_tokens")).iter_rows()
    keys = [models.lengthened(model, tokens) if model and tokens else model for model, tokens in rows]
    return frame.with_columns(pl.Series("model", keys, pl.String))


def routing_correlation() -> pl.Expr:
    """How alike the tokens of a row's batch choose experts.

    The static benchmarks of TensorRT-LLM fill all prompts with one token and decode greedily, so that every sequence of
    a batch is the same (NVIDIA/TensorRT-LLM `benchmarks/cpp/gptSessionBenchmark.cpp` @027cd518e3b6).
    """
    copies = (pl.col("engine_id") == "tensorrt-llm") & ~pl.col("scenario").str.to_lowercase().is_in(CONTINUOUS)
    return copies.fill_null(value=False).cast(pl.Float64)


def decode_rate() -> pl.Expr:
    """Whether a source's throughput is batch over time per token, the prompt's time left out.

    Told from two of the row's own measurements agreeing with each other, never from how near a prediction is.
    """
    rate = pl.col("batch_or_concurrency").fill_null(1) / pl.col("tpot_s")
    reciprocal = (pl.col("output_tokens_per_s") / rate - 1).abs() < SAME
    only = pl.col("scenario").is_in(["decode-only"])
    return (only | (reciprocal & pl.col("e2e_s").is_null())).fill_null(value=False)


def per_answer() -> pl.Expr:
    """Whether a source's time per token is that of the whole answer over its tokens, the prompt's time in it."""
    whole = pl.col("e2e_s") / pl.col("output_tokens")
    return ((pl.col("tpot_s") / whole - 1).abs() < SAME).fill_null(value=False)


def another_prompt() -> pl.Expr:
    """Whether the time of a row's prompt is not that of its tokens alone, by its notes.

    The prompt continues a context of some depth, or whoever read the source holds the number for a slip.
    """
    return pl.col("notes").str.contains("context depth [1-9]|SUSPICIOUS prefill").fill_null(value=False)


def pooled(name: str, pool: str) -> pl.Expr:
    """A size of a pool of a disaggregated deployment."""
    return pl.col(f"{pool}_{name}").fill_null(1)


def deployments(
    frame: pl.DataFrame,
    models: Models,
    accelerators: Mapping[str, Mapping[str, Any]],
    engines: Sequence[Mapping[str, Any]],
) -> pl.DataFrame:
    """Cases of deployments, of one pool or of two."""
    frame = with_models(frame.drop("devices"), models).with_columns(
        pl.coalesce("engine_id", "backend").alias("engine_id"),
        pl.lit(None, pl.String).alias("engine"),
        pl.lit("serving").alias("kind"),
        pl.lit(value=True).alias("traffic_stated"),
        pl.col("model_id").alias("group"),
        pl.col("mode").str.starts_with("disagg").fill_null(value=False).alias("disaggregated"),
        (pl.col("silicon_ttft_ms") / 1e3).alias("ttft_s"),
        (pl.col("silicon_tpot_ms") / 1e3).alias("tpot_s"),
        pl.col("accelerator_id").alias("accelerator"),
        pl.col("model_key").alias("model"),
        pl.col("isl").alias("input_tokens"),
        pl.col("osl").alias("output_tokens"),
        defaults.precision().alias("precision"),
    )
    frame = (
        with_engines(frame, engines, accelerators)
        .with_columns(
            pl.col("engine_axis").alias("software"),
            pl.col("engine_axis").alias("engine"),
            defaults.kv_precision().alias("kv_precision"),
            defaults.said("kv_precision", defaults.CACHE_FORMATS).alias("said_kv_precision"),
        )
        .with_columns(positive(["ttft_s", "tpot_s"]))
    )
    frame = lengthened(recipes.with_recipes(frame), models).with_columns(unstated().alias("refusal"))
    return refuse(with_copies(laid_out(frame), models), accelerators)


def unstated() -> pl.Expr:
    """Why a disaggregated deployment can't be answered: its pools are not described."""
    empty = pl.col("prefill_num_workers").is_null() | pl.col("decode_num_workers").is_null()
    sentence = pl.lit("the row does not say how many workers its prefill and decode pools have")
    return pl.coalesce("refusal", pl.when(pl.col("disaggregated") & empty).then(sentence))


def experts_over(pool: str) -> pl.Expr:
    """Devices over which a pool's worker spreads experts.

    Attention replicas that split each expert's matrices among them are answered as if each had whole experts: a device
    holds as much of them and has as much to do.
    """
    spread = pooled("moe_ep_size", pool)
    return pl.when(pooled("attention_dp_size", pool) > 1).then(spread * pooled("moe_tp_size", pool)).otherwise(spread)


def laid_out(frame: pl.DataFrame) -> pl.DataFrame:
    """The axes of one pool, or of a decode pool and of the prefill pool beside it."""
    apart = pl.col("disaggregated")
    whole = {
        "tensor_parallel": pl.col("tensor_parallel").fill_null(1),
        "pipeline_parallel": pl.col("pp_size").fill_null(1),
        "data_parallel": pl.col("data_parallel").fill_null(1),
        "expert_parallel": pl.col("expert_parallel").fill_null(1),
    }
    sizes = ("tp_size", "pp_size", "attention_dp_size")

    def split(pool: str) -> dict[str, pl.Expr]:
        parts = [*(pooled(size, pool) for size in sizes), experts_over(pool)]
        return dict(zip(whole, parts, strict=True))

    # A worker decodes no more than its batch on each attention rank; the others wait for a slot.
    return frame.with_columns(
        pl.when(apart).then(pl.lit("disaggregated")).otherwise(pl.lit("continuous")).alias("serving_mode"),
        pl.lit(0.0).alias("routing_correlation"),
        pl.when(apart).then("decode_batch_size").fill_null(0).alias("max_batch"),
        *(
            pl.when(apart).then(pooled("num_workers", pool).clip(1)).fill_null(1).alias(f"{pool}_workers")
            for pool in ("prefill", "decode")
        ),
        *(pl.when(apart).then(size).fill_null(0).alias(f"prefill_{name}") for name, size in split("prefill").items()),
        *(pl.when(apart).then(size).otherwise(whole[name]).alias(name) for name, size in split("decode").items()),
    ).with_columns(pl.when(apart).then("concurrency").otherwise(at_least_one_each()).alias("concurrency"))


def at_least_one_each() -> pl.Expr:
    """The requests, one of each replica at least; a number that can't be is left for the sentence about it."""
    requests = pl.col("concurrency")
    return pl.when(requests >= 1).then(pl.max_horizontal(requests, "data_parallel")).otherwise(requests)
