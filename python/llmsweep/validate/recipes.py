"""How a deployment was launched where its row does not say so: `recipes.toml`, from the source's own scripts."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

FILE = Path(__file__).with_name("recipes.toml")
PATTERNS = {"model": "model_key", "accelerator": "accelerator"}
EQUAL = ("engine", "input_tokens", "output_tokens")
# What holds where no recipe says otherwise.
DEFAULTS: Mapping[str, Any] = {"admission_interval": 1, "attention_dp_wait_steps": 0, "length_range": 1.0}
VALUES = ("kv_precision", *DEFAULTS)


@cache
def read() -> dict[str, Any]:
    """The file."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def with_recipes(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the axes that recipes set, and lengths as its clients drew them.

    The frame has axes by their names, ``silicon_data_source``, and ``said_kv_precision``: what the row says itself.
    """
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in DEFAULTS.items())
    table = read()
    known = pl.col("silicon_data_source").str.contains(table["source"]).fill_null(value=False)
    for recipe in table["recipe"]:
        holds = known & condition(recipe)
        frame = frame.with_columns(
            pl.when(holds).then(pl.lit(recipe[name])).otherwise(name).alias(name) for name in VALUES if name in recipe
        )
    mean = (1.0 + pl.col("length_range")) / 2.0
    return frame.with_columns(
        pl.coalesce("said_kv_precision", "kv_precision").alias("kv_precision"),
        *((pl.col(name) * mean).round().cast(pl.Int64).alias(name) for name in ("input_tokens", "output_tokens")),
    )


def condition(recipe: Mapping[str, Any]) -> pl.Expr:
    """Whether a row meets all conditions of a recipe."""
    found = [pl.col(column).str.contains(recipe[name]) for name, column in PATTERNS.items() if name in recipe]
    found += [pl.col(name) == recipe[name] for name in EQUAL if name in recipe]
    if "precision" in recipe:
        found.append(pl.col("precision").is_in(recipe["precision"]))
    if "concurrency_from" in recipe:
        found.append(pl.col("concurrency") >= recipe["concurrency_from"])
    if "tensor_parallel_below" in recipe:
        found.append(pl.col("tensor_parallel") < recipe["tensor_parallel_below"])
    return pl.all_horizontal(pl.lit(value=True), *found).fill_null(value=False)
