"""The rental at which one setup costs as much as another."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, cast

import polars as pl

from llmsweep.api import Spec, read_table
from llmsweep.errors import DataError
from llmsweep.registries import Phase
from llmsweep.sensitivity.setups import Setups, result_names

BREAK_EVEN = "break_even_usd_per_device_hour"
#: By how much a cost at twice the price may differ from twice the cost: rounding.
ROUNDING = 1e-9


def break_even(
    rows: pl.DataFrame,
    against: pl.DataFrame | float,
    *,
    phase: Phase,
    by: str = "usd_per_million_tokens",
    catalog: Iterable[str | os.PathLike[str]] = (),
    within: Spec | None = None,
) -> pl.DataFrame:
    """The rental of a device-hour at which each setup costs as much as another.

    A cost is the rental times the device-seconds of a token or run, so the rental sought is the other's cost over the
    own cost at 1 USD per device-hour. The own price does not enter and need not be known.

    Args:
        rows: Setups, one per row: axes, and results of a sweep if there are any.
        against: The setup to compare with, or one for each row; or its cost itself.
        phase: ``"training"`` or ``"inference"``.
        by: A column that is in proportion to the rental.
        catalog: Further catalogue folders.
        within: A specification whose prices, operations, search and own entries hold, as for rows of its sweep.

    Returns:
        The rows with ``break_even_usd_per_device_hour`` behind their columns: null where a setup can't run or the other
        one has no cost. Two pools on different accelerators have it as the one price of both.

    Raises:
        DataError: A column is wrong, ``by`` is no cost, or ``against`` has neither one row nor as many.

    Example:
        At which rental does an H200 serve a token for what an H100 does?

        >>> import polars as pl, llmsweep as ls
        >>> setups = pl.DataFrame({"model": ["llama3.1-70b"] * 2, "accelerator": ["h100-sxm-80", "h200-sxm-141"],
        ...                        "precision": ["fp8"] * 2, "tensor_parallel": [2, 2], "concurrency": [16, 16]})
        >>> found = ls.break_even(setups, against=setups[:1], phase="inference")
        >>> h100, h200 = found["break_even_usd_per_device_hour"]
        >>> rented = ls.evaluate(setups[:1], phase="inference")["usd_per_hour"][0] / 2
        >>> round(h100 / rented, 9), round(h200 / h100, 2)
        (1.0, 1.21)
    """
    setups = Setups.of(rows, phase, catalog, within)
    (by,) = result_names(by, phase)
    other = reference(against, setups, by)
    return rows.with_columns((other / at_one_dollar(setups, by)).alias(BREAK_EVEN))


def reference(against: pl.DataFrame | float, setups: Setups, by: str) -> pl.Series:
    """The cost to reach, one for each setup."""
    height = setups.frame.height
    if not isinstance(against, pl.DataFrame):
        return pl.Series([float(against)] * height, dtype=pl.Float64)
    other = Setups.of(against, setups.phase, setups.catalog, setups.within)
    if other.frame.height not in (1, height):
        raise DataError(f"against has {other.frame.height} rows; it must have 1 or as many as the setups, {height}")
    cost = other.evaluated([by])[by]
    return cost if cost.len() == height else pl.Series(cost.to_list() * height, dtype=pl.Float64)


def at_one_dollar(setups: Setups, by: str) -> pl.Series:
    """The cost of each setup where every device rents for 1 USD an hour; null where it is none.

    Raises:
        DataError: The column does not double with the rental.
    """
    names = {"accelerator", "prefill_accelerator"} & set(setups.frame.columns)
    chips = {chip for name in names for chip in setups.frame[name].cast(pl.String).unique()} - {"same", None}
    priced = Setups(
        setups.frame.drop("price_scale", strict=False),
        setups.phase,
        setups.catalog,
        within_prices(setups.within, dict.fromkeys(sorted(chips), 1.0)),
    )
    found = priced.evaluated([by], priced.scaled([{"price_scale": 1.0}, {"price_scale": 2.0}]))[by]
    one, two = (found.gather_every(2, offset).cast(pl.Float64) for offset in (0, 1))
    if not ((two - 2 * one).abs() <= ROUNDING * two).all() or (one == 0).any():
        raise DataError(f'"{by}" is not in proportion to the rental: give a cost such as "usd_per_million_tokens"')
    return one


def within_prices(within: Spec | None, prices: Mapping[str, float]) -> dict[str, Any]:
    """A specification with other prices."""
    if within is None:
        return {"prices": dict(prices)}
    spec = read_table(within)
    return {**spec, "prices": {**cast(dict[str, float], spec.get("prices", {})), **prices}}
