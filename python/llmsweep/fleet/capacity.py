"""The largest rate of requests at which one replica keeps its promises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from llmsweep import _core
from llmsweep.errors import NothingFeasibleError, SpecError
from llmsweep.fleet.promises import kept, nearest_miss
from llmsweep.frame import to_frame
from llmsweep.registries import axes

# Requests so rare that none meets another.
LONE_RATE_PER_S = 1e-9
# Loads that are looked at first, then halvings between the last that keeps the promises and the first that does not:
# the answer is within 1/16/2¹² = 1.5e-5 of the most that the replica can finish.
GRID = 16
HALVINGS = 12
# Every setup is looked at under all loads of the grid at once, in memory.
MOST_SETUPS = 100_000
# What a setup has to be described by, beside its axes.
FACTS = (
    *("feasible", "reject", "max_requests_per_s", "device_count", "nodes", "usd_per_hour", "power_w"),
    *("weight_bytes", "kv_bytes_per_token", "kv_tokens"),
)


def lone(
    spec: Mapping[str, object], promises: Iterable[str], catalog: _core.Catalog, file: str = "<spec>"
) -> pl.DataFrame:
    """Every setup of a sweep under hardly any load: its axes, `FACTS` and the promised columns.

    Raises:
        SpecError: The specification is wrong, or has more than `MOST_SETUPS`.
        NothingFeasibleError: None of its setups can run; the reasons are in the sentence.
    """
    workload = {name: value for name, value in table(spec, "workload").items() if name != "arrival_rate_per_s"}
    chosen = {**table(spec, "axes"), "arrival_rate_per_s": LONE_RATE_PER_S}
    described = {**spec, "axes": chosen, "workload": workload}
    names = [axis["name"] for axis in axes("inference")]
    sweep = _core.Sweep(catalog, described, file=file)
    if sweep.configurations > MOST_SETUPS:
        raise SpecError(f"{file}: a fleet is chosen from {MOST_SETUPS:,} setups at most, not {sweep.configurations:,}")
    rows = to_frame(sweep.run("all", list(dict.fromkeys([*names, *FACTS, *promises]))))
    if not rows["feasible"].any():
        counts = rows.group_by(pl.col("reject").cast(pl.String)).len()
        counts = counts.sort("len", "reject", descending=[True, False])
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.rows())
        raise NothingFeasibleError(f"none of {rows.height:,} setups can run: {reasons}")
    # Names of different sweeps have different lists behind them; as text they can be joined.
    return rows.filter("feasible").cast({pl.Enum: pl.String})


def able(setups: pl.DataFrame, promises: Mapping[str, float]) -> pl.DataFrame:
    """Those setups that keep the promises for a lone request.

    Raises:
        NothingFeasibleError: None does; the sentence has the promise and the nearest value.
    """
    able = setups.filter(kept(promises))
    if able.is_empty():
        raise NothingFeasibleError(nearest_miss(setups, promises))
    return able


def at_rate(setups: pl.DataFrame, rates: pl.Series, columns: Sequence[str], catalog: _core.Catalog) -> pl.DataFrame:
    """Columns of each setup under its own rate of arrivals, in the order of the rows."""
    names = [axis["name"] for axis in axes("inference")]
    asked = setups.select(names).with_columns(rates.alias("arrival_rate_per_s"))
    return to_frame(_core.evaluate(catalog, "inference", asked, list(columns)))


def largest_rates(setups: pl.DataFrame, promises: Mapping[str, float], catalog: _core.Catalog) -> pl.Series:
    """Requests per second that one replica of each setup takes within the promises.

    Args:
        setups: Rows of `able`.
        promises: Bounds by column, s.
        catalog: The catalogue in which the setups were found.

    Returns:
        One rate per row, 1/s. Times grow with the load, so the first load that breaks a promise is the limit.
    """
    wanted = list(dict.fromkeys(["feasible", *promises]))
    numbered = setups.with_row_index("setup")
    shares = pl.DataFrame({"share": [step / GRID for step in range(1, GRID)]})
    grid = numbered.join(shares, how="cross")
    answers = at_rate(grid, grid["max_requests_per_s"] * grid["share"], wanted, catalog)
    broken = grid.select("setup", "share").filter(~answers.select(kept(promises)).to_series())
    first = broken.group_by("setup").agg(pl.col("share").min())
    share = numbered.select("setup").join(first, on="setup", how="left", maintain_order="left")["share"].fill_null(1.0)
    most = setups["max_requests_per_s"]
    high = share * most
    low = ((share - 1 / GRID) * most).clip(lower_bound=LONE_RATE_PER_S)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = at_rate(setups, middle, wanted, catalog).select(kept(promises)).to_series()
        low = middle.zip_with(fits, low)
        high = high.zip_with(fits, middle)
    return low.alias("replica_rate_per_s")


def table(spec: Mapping[str, object], name: str) -> Mapping[str, Any]:
    """A section of a specification, empty where it is none: the core says what is wrong with it."""
    section = spec.get(name, {})
    return section if isinstance(section, Mapping) else {}
