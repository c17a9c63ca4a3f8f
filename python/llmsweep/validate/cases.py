"""What the kinds share: a case is a row with its setup in the names of axes, and why it can't be answered if so.

Columns of a case: ``id, kind, scorable, group`` (the source, or the model for deployments), ``software, experts``,
``refusal``, and the axes.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import polars as pl

from llmsweep.registries import registry
from llmsweep.validate.models import Models

WHOLE = (
    "tensor_parallel",
    "pipeline_parallel",
    "context_parallel",
    "expert_parallel",
    "virtual_pipeline",
    "devices",
    "micro_batch",
    "global_batch",
    "sequence_length",
    "data_parallel",
    "input_tokens",
    "output_tokens",
    "concurrency",
)


@cache
def precisions() -> tuple[str, ...]:
    """Formats of weights that the core knows."""
    return tuple(entry["name"] for entry in registry()["precisions"])


def with_models(frame: pl.DataFrame, models: Models) -> pl.DataFrame:
    """Adds ``model_key``, ``refusal``, ``experts`` and ``model_layers``."""
    frame = models.resolve(frame)
    keys = frame["model_key"]
    entries = {**models.known, **models.own}
    layers = [entries[key]["layers"] if key else None for key in keys]
    return frame.with_columns(
        pl.Series("experts", [bool(key) and models.has_experts(key) for key in keys], pl.Boolean),
        pl.Series("model_layers", layers, pl.Int64),
    )


def refuse(frame: pl.DataFrame, accelerators: Iterable[str]) -> pl.DataFrame:
    """Says of each case what keeps the core from being asked, first reason first; the frame has the axes."""
    chips, formats = list(accelerators), list(precisions())
    axes = [name for name in WHOLE if name in frame.columns]
    checks: list[pl.Expr] = [
        pl.col("refusal"),
        because(pl.col("accelerator").is_null(), pl.lit("the row names no accelerator of the catalogue")),
        because(
            ~pl.col("accelerator").is_in(chips),
            pl.format('the accelerator "{}" is not in the catalogue', pl.col("accelerator")),
        ),
        because(pl.col("precision").is_null(), pl.lit("the row does not say its precision")),
        because(~pl.col("precision").is_in(formats), pl.format('the precision "{}" is not known', pl.col("precision"))),
        *(because(pl.col(name).is_null(), pl.lit(f"the row does not say {words(name)}")) for name in axes),
        *(
            because(
                ~pl.col(name).is_between(1, 100_000_000),
                pl.format("{} is {}, but must be from 1 to 100,000,000", pl.lit(words(name)), pl.col(name)),
            )
            for name in axes
        ),
    ]
    return frame.with_columns(pl.coalesce(checks).alias("refusal"))


def because(condition: pl.Expr, sentence: pl.Expr) -> pl.Expr:
    """The sentence where the condition holds."""
    return pl.when(condition).then(sentence)


def words(name: str) -> str:
    """An axis in words."""
    return name.replace("_", " ")


def positive(names: Sequence[str]) -> list[pl.Expr]:
    """Measured quantities as they can be measured: above 0, else null."""
    return [pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name) for name in names]
