"""What `llmsweep sensitivity` finds out about one setup."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click
import polars as pl

from llmsweep import break_even, sensitivity
from llmsweep.cli.elasticities import check_results
from llmsweep.cli.setup import OneSetup
from llmsweep.errors import DataError
from llmsweep.explanation import Explanation
from llmsweep.names import near
from llmsweep.registries import Phase, axes
from llmsweep.sensitivity.factors import changed
from llmsweep.sensitivity.numbers import DEFAULT_RESULTS, MAIN_TIME, NUMBERS
from llmsweep.sensitivity.rental import BREAK_EVEN
from llmsweep.sensitivity.setups import Setups

REST = "rest"


@dataclass(frozen=True)
class Asked:
    """The options of `llmsweep sensitivity`, as they were given."""

    sweep: Path | None
    row: int | None
    phase: str | None
    settings: Sequence[tuple[str, Any]]
    of: list[str] | None
    step: float
    factor: float
    changes: Sequence[tuple[str, Any]]
    against_row: int | None
    by: str
    catalog: tuple[Path, ...]


@dataclass(frozen=True)
class BreakEven:
    """The rental at which a setup costs as much as another; null where there is none.

    Attributes:
        against: The other setup in words.
        by: The cost that breaks even.
        usd_per_device_hour: The rental sought.
        now_usd_per_device_hour: The rental as it is.
    """

    against: str
    by: str
    usd_per_device_hour: float | None
    now_usd_per_device_hour: float | None


@dataclass(frozen=True)
class Report:
    """Elasticities, what a large change gives, what binds, and the break-even price of one setup.

    Attributes:
        explanation: Which setup it is, and why it can't run if it can't.
        results: The results that the table is of.
        table: A row per number of the hardware, and one for the rest that none of them moves.
        what_binds: As `llmsweep.sensitivity` says; null where the setup can't run.
        time: The time that it binds.
        step: The small change.
        factor: The large one.
        break_even: If a setup to compare with was named.
    """

    explanation: Explanation
    results: list[str]
    table: pl.DataFrame
    what_binds: str | None
    time: str
    step: float
    factor: float
    break_even: BreakEven | None

    @classmethod
    def of(cls, asked: Asked) -> "Report":
        """Evaluates everything.

        Raises:
            UsageError: An option does not fit.
            SpecError: The sweep is wrong.
            DataError: A result is no number, or the cost is none.
        """
        setup = OneSetup.named(
            "sensitivity", asked.sweep, asked.row, phase=asked.phase, settings=asked.settings, catalog=asked.catalog
        )
        phase = cast(Phase, setup.sweep.phase)
        results = list(dict.fromkeys(asked.of or DEFAULT_RESULTS[phase]))
        check_results("--of", results, phase)
        check_results("--by", [asked.by], phase)
        explanation = cast(Explanation, json.loads(setup.explanation()))
        own = setup.axes()
        found = sensitivity(own, phase=phase, of=results, step=asked.step, catalog=setup.catalog, within=setup.spec)
        large = changed(
            Setups.of(own, phase, setup.catalog, setup.spec),
            results,
            [(number, asked.factor) for number in NUMBERS.values()],
        )
        return cls(
            explanation=explanation,
            results=results,
            table=table(found.row(0, named=True), large, results),
            what_binds=found["what_binds"][0],
            time=MAIN_TIME[phase],
            step=asked.step,
            factor=asked.factor,
            break_even=price_of(asked, setup, own, phase),
        )

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        explanation = self.explanation
        return {
            **{key: explanation[key] for key in ("title", "setup", "feasible", "reject", "reject_detail")},
            "step": self.step,
            "what_binds": self.what_binds,
            "numbers": self.table.to_dicts(),
            "break_even": None if self.break_even is None else vars(self.break_even),
        }


def table(found: dict[str, Any], large: pl.DataFrame, results: Sequence[str]) -> pl.DataFrame:
    """Elasticities and large changes, a row per number of the hardware."""
    rows = [
        {
            "number": name,
            "difference": found.get(f"difference_{name}"),
            **{f"elasticity_{result}": found.get(f"elasticity_{result}_to_{name}") for result in results},
        }
        for name in (*NUMBERS, REST)
    ]
    schema = {
        "number": pl.String,
        "difference": pl.String,
        **{f"elasticity_{result}": pl.Float64 for result in results},
    }
    changes = large.drop(name for name in large.columns if name in {axis["name"] for axis in axes()})
    return pl.DataFrame(rows, schema=schema).join(
        changes.with_columns(pl.col("reject").cast(pl.String)), on="number", how="left", maintain_order="left"
    )


def price_of(asked: Asked, setup: OneSetup, own: pl.DataFrame, phase: Phase) -> BreakEven | None:
    """The break-even price against the setup that was named, if one was."""
    if asked.against_row is not None:
        if asked.sweep is None or asked.changes:
            raise click.UsageError("--against-row takes a row of SWEEP.toml, and not --against beside it")
        against, words = setup.axes(asked.against_row), f"row {asked.against_row}"
    elif asked.changes:
        against = with_values(own, asked.changes, phase)
        words = ", ".join(f"{axis}={value}" for axis, value in asked.changes)
    else:
        return None
    place: dict[str, Any] = {"phase": phase, "by": asked.by, "catalog": setup.catalog, "within": setup.spec}
    try:
        sought, now = (break_even(own, other, **place)[BREAK_EVEN][0] for other in (against, own))
    except DataError as error:
        raise click.UsageError(f"break-even price against {words}: {error}") from error
    return BreakEven(words, asked.by, sought, now)


def with_values(setup: pl.DataFrame, changes: Sequence[tuple[str, Any]], phase: Phase) -> pl.DataFrame:
    """The setup with other values on some axes.

    Raises:
        UsageError: There is no such axis, or several values for it.
    """
    known = [axis["name"] for axis in axes(phase)]
    for axis, value in changes:
        if axis not in known:
            raise click.UsageError(f'--against: {phase} has no axis "{axis}"{near(axis, known, "llmsweep axes")}')
        if isinstance(value, list | dict):
            raise click.UsageError(f"--against: {axis} must have one value")
    return setup.with_columns(pl.lit(value).alias(axis) for axis, value in dict(changes).items())
