"""Every shipped sweep runs, each axis cut to a few of its values."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

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
def test_shipped_sweep_runs(llmsweep: Run, path: Path) -> None:
    axes = tomllib.loads(path.read_text(encoding="utf-8"))["axes"]
    settings = [part for name, value in axes.items() for part in ("--set", f"{name}={literal(few(value))}")]
    done = llmsweep("run", path, *settings)
    assert done.returncode == 0, done.stderr
    assert " on the front, " in done.stderr
