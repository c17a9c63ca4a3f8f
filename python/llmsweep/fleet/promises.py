"""Promised times: which columns may be promised, whether a row keeps them, and which one it is nearest to."""

from collections.abc import Mapping

import polars as pl

from llmsweep.errors import SpecError
from llmsweep.registries import columns

KINDS = ("ttft", "tpot", "e2e")


def promised_columns() -> list[str]:
    """Columns of serving that may be promised: times of requests, means and percentiles.

    Example:
        >>> "ttft_p99_s" in promised_columns(), "cost_usd" in promised_columns()
        (True, False)
    """
    names = [column["name"] for column in columns("inference")]
    return [name for name in names if name.startswith(KINDS) and name.endswith("_s")]


def check(promises: Mapping[str, float]) -> None:
    """Refuses what can't be promised.

    Raises:
        SpecError: No promise, one of no column of times, or a bound that is not above 0.
    """
    known = promised_columns()
    if not promises:
        raise SpecError(f"a fleet is sized for a promised time, and none is given; allowed: {', '.join(known)}")
    for name, bound in promises.items():
        if name not in known:
            raise SpecError(f'"{name}" is no time that can be promised; allowed: {", ".join(known)}')
        if not bound > 0:
            raise SpecError(f'the promised {name} = "{bound:g}" must be above 0')


def kept(promises: Mapping[str, float]) -> pl.Expr:
    """Whether a row has a time for every promise, and none is longer; a row that can't run keeps none."""
    within = [(pl.col(name) <= bound).fill_null(value=False) for name, bound in promises.items()]
    return pl.all_horizontal(within) & pl.col("feasible")


def tightest(promises: Mapping[str, float]) -> pl.Expr:
    """The promise of which a row uses the largest part."""
    shares = pl.concat_list([pl.col(name) / bound for name, bound in promises.items()])
    names = pl.lit(pl.Series([list(promises)]))
    return names.list.get(shares.list.arg_max())


def largest_part(promises: Mapping[str, float]) -> pl.Expr:
    """How much of its bound the tightest promise uses: above 1 it is broken."""
    return pl.max_horizontal(pl.col(name) / bound for name, bound in promises.items())


def nearest_miss(probe: pl.DataFrame, promises: Mapping[str, float]) -> str:
    """Which promise no setup keeps even for a lone request, and the nearest value that one reaches.

    Args:
        probe: Setups that can run, each with the promised columns at hardly any load.
        promises: Bounds by column, s.
    """
    for name, bound in promises.items():
        best = probe.sort(name, nulls_last=True).row(0, named=True)
        if best[name] is None or best[name] > bound:
            return f"no setup reaches {name} ≤ {bound:g} s; the nearest is {_value(best[name])} ({_setup(best)})"
    best = probe.sort(largest_part(promises)).row(0, named=True)
    missed = ", ".join(f"{name} {_value(best[name])} ({bound:g} s promised)" for name, bound in promises.items())
    return f"no setup keeps all promises together; the nearest has {missed} ({_setup(best)})"


def _value(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.4g} s"


def _setup(row: Mapping[str, object]) -> str:
    layout = f"tensor_parallel={row['tensor_parallel']}, pipeline_parallel={row['pipeline_parallel']}"
    return f"accelerator={row['accelerator']}, precision={row['precision']}, {layout}"
