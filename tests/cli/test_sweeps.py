"""Every shipped sweep runs, each axis cut to a few of its values."""

import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llmsweep.api import compile_sweep
from support import ROOT, Run

SWEEPS = sorted((ROOT / "sweeps").glob("*.toml"))
MOST_VALUES = 3


def few(value: Any) -> Any:
    """At most three values of an axis, first, middle and last; ranges and globs stay."""
    if not isinstance(value, list) or len(value) <= MOST_VALUES:
        return value
    return [value[0], value[len(value) // 2], value[-1]]


def literal(value: Any) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"{{ {', '.join(f'{name} = {literal(item)}' for name, item in value.items())} }}"
        case _:
            return str(value)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_shipped_sweep_runs(llmsweep: Run, path: Path, tmp_path: Path) -> None:
    axes = tomllib.loads(path.read_text(encoding="utf-8"))["axes"]
    settings = [part for name, value in axes.items() for part in ("--set", f"{name}={literal(few(value))}")]
    done = llmsweep("run", path, *settings, "-o", tmp_path / "front.parquet")
    assert done.returncode == 0, done.stderr
    assert " on the front, " in done.stderr
    front = pl.read_parquet(tmp_path / "front.parquet")
    pareto = compile_sweep(path).pareto
    objectives = pareto["minimize"] + pareto["maximize"]
    assert front["feasible"].all()
    assert front.height > 1
    assert (front.select(pl.all_horizontal(pl.col(objectives) > 0)).to_series()).all()
    assert front.select(objectives + pareto["by"]).is_unique().all()


def test_the_pair_of_make_run_is_more_than_a_million_setups() -> None:
    pair = [compile_sweep(ROOT / "sweeps" / name) for name in ("train-llama3.1-405b.toml", "serve-llama3-70b.toml")]
    assert {sweep.phase for sweep in pair} == {"training", "inference"}
    assert sum(sweep.configurations for sweep in pair) > 1_000_000


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_shipped_sweep_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert f"llmsweep run sweeps/{path.name}" in text.partition("schema = 1")[0]
