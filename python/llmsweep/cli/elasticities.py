"""Elasticities beside the rows of `llmsweep run`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import click
import polars as pl

from llmsweep import sensitivity
from llmsweep.api import Spec
from llmsweep.cli.selection import check_columns
from llmsweep.errors import DataError
from llmsweep.registries import Phase
from llmsweep.sensitivity.setups import result_names

#: Elasticities that round to nothing in a printed table.
NOTHING = 5e-4
BINDS = "what_binds"


def check_results(option: str, names: Sequence[str], phase: str) -> None:
    """Refuses what is no result of the phase, or no number.

    Raises:
        UsageError: With the nearest name.
    """
    check_columns(option, names, phase)
    try:
        result_names(names, cast(Phase, phase))
    except DataError as error:
        raise click.UsageError(f"{option}: {error}") from error


def with_elasticities(
    frame: pl.DataFrame, results: Sequence[str], phase: str, spec: Spec, catalog: Iterable[Path]
) -> pl.DataFrame:
    """Rows of a sweep with the elasticities of these results behind them."""
    return sensitivity(frame, phase=cast(Phase, phase), of=results, within=spec, catalog=catalog)


def appended(frame: pl.DataFrame) -> list[str]:
    """The columns that `with_elasticities` has put behind."""
    return [name for name in frame.columns if name.startswith(("elasticity_", "difference_")) or name == BINDS]


def worth_printing(frame: pl.DataFrame) -> list[str]:
    """Those of them that say something: what binds, and elasticities that some row has."""
    names = [name for name in appended(frame) if name.startswith("elasticity_")]
    moved = [name for name in names if (frame[name].abs() >= NOTHING).any()]
    return [BINDS, *moved]
