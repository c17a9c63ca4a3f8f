"""Sensitivity as sections of an explanation."""

from typing import cast

import polars as pl

from llmsweep import sensitivity
from llmsweep.cli.setup import OneSetup
from llmsweep.explanation import Section, Term
from llmsweep.readable import quantity
from llmsweep.registries import Phase, units
from llmsweep.sensitivity.factors import changed
from llmsweep.sensitivity.numbers import MAIN_TIME, NUMBERS
from llmsweep.sensitivity.setups import RATIO, Setups

COST = "usd_per_million_tokens"
LARGE = 2.0


def sections(setup: OneSetup) -> list[Section]:
    """Elasticities of the main time and of the cost, and what twice as much of each number gives."""
    phase, own = cast(Phase, setup.sweep.phase), setup.axes()
    results = [MAIN_TIME[phase], COST]
    found = sensitivity(own, phase=phase, of=results, catalog=setup.catalog, within=setup.spec)
    setups = Setups.of(own, phase, setup.catalog, setup.spec)
    large = changed(setups, results, [(number, LARGE) for number in NUMBERS.values()])
    time = section(MAIN_TIME[phase], found, large)
    time["title"] += f": bound by {found['what_binds'][0]}"
    return [time, section(COST, found, large)]


def section(result: str, found: pl.DataFrame, large: pl.DataFrame) -> Section:
    """Elasticities of one result, of the numbers that change it."""
    terms = []
    for name in NUMBERS:
        elasticity = found[f"elasticity_{result}_to_{name}"][0]
        twice = large.row(by_predicate=pl.col("number") == name, named=True)
        if elasticity or twice[f"{result}{RATIO}"] != 1:
            terms.append(term(result, name, elasticity, twice))
    if (rest := f"elasticity_{result}_to_rest") in found.columns:
        formula = "−1 − Σ of the speeds: launches, latencies, the host"
        terms.append(Term(name="rest", value=found[rest][0], unit="", formula=formula, numbers="", source=""))
    return Section(title=f"Sensitivity of {result}", terms=terms, total=None)


def term(result: str, name: str, elasticity: float | None, twice: dict[str, float | None]) -> Term:
    """One elasticity, and what twice as much gives."""
    ratio = twice[f"{result}{RATIO}"]
    numbers = "" if ratio is None else f"{quantity(twice[result], units()[result])} at twice as much, × {ratio:.3f}"
    formula = f"d ln {result} / d ln {name}"
    return Term(name=name, value=elasticity, unit="", formula=formula, numbers=numbers, source="")
