"""The interval around a prediction: how far residuals of its class reach.

`intervals.toml` holds one number per class, sigma, such that ``predicted · exp(±1.2816 sigma)`` held 80 % of the
residuals. A class is a kind, a quantity, whether the model has experts, and the software; a prediction takes the
narrowest class that is there.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.directories import shipped_catalog

FILE = shipped_catalog() / "systems" / "intervals.toml"
# 90 % quantile of the normal distribution.
Z = 1.2816
# Narrowest first; the last is always there.
CLASSES = (
    ("kind", "quantity", "experts", "software"),
    ("kind", "quantity", "experts"),
    ("kind", "quantity"),
    ("quantity",),
)
# Share of the residuals that an interval holds.
COVERED = 0.8
# Fewer residuals than these say little of a tail.
FEWEST = 30
# Nothing is known about a quantity that was never measured but its order of magnitude.
UNKNOWN = 1.0

LOG_RESIDUAL = (pl.col("predicted") / pl.col("measured")).log().abs()


def residuals(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that count, with ``log_residual``."""
    return rows.filter(counted()).with_columns(LOG_RESIDUAL.alias("log_residual"))


def counted() -> pl.Expr:
    """Whether a row is in the score: stated in full, possible, measured and answered."""
    known = pl.col("predicted").is_not_null() & pl.col("measured").is_not_null() & (pl.col("predicted") > 0)
    return pl.col("scorable") & ~pl.col("impossible") & known


def learn(rows: pl.DataFrame, strangers: pl.DataFrame | None = None) -> pl.DataFrame:
    """One sigma for every class with enough residuals.

    A group (source, model) counts as the root of its rows, so that none dominates.

    Args:
        rows: Predictions beside measurements.
        strangers: The same rows, predicted as those of software that nobody has calibrated. Classes without software
            are learnt from these where they have the kind, each group counting as one: an unknown source is like any
            of them.
    """
    known, unknown = residuals(rows), None if strangers is None else residuals(strangers)
    parts = []
    for keys in CLASSES:
        if unknown is None or "software" in keys:
            parts.append(reaches(known, keys, 0.5))
            continue
        own = known.filter(~pl.col("kind").is_in(unknown["kind"].unique().implode()))
        parts += [reaches(own, keys, 0.5), reaches(unknown, keys, 1.0)]
    return pl.concat(parts, how="diagonal").unique(
        ["kind", "quantity", "experts", "software"], keep="first", maintain_order=True
    )


def reaches(rows: pl.DataFrame, keys: Sequence[str], evenness: float) -> pl.DataFrame:
    """How far the residuals of each class reach; a group of n rows weighs n to the power of ``1 - evenness``."""
    weight = 1.0 / pl.len().over([*keys, "group"]) ** evenness
    ordered = rows.with_columns(weight.alias("weight")).sort([*keys, "log_residual"])
    reached = pl.col("weight").cum_sum().over(keys) / pl.col("weight").sum().over(keys)
    ordered = ordered.with_columns(reached.alias("reached"), pl.len().over(keys).alias("rows"))
    found = ordered.filter((pl.col("reached") >= COVERED) & (pl.col("rows") >= FEWEST))
    return found.group_by(keys, maintain_order=True).agg(
        (pl.col("log_residual").first() / Z).clip(0.005).alias("sigma"), pl.col("rows").first()
    )


def load(file: Path = FILE) -> pl.DataFrame:
    """The classes of a file."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("class", [])
    schema = {
        **dict.fromkeys(("kind", "quantity"), pl.String),
        "experts": pl.Boolean,
        "software": pl.String,
        "sigma": pl.Float64,
        "rows": pl.Int64,
    }
    return pl.DataFrame(entries, schema=schema)


def add(rows: pl.DataFrame, classes: pl.DataFrame | None = None) -> pl.DataFrame:
    """Adds ``sigma``, ``predicted_p10`` and ``predicted_p90``."""
    classes = load() if classes is None else classes
    candidates = []
    for index, keys in enumerate(CLASSES):
        unused = [name for name in CLASSES[0] if name not in keys]
        mine = classes.filter(
            *(pl.col(name).is_not_null() for name in keys), *(pl.col(name).is_null() for name in unused)
        )
        name = f"_sigma{index}"
        narrow = mine.select(*keys, pl.col("sigma").alias(name))
        rows = rows.join(narrow, on=list(keys), how="left", maintain_order="left")
        candidates.append(name)
    sigma = pl.coalesce(*candidates, pl.lit(UNKNOWN))
    rows = rows.with_columns(sigma.alias("sigma")).drop(candidates)
    return rows.with_columns(
        (pl.col("predicted") * (-Z * pl.col("sigma")).exp()).alias("predicted_p10"),
        (pl.col("predicted") * (Z * pl.col("sigma")).exp()).alias("predicted_p90"),
    )


def held_out(rows: pl.DataFrame, strangers: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rows with intervals that their own group (source, model) had no part in."""
    groups = rows.select("kind", "group").unique(maintain_order=True)
    parts = []
    for kind, group in groups.iter_rows():
        mine = (pl.col("kind") == kind) & (pl.col("group") == group)
        others = None if strangers is None else strangers.filter(~mine)
        parts.append(add(rows.filter(mine).drop("sigma", strict=False), learn(rows.filter(~mine), others)))
    return pl.concat(parts)


def dump(classes: pl.DataFrame, note: Sequence[str]) -> str:
    """The text of `intervals.toml`."""
    lines = [*(f"# {line}" for line in note), "", 'source = ["measurements"]']
    for entry in classes.iter_rows(named=True):
        lines += ["", "[[class]]", *(f"{name} = {plain(value)}" for name, value in entry.items() if value is not None)]
    return "\n".join(lines) + "\n"


def plain(value: Any) -> str:
    """A TOML value of a class."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4f}" if isinstance(value, float) else f'"{value}"' if isinstance(value, str) else str(value)
