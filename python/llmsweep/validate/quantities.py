"""From answered cases to one row per measured quantity, in SI."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Quantity:
    """A quantity: what predicts it, and the bound that no measurement can beat, if there is one."""

    name: str
    predicted: pl.Expr
    bound: pl.Expr | None = None
    more_is_faster: bool = False
    also: pl.Expr | None = None


def _end_to_end(first: str, each: str) -> pl.Expr:
    return pl.col(first) + (pl.col("output_tokens") - 1) * pl.col(each)


# Of a batch that runs in waves no more decode at a time than have room.
_AT_ONCE = pl.min_horizontal("concurrency", "max_concurrency")
_RATE = pl.when("decode_rate").then(_AT_ONCE / pl.col("tpot_s_core")).otherwise("tokens_per_s")
_EACH = pl.when("per_answer").then(pl.col("e2e_s_core") / pl.col("output_tokens")).otherwise("tpot_s_core")
# Requests of a static batch end together: no machine answers more than all their tokens in the bound of one answer.
_RATE_BOUND = pl.when(pl.col("serving_mode") == "static").then(
    pl.col("concurrency")
    * pl.when("decode_rate")
    .then(1 / pl.col("tpot_s_bound"))
    .otherwise(pl.col("output_tokens") / _end_to_end("ttft_s_bound", "tpot_s_bound"))
)
QUANTITIES = {
    "training": (Quantity("step_time_s", pl.col("step_time_s_core"), pl.col("step_time_s_bound")),),
    "memory": (Quantity("peak_memory_bytes", pl.col("memory"), also=pl.col("ran_out")),),
    "inference": (
        Quantity("ttft_s", pl.col("ttft_s_core"), pl.col("ttft_s_bound")),
        Quantity("tpot_s", _EACH, pl.col("tpot_s_bound")),
        Quantity("e2e_s", pl.col("e2e_s_core"), _end_to_end("ttft_s_bound", "tpot_s_bound")),
        Quantity("output_tokens_per_s", _RATE, _RATE_BOUND, more_is_faster=True),
    ),
    "serving": (
        Quantity("ttft_s", pl.col("ttft_s_core"), pl.col("ttft_s_bound")),
        Quantity("tpot_s", pl.col("tpot_s_core"), pl.col("tpot_s_bound")),
    ),
}
KEPT = (
    *("id", "kind", "scorable", "group", "source", "software", "experts"),
    *("model", "accelerator", "precision", "mode", "called_infeasible", "substituted", "provenance"),
)


def measured(cases: pl.DataFrame, kind: str) -> pl.DataFrame:
    """One row per measured quantity of answered cases of a kind."""
    if "stack" not in cases.columns:
        cases = cases.with_columns(pl.lit(None, pl.String).alias("stack"))
    cases = cases.with_columns(mode(cases.columns).alias("mode"))
    return pl.concat([_rows(cases, quantity) for quantity in QUANTITIES[kind]])


def mode(columns: Sequence[str]) -> pl.Expr:
    """The serving mode, one request alone being a mode of its own; null in training."""
    if "serving_mode" not in columns:
        return pl.lit(None, pl.String)
    alone = (pl.col("serving_mode") != "disaggregated") & (pl.col("concurrency") == 1)
    return pl.when(alone).then(pl.lit("single stream")).otherwise(pl.col("serving_mode").cast(pl.String))


def _rows(cases: pl.DataFrame, quantity: Quantity) -> pl.DataFrame:
    measurement = pl.col(quantity.name)
    bound = pl.lit(None, pl.Float64) if quantity.bound is None else quantity.bound
    beats = measurement > pl.col("_bound") if quantity.more_is_faster else measurement < pl.col("_bound")
    sentence = pl.format("{} beats the physical bound {}", number(measurement), number(pl.col("_bound")))
    # A bound of assumed traffic is none.
    beats &= pl.col("traffic_stated")
    present = measurement.is_not_null()
    if quantity.also is not None:
        present = present | quantity.also
    rows = cases.filter(present).with_columns(bound.alias("_bound"), quantity.predicted.alias("_predicted"))
    answered = pl.col("refusal").is_null() & pl.col("_predicted").is_finite().fill_null(value=False)
    refusal = pl.coalesce(
        pl.col("refusal"), pl.when(~answered).then(pl.lit(f"the core gives no {quantity.name} for this setup"))
    )
    ran_out = pl.lit(value=False) if quantity.also is None else quantity.also
    out = pl.when(ran_out & pl.col("called_infeasible").is_not_null()).then(pl.lit("out of memory, as it was measured"))
    return rows.select(
        *KEPT,
        pl.col("stack").cast(pl.String),
        pl.lit(quantity.name).alias("quantity"),
        measurement.cast(pl.Float64).alias("measured"),
        pl.when(answered).then("_predicted").cast(pl.Float64).alias("predicted"),
        pl.when(answered & beats).then(sentence).otherwise(pl.coalesce(refusal, out)).alias("reject"),
        (answered & beats).fill_null(value=False).alias("impossible"),
        ran_out.alias("ran_out"),
    )


def number(value: pl.Expr) -> pl.Expr:
    """Four digits for a sentence."""
    return value.round_sig_figs(4).cast(pl.String)


def columns() -> Sequence[str]:
    """Columns of the file of predictions, in order."""
    return ("id", "quantity", "measured", "predicted", "predicted_p10", "predicted_p90", "provenance", "reject")
