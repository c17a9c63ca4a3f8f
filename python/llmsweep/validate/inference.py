"""Cases of inference: static batches, single streams, offline throughput, and deployments."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from llmsweep.validate import defaults
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
    "pipeline_parallel",
    "data_parallel",
    "serving_mode",
    "input_tokens",
    "output_tokens",
    "concurrency",
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
        pl.when(~another_prompt()).then(pl.col("ttft_ms") / 1e3).alias("ttft_s"),
        (pl.col("tpot_ms") / 1e3).alias("tpot_s"),
        pl.col("e2e_latency_s").alias("e2e_s"),
        pl.col("output_tokens_per_s_total").alias("output_tokens_per_s"),
    ).with_columns(positive(MEASURED))
    told = (decode_rate().alias("decode_rate"), per_answer().alias("per_answer"))
    return refuse(lengthened(frame, models).with_columns(*told), accelerators)


def lengthened(frame: pl.DataFrame, models: Models) -> pl.DataFrame:
    """The frame with models that take prompt and answer."""
    rows = frame.select("model", pl.col("input_tokens") + pl.col("output_tokens")).iter_rows()
    keys = [models.lengthened(model, tokens) if model and tokens else model for model, tokens in rows]
    return frame.with_columns(pl.Series("model", keys, pl.String))


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
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cases of deployments: those of whole engines and of decode pools, and those of prefill pools."""
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
        )
        .with_columns(positive(["ttft_s", "tpot_s"]))
    )
    frame = lengthened(frame, models).with_columns(unstated().alias("refusal"))
    return refuse(decode(frame), accelerators), refuse(prefill(frame.filter("disaggregated")), accelerators)


def unstated() -> pl.Expr:
    """Why a disaggregated deployment can't be answered: its pools are not described."""
    empty = pl.col("prefill_num_workers").is_null() | pl.col("decode_num_workers").is_null()
    sentence = pl.lit("the row does not say how many workers its prefill and decode pools have")
    return pl.coalesce("refusal", pl.when(pl.col("disaggregated") & empty).then(sentence))


def layout(pool: str) -> list[pl.Expr]:
    """The layout of one worker of a pool."""
    return [
        pooled("tp_size", pool).alias("tensor_parallel"),
        pooled("pp_size", pool).alias("pipeline_parallel"),
        pooled("attention_dp_size", pool).alias("data_parallel"),
        pooled("moe_ep_size", pool).alias("expert_parallel"),
    ]


def decode(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole engines as they are; of a decode pool, one worker with its share of the requests and no prefills."""
    whole = [
        pl.col("tensor_parallel").fill_null(1),
        pl.col("pp_size").fill_null(1).alias("pipeline_parallel"),
        pl.col("data_parallel").fill_null(1),
        pl.col("expert_parallel").fill_null(1),
    ]
    apart = pl.col("disaggregated")
    workers = pooled("num_workers", "decode").clip(1)
    # A worker decodes no more than its batch on each attention rank; the others wait for their prefill.
    slots = pl.col("decode_batch_size") * pooled("attention_dp_size", "decode")
    axes = [
        pl.when(apart).then(one).otherwise(other).alias(one.meta.output_name())
        for one, other in zip(layout("decode"), whole, strict=True)
    ]
    return frame.with_columns(
        *axes,
        pl.when(apart).then(pl.lit("static")).otherwise(pl.lit("continuous")).alias("serving_mode"),
        pl.when(apart)
        .then(pl.min_horizontal((pl.col("concurrency") / workers).ceil().cast(pl.Int64), slots))
        .otherwise("concurrency")
        .alias("concurrency"),
    ).with_columns(at_least_one_each().alias("concurrency"))


def at_least_one_each() -> pl.Expr:
    """The requests, one of each replica at least; a number that can't be is left for the sentence about it."""
    requests = pl.col("concurrency")
    return pl.when(requests >= 1).then(pl.max_horizontal(requests, "data_parallel")).otherwise(requests)


def prefill(frame: pl.DataFrame) -> pl.DataFrame:
    """One worker of a prefill pool, with its share of the requests."""
    share = (pl.col("concurrency") / pooled("num_workers", "prefill").clip(1)).ceil().cast(pl.Int64)
    return (
        frame.with_columns(layout("prefill"))
        .with_columns(pl.lit("continuous").alias("serving_mode"), share.alias("concurrency"))
        .with_columns(at_least_one_each().alias("concurrency"))
    )
