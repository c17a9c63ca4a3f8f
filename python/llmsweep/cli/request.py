"""A sweep file with the command line's changes in it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """What to compile, and what the front end must know of it.

    Attributes:
        spec: The file, or its content with ``--set`` in it.
        named: Axes that it names.
        distinct: Whether of equal rows on the front only the first stays.
    """

    spec: Path | dict[str, Any]
    named: list[str]
    distinct: bool


def read_request(path: Path, settings: Sequence[tuple[str, Any]]) -> Request:
    """Reads a sweep file and puts ``--set`` values in.

    A file that is not what it should be is handed on as it is: the core says what is wrong with it, and where.
    """
    try:
        spec = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return Request(path, [], distinct=False)
    tables = [table for name in ("axes", "workload") if isinstance(table := spec.get(name), dict)]
    for axis, value in settings:
        for table in tables:
            for key in [key for key in table if same_axis(key, axis)]:
                del table[key]
        axes = spec.setdefault("axes", {})
        if isinstance(axes, dict):
            axes[axis] = value
    pareto = spec.get("pareto")
    return Request(
        spec=spec if settings else path,
        named=[bare(key) for table in tables for key in table] + [bare(axis) for axis, _ in settings],
        distinct=isinstance(pareto, dict) and pareto.get("distinct") is True,
    )


def bare(axis: str) -> str:
    """The name of an axis in the registry.

    >>> bare("accelerator.memory_scale")
    'memory_scale'
    """
    return axis.rpartition(".")[2]


def same_axis(one: str, other: str) -> bool:
    """Whether both name the same axis."""
    return bare(one) == bare(other)
