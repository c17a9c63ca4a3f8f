"""Which training stack of the catalogue a row ran on, and what its launchers take where the row is silent."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.registries import axes
from llmsweep.validate import releases
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


def read(folders: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The stacks of the catalogue."""
    return releases.read("stack", folders)


def chosen(stacks: Sequence[Mapping[str, Any]], framework: str, release: str, date: str | None) -> Mapping[str, Any]:
    """The stack of a framework's release, else the default."""
    return releases.chosen(stacks, "frameworks", framework, release, date) or {"id": DEFAULT}


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
    known = pl.DataFrame(found, schema_overrides=schema)
    return frame.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")


def nameless(stacks: Sequence[Mapping[str, Any]]) -> str:
    """A catalogue file in which stacks have no constants of their own: what is known of one that nobody has measured.

    What their launchers take where a row is silent stays: that is documentation, not measurement.
    """
    kept = ("id", "name", "frameworks", "release", "since", "unsaid", "source")
    return "\n".join(f"[[stack]]\n{table({key: stack.get(key) for key in kept})}" for stack in stacks)
