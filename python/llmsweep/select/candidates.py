"""The best setup of each accelerator and its runner-up."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from llmsweep.api import sweep
from llmsweep.choice import Row, best
from llmsweep.clock import HOURS_PER_MONTH
from llmsweep.registries import registry
from llmsweep.select.want import LAYOUT, Want

PLAIN_BITS = 16


@dataclass(frozen=True)
class Candidates:
    """Setups that will do.

    Attributes:
        pairs: The best setup of each accelerator and its second best, best first; those whose deciding column is
            unknown last. Setups that differ neither in layout nor in format count as one.
        plain: The best setup of all in a format of 16 bits or more.
    """

    pairs: list[tuple[Row, Row | None]]
    plain: Row | None


def candidates(want: Want, spec: Mapping[str, Any], catalog: Iterable[Any]) -> Candidates:
    """The best setups of a sweep, within the budget."""
    found = with_budget(sweep(spec, columns=want.columns, catalog=catalog), want)
    if want.budget_usd is not None:
        found = found.filter(pl.col("budget_usd") <= want.budget_usd)
    known = pl.col(want.decides).is_not_null()
    # Where nothing is known of money, fewer device-seconds per token are better.
    spare = pl.when(known).then(0.0).otherwise(-pl.col("tokens_per_s_per_device"))
    ranked = found.with_columns(spare=spare).sort(
        want.decides, "spare", descending=[want.more_is_better, False], nulls_last=True
    )
    # Of the same layout on more devices nothing is learnt.
    layout = [way for way in LAYOUT if want.purpose == "inference" or way != "data_parallel"]
    distinct = ranked.drop("spare").unique(["accelerator", "precision", *layout], keep="first", maintain_order=True)
    groups = distinct.group_by("accelerator", maintain_order=True).head(2)
    pairs: dict[str, list[Row]] = {}
    for row in groups.iter_rows(named=True):
        pairs.setdefault(row["accelerator"], []).append(row)
    plain = distinct.filter(pl.col("precision").is_in(plain_formats()), pl.col(want.decides).is_not_null()).head(1)
    return Candidates(
        pairs=[(rows[0], rows[1] if len(rows) > 1 else None) for rows in pairs.values()],
        plain=plain.row(0, named=True) if plain.height else None,
    )


def plain_formats() -> list[str]:
    """Formats whose weights have 16 bits or more: no quality is lost to them.

    >>> "bf16" in plain_formats(), "fp8" in plain_formats()
    (True, False)
    """
    return [one["name"] for one in registry()["precisions"] if one["weight_bits"] >= PLAIN_BITS]


def with_budget(found: pl.DataFrame, want: Want) -> pl.DataFrame:
    """Adds the money that a budget is about: of the run, or of a month of the deployment."""
    if want.purpose == "training":
        return found.with_columns(budget_usd=pl.col("cost_usd"))
    return found.with_columns(budget_usd=pl.col("usd_per_hour") * HOURS_PER_MONTH)


def refusals(want: Want, entry: Mapping[str, Any], missing: Iterable[str], catalog: Iterable[Any]) -> dict[str, str]:
    """Why each accelerator has no setup."""
    return {
        accelerator: best(want.spec(entry, [accelerator]), want.decides, catalog=catalog).why_not
        or f"over the budget of {want.budget_usd or math.inf:,.0f} USD, or no rental is known"
        for accelerator in missing
    }
