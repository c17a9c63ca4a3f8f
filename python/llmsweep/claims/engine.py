"""The engine, asked for single setups."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmsweep.claims.problem import Unverifiable
from llmsweep.registries import axes, registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from llmsweep.registries import Phase

Row = dict[str, Any]
#: Formats that a name of a claim leaves open, the engine's own names.
FORMATS: dict[str, tuple[str, ...]] = {
    "fp16": ("fp16", "bf16"),
    "bf16": ("bf16", "fp16"),
    "int8": ("int8", "w8a16"),
    "int4": ("w4a16", "int4", "q4_k_m"),
    "fp8": ("fp8", "mxfp8"),
    "fp4": ("nvfp4", "mxfp4"),
}
#: What weights usually have where a claim does not say.
USUAL = ("fp16", "int8", "int4")
NOMINAL = {"int4": 4.0, "w4a16": 4.0, "q4_k_m": 4.0, "fp4": 4.0, "nvfp4": 4.0, "mxfp4": 4.0, "w8a16": 8.0, "mxfp8": 8.0}


class Engine:
    """Evaluates setups against the shipped catalogue and further folders."""

    def __init__(self, catalog: Iterable[Path | str] = ()) -> None:
        self.catalog = tuple(catalog)

    @cached_property
    def _fallbacks(self) -> dict[str, dict[str, Any]]:
        return {
            phase: {axis["name"]: axis["fallback"] for axis in axes(phase) if axis["fallback"] is not None}
            for phase in ("training", "inference")
        }

    def rows(self, phase: Phase, setups: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[Row]:
        """One row per setup: its axes and these columns.

        Raises:
            Unverifiable: An assumption of the claim is nothing that the engine takes.
        """
        import polars as pl

        from llmsweep.api import evaluate
        from llmsweep.errors import DataError

        if not setups:
            return []
        names = list(dict.fromkeys(name for setup in setups for name in setup))
        whole = [{name: setup.get(name, self._fallbacks[phase].get(name)) for name in names} for setup in setups]
        try:
            frame = evaluate(pl.DataFrame(whole), phase=phase, columns=list(columns), catalog=self.catalog)
        except DataError as error:
            raise Unverifiable(f"the engine takes no such setup: {str(error).partition(chr(10))[0]}") from error
        found = frame.cast({pl.Enum: pl.String}).to_dicts()
        return [setup | row for setup, row in zip(whole, found, strict=True)]


def axes_of(phase: str) -> set[str]:
    """Names of the axes of a phase."""
    return {axis["name"] for axis in axes(phase)}


def bits(name: str) -> float:
    """Bits per weight of a format, without scales.

    >>> bits("int4"), bits("fp16"), bits("nvfp4")
    (4.0, 16.0, 4.0)
    """
    return NOMINAL[name] if name in NOMINAL else stored_bits(name)


def stored_bits(name: str) -> float:
    """Bits per weight of a format with its scales."""
    return next(float(p["weight_bits"]) for p in registry()["precisions"] if p["name"] == name)


def formats(name: str) -> tuple[str, ...]:
    """The engine's formats that a name may mean.

    >>> formats("int4"), formats("fp32")
    (('w4a16', 'int4', 'q4_k_m'), ('fp32',))
    """
    return FORMATS.get(name, (name,))


REFUSED = {
    "weights_do_not_fit": "the weights do not fit the memory",
    "cache_does_not_fit": "the key-value cache of one request does not fit beside the weights",
    "batch_does_not_fit": "the batch does not fit beside the weights",
}
