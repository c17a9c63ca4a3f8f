"""Which training stack of the catalogue a row ran on, and what its launchers take where the row is silent."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.directories import catalog_directories
from llmsweep.registries import axes
from llmsweep.validate.models import table

DEFAULT = "default"
# Axes that published rows leave unsaid.
SILENT = (
    "recompute",
    "recompute_modules",
    "zero_stage",
    "attention_kernel",
    "sequence_parallel",
    "gradient_precision",
)
# What is taken there where the stack does not say: the axis's own default.
UNSAID: Mapping[str, Any] = {axis["name"]: axis["fallback"] for axis in axes("training") if axis["name"] in SILENT}
# Later than any release.
ALWAYS = "9999-12"


def read(folders: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The stacks of the shipped catalogue, the user's and further folders; a later one replaces one of the same id."""
    files = [file for folder in catalog_directories(folders) for file in sorted((folder / "stacks").glob("*.toml"))]
    tables = (tomllib.loads(file.read_text(encoding="utf-8")) for file in files)
    return list({entry["id"]: entry for table in tables for entry in table.get("stack", [])}.values())


def month(date: str | None) -> str:
    """The last month that a date may mean.

    >>> [month(date) for date in ("2024-08-14", "2023", "2023-2024", None)]
    ['2024-08', '2023-12', '2024-12', '9999-12']
    """
    if not date:
        return ALWAYS
    if found := re.fullmatch(r"(?:\d{4}-)?(\d{4})", date):
        return f"{found[1]}-12"
    return date[:7]


def chosen(stacks: Sequence[Mapping[str, Any]], framework: str, release: str, date: str | None) -> Mapping[str, Any]:
    """The stack of a framework's release: the most particular, then the latest that had been released."""
    when = month(date)
    fitting = [
        stack
        for stack in stacks
        if framework in stack.get("frameworks", ())
        and re.search(stack.get("release", ""), release)
        and stack.get("since", "") <= when
    ]
    return max(fitting, key=lambda stack: ("release" in stack, stack.get("since", "")), default={"id": DEFAULT})


def with_stacks(frame: pl.DataFrame, stacks: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Adds ``stack`` and for each axis of `UNSAID` ``unsaid_<axis>``; the frame has its framework, release and date."""
    keys = ("framework_id", "framework", "date")
    found = []
    for framework, release, date in frame.select(keys).unique(maintain_order=True).iter_rows():
        stack = chosen(stacks, framework or "", release or "", date)
        unsaid = {**UNSAID, **stack.get("unsaid", {})}
        row = {"framework_id": framework, "framework": release, "date": date, "stack": stack["id"]}
        found.append({**row, **{f"unsaid_{axis}": unsaid[axis] for axis in UNSAID}})
    schema = pl.Schema({**frame.select(keys).schema, "stack": pl.String()})
    table = pl.DataFrame(found, schema_overrides=schema)
    return frame.join(table, on=keys, how="left", nulls_equal=True, maintain_order="left")


def nameless(stacks: Sequence[Mapping[str, Any]]) -> str:
    """A catalogue file in which stacks have no constants of their own: what is known of one that nobody has measured.

    What their launchers take where a row is silent stays: that is documentation, not measurement.
    """
    kept = ("id", "name", "frameworks", "release", "since", "unsaid", "source")
    return "\n".join(f"[[stack]]\n{table({key: stack.get(key) for key in kept})}" for stack in stacks)
