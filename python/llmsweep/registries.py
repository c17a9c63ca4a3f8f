"""What the core knows: axes, columns, precisions, cache formats, reject reasons and other labels."""

import json
from functools import cache
from typing import Literal, NotRequired, TypedDict, cast

Phase = Literal["training", "inference"]
PHASES: tuple[Phase, ...] = ("training", "inference")


class Domain(TypedDict):
    """The values that an axis takes."""

    kind: Literal[
        "model",
        "draft_model",
        "accelerator",
        "network",
        "stack",
        "engine",
        "choice",
        "subset",
        "integer",
        "positive",
        "amount",
        "at_least_one",
        "share",
        "between",
        "bool",
    ]
    values: NotRequired[list[str]]
    min: NotRequired[int]
    max: NotRequired[int]


class Axis(TypedDict):
    """One thing that a sweep can vary; ``fallback`` is null where the specification must give it."""

    name: str
    phases: list[Phase]
    level: str
    domain: Domain
    fallback: str | float | bool | None
    workload: bool
    unit: str
    doc: str


class Column(TypedDict):
    """One result column; ``formula`` names the section of docs/model.md that derives it.

    ``higher_is_better``: of other columns less is better, where either is.
    """

    name: str
    phases: list[Phase]
    kind: Literal["number", "count", "bool", "label"]
    unit: str
    doc: str
    formula: str
    higher_is_better: bool


class Precision(TypedDict):
    """A format of weights and arithmetic; bits count the shared scales."""

    name: str
    weight_bits: float
    activation_bits: float
    compute: list[str]
    doc: str


class KvPrecision(TypedDict):
    """A format of the key-value cache."""

    name: str
    bits: float
    doc: str


class Reject(TypedDict):
    """A reason why a setup can't run."""

    name: str
    phases: list[Phase]
    doc: str


class Label(TypedDict):
    """A name of a label column."""

    name: str
    doc: str


class Registry(TypedDict):
    """Everything, in the core's order."""

    axes: list[Axis]
    columns: list[Column]
    precisions: list[Precision]
    kv_precisions: list[KvPrecision]
    rejects: list[Reject]
    bottlenecks: list[Label]
    provenances: list[Label]


@cache
def registry() -> Registry:
    """The registry of the Rust core.

    Example:
        >>> [p["weight_bits"] for p in registry()["precisions"] if p["name"] == "mxfp4"]
        [4.25]
    """
    from llmsweep import _core

    return cast(Registry, json.loads(_core.registry()))


def axes(phase: str | None = None) -> list[Axis]:
    """The axes of a phase, or of both."""
    return [axis for axis in registry()["axes"] if phase is None or phase in axis["phases"]]


def columns(phase: str | None = None) -> list[Column]:
    """The result columns of a phase, or of both; axes are columns too, and not listed here."""
    return [column for column in registry()["columns"] if phase is None or phase in column["phases"]]


@cache
def units() -> dict[str, str]:
    """Unit by name of each axis and column; empty for counts, names and ratios.

    Example:
        >>> units()["cost_usd"]
        'USD'
    """
    return {entry["name"]: entry["unit"] for entry in (*registry()["axes"], *registry()["columns"])}
