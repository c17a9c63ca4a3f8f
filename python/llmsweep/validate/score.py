"""The scoreboard: how far predictions are from measurements, overall and by what may explain it."""

from typing import Any

import polars as pl

from llmsweep.validate.intervals import counted

CUTS = ("group", "model", "accelerator", "precision", "experts", "software", "mode")
WORST = 10
# A rank among fewer setups of one family says nothing.
FEWEST_RANKED = 5
RANKED = ("tpot_s", "ttft_s")

ERROR = pl.col("predicted") / pl.col("measured") - 1


def board(rows: pl.DataFrame) -> dict[str, Any]:
    """The scoreboard as plain values, ready for JSON; shares and errors are fractions."""
    counts = rows.filter(pl.col("scorable") & ~pl.col("impossible") & pl.col("measured").is_not_null())
    scored = rows.filter(counted()).with_columns(ERROR.alias("error"))
    quantities = [summary(counts, scored, kind, name) for kind, name in pairs(rows)]
    return {
        "rows": rows.height,
        "answered": rows["predicted"].count(),
        "scored": scored.height,
        "quantities": quantities,
        "by": {cut: cut_by(scored, cut) for cut in CUTS},
        "memory": fits(rows),
        "called_infeasible": rows.filter(counted(), pl.col("called_infeasible").is_not_null())["id"].n_unique(),
        "substituted": rows.filter(counted(), pl.col("substituted").is_not_null())["id"].n_unique(),
        "impossible": rows.filter("impossible").select("id", "quantity", "measured", "reject").to_dicts(),
        "worst": worst(scored),
    }


def pairs(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """Kinds and quantities, in order."""
    return [(kind, name) for kind, name in rows.select("kind", "quantity").unique(maintain_order=True).iter_rows()]


def figures() -> list[pl.Expr]:
    """What is said of any set of scored rows."""
    size = pl.col("error").abs()
    inside = pl.col("measured").is_between("predicted_p10", "predicted_p90")
    return [
        pl.len().alias("rows"),
        size.median().alias("median"),
        size.quantile(0.9).alias("p90"),
        pl.col("error").median().alias("bias"),
        inside.mean().alias("inside"),
    ]


def summary(counts: pl.DataFrame, scored: pl.DataFrame, kind: str, quantity: str) -> dict[str, Any]:
    """One line per kind and quantity."""
    mine = (pl.col("kind") == kind, pl.col("quantity") == quantity)
    rows = scored.filter(*mine)
    found = rows.select(figures()).row(0, named=True)
    return {
        "kind": kind,
        "quantity": quantity,
        **found,
        "rows": counts.filter(*mine).height,
        "answered": rows.height,
        "mean_of_medians": rows.group_by("group").agg(pl.col("error").abs().median())["error"].mean(),
        "spearman": spearman(rows) if quantity in RANKED else None,
    }


def spearman(rows: pl.DataFrame) -> float | None:
    """Rank correlation within families of model and accelerator, weighted by their rows."""
    families = (
        rows.group_by("model", "accelerator")
        .agg(pl.len().alias("rows"), pl.corr("measured", "predicted", method="spearman").alias("rank"))
        .filter(pl.col("rows") >= FEWEST_RANKED, pl.col("rank").is_finite())
    )
    if families.is_empty():
        return None
    return float(families.select((pl.col("rank") * pl.col("rows")).sum() / pl.col("rows").sum()).item())


def cut_by(scored: pl.DataFrame, cut: str) -> list[dict[str, Any]]:
    """The figures by one property, most rows first."""
    # A kind that has no such property at all is left out.
    scored = scored.filter(pl.col(cut).is_not_null().any().over("kind"))
    table = scored.group_by("kind", "quantity", cut).agg(figures())
    table = table.with_columns(pl.col(cut).cast(pl.String).fill_null("not said").alias("value")).drop(cut)
    order = ["kind", "quantity", "rows", "value"]
    table = table.sort(order, descending=[False, False, True, False])
    return table.select("kind", "quantity", "value", "rows", "median", "bias", "p90", "inside").to_dicts()


def fits(rows: pl.DataFrame) -> dict[str, int]:
    """Runs that fitted or ran out, and how many of each were called so."""
    memory = rows.filter(pl.col("kind") == "memory", pl.col("predicted").is_not_null())
    out, ran = memory.filter("ran_out"), memory.filter(~pl.col("ran_out") & pl.col("scorable"))
    said = pl.col("called_infeasible").is_not_null()
    return {
        "ran": ran.height,
        "ran_called_feasible": ran.filter(~said).height,
        "ran_out": out.height,
        "ran_out_called_infeasible": out.filter(said).height,
    }


def worst(scored: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows that are furthest off, as a ratio."""
    distance = (pl.col("predicted") / pl.col("measured")).log().abs()
    columns = ("id", "quantity", "measured", "predicted", "error", "model", "accelerator", "group")
    return scored.sort(distance, descending=True).head(WORST).select(columns).to_dicts()
