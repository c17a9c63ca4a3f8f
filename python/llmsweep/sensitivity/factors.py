"""Results with other hardware: factors of any size."""

import math
import os
from collections.abc import Iterable, Sequence

import polars as pl

from llmsweep.api import Spec
from llmsweep.errors import DataError
from llmsweep.registries import Phase
from llmsweep.sensitivity.numbers import DEFAULT_RESULTS, HardwareNumber, hardware_numbers
from llmsweep.sensitivity.setups import RATIO, Setups, result_names


def what_if(
    frame: pl.DataFrame,
    number: str,
    factors: Sequence[float] | float,
    *,
    phase: Phase,
    of: Sequence[str] | str | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
    within: Spec | None = None,
) -> pl.DataFrame:
    """Every setup with a number of the hardware times each factor.

    Where an elasticity says what a small change gives, this is exact for a change of any size: memory that is doubled
    holds more requests than twice as many, for the weights take theirs once.

    Args:
        frame: Setups, one per row: axes, and results of a sweep if there are any.
        number: One of `NUMBERS`, such as ``"network_bandwidth"``.
        factors: Factors on it, above zero.
        phase: ``"training"`` or ``"inference"``.
        of: Numeric results; by default times, throughput, cost and energy.
        catalog: Further catalogue folders.
        within: A specification whose prices, operations, search and own entries hold, as for rows of its sweep.

    Returns:
        For each row of the frame a row per factor, in this order: its axes, with the new value on the number's;
        ``factor``; ``reject``, null where it can run; each result and its ratio to that of the row itself, as
        ``<result>_ratio``, null where either does not exist or the row's own is 0.

    Raises:
        DataError: A column, result, number or factor is wrong.

    Example:
        >>> import polars as pl, llmsweep as ls
        >>> setup = pl.DataFrame({"model": ["llama3.1-70b"], "accelerator": ["h200-sxm-141"], "precision": ["fp8"]})
        >>> found = ls.what_if(setup, "hbm_bandwidth", [0.5, 2], phase="inference", of="tpot_s")
        >>> [round(ratio, 1) for ratio in found["tpot_s_ratio"]]
        [1.8, 0.6]
        >>> ls.what_if(setup, "memory", 0.5, phase="inference", of="tpot_s")["reject"].to_list()
        ['weights_do_not_fit']
    """
    chosen = [float(factors)] if isinstance(factors, int | float) else [float(factor) for factor in factors]
    for factor in chosen:
        if not 0 < factor < math.inf:
            raise DataError(f'factor "{factor}" must be a finite number above 0')
    (scaled,) = hardware_numbers(number)
    setups = Setups.of(frame, phase, catalog, within)
    results = result_names(DEFAULT_RESULTS[phase] if of is None else of, phase)
    return changed(setups, results, [(scaled, factor) for factor in chosen]).drop("number")


def changed(setups: Setups, results: Sequence[str], changes: Sequence[tuple[HardwareNumber, float]]) -> pl.DataFrame:
    """Every setup with each change in turn: ``number``, ``factor``, and results as `what_if` has them."""
    variants = setups.scaled([{}, *({number.axis: factor} for number, factor in changes)])
    found = setups.evaluated([*results, "reject"], variants).with_columns(pl.col(results).cast(pl.Float64))
    kinds = pl.DataFrame(
        {
            "number": [None, *(number.name for number, _ in changes)],
            "factor": [1.0, *(factor for _, factor in changes)],
        },
        schema={"number": pl.String, "factor": pl.Float64},
    )
    positions = setups.frame.select(pl.int_range(pl.len()).alias("position"))
    of_rows = positions.join(kinds, how="cross", maintain_order="left_right").drop("position")
    own = pl.int_range(pl.len()) // kinds.height
    together = pl.concat([variants, of_rows, found], how="horizontal").with_columns(
        (pl.col(name) / pl.col(name).replace(0, None).first().over(own)).alias(f"{name}{RATIO}") for name in results
    )
    pairs = [column for name in results for column in (name, f"{name}{RATIO}")]
    changed_only = together.filter(pl.col("number").is_not_null())
    return changed_only.select(*variants.columns, "number", "factor", "reject", *pairs)
