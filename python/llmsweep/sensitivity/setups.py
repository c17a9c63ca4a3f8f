"""Setups of a frame, evaluated again with factors on their hardware."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from llmsweep.api import Spec, evaluate
from llmsweep.errors import DataError
from llmsweep.names import near
from llmsweep.registries import PHASES, Phase, axes, columns
from llmsweep.sensitivity.numbers import MAIN_TIME

#: Columns that the functions of this package append to frames.
APPENDED = ("elasticity_", "difference_", "what_binds", "break_even_", "factor")
RATIO = "_ratio"


@dataclass(frozen=True)
class Setups:
    """Setups of one phase, and what holds for them beside their axes.

    Attributes:
        frame: One setup per row; its columns are axes.
        phase: ``training`` or ``inference``.
        catalog: Further catalogue folders.
        within: A specification whose prices, operations, search and own entries hold.
    """

    frame: pl.DataFrame
    phase: Phase
    catalog: tuple[str | os.PathLike[str], ...] = ()
    within: Spec | None = None

    @classmethod
    def of(
        cls, frame: pl.DataFrame, phase: Phase, catalog: Iterable[str | os.PathLike[str]], within: Spec | None
    ) -> "Setups":
        """Those of a frame that may have results beside the axes.

        Raises:
            DataError: A column is neither an axis nor a result of the phase, or there is no such phase.
        """
        if phase not in PHASES:
            raise DataError(f'"{phase}" is not a phase; allowed: {", ".join(PHASES)}')
        names = [axis["name"] for axis in axes(phase)]
        results = {column["name"] for column in columns(phase)}
        for name in frame.columns:
            if name not in names and name.removesuffix(RATIO) not in results and not name.startswith(APPENDED):
                known = [*names, *sorted(results)]
                raise DataError(f'column "{name}" is neither an axis nor a result of {phase}{near(name, known)}')
        plain = frame.select(name for name in names if name in frame.columns)
        return cls(plain, phase, tuple(catalog), within)

    def evaluated(self, results: Sequence[str], frame: pl.DataFrame | None = None) -> pl.DataFrame:
        """Results of the setups, or of others in their place."""
        setups = self.frame if frame is None else frame
        names = list(dict.fromkeys(results))
        if setups.is_empty():
            return self.nothing(names)
        return evaluate(setups, phase=self.phase, columns=names, catalog=self.catalog, within=self.within)

    def nothing(self, names: Sequence[str]) -> pl.DataFrame:
        """No row of these results."""
        types: dict[str, pl.DataType] = {
            "count": pl.UInt64(),
            "bool": pl.Boolean(),
            "label": pl.String(),
            "number": pl.Float64(),
        }
        kinds = {column["name"]: column["kind"] for column in columns(self.phase)}
        return pl.DataFrame(schema={name: types[kinds[name]] for name in names})

    def scaled(self, variants: Sequence[Mapping[str, float]]) -> pl.DataFrame:
        """Every setup once per variant, in their order, its factors on the hardware times those of the variant.

        Args:
            variants: Factors by axis; an axis that is not named keeps its own.
        """
        scales = dict.fromkeys(axis for variant in variants for axis in variant)
        frame = self.frame.with_columns(
            pl.col(axis).cast(pl.Float64) if axis in self.frame.columns else pl.lit(1.0).alias(axis) for axis in scales
        )
        more = pl.DataFrame(
            {f"{axis} more": [variant.get(axis, 1.0) for variant in variants] for axis in scales},
            schema={f"{axis} more": pl.Float64 for axis in scales},
        )
        crossed = frame.join(more, how="cross", maintain_order="left_right")
        return crossed.with_columns(pl.col(axis) * pl.col(f"{axis} more") for axis in scales).drop(more.columns)


def result_names(names: Sequence[str] | str, phase: Phase) -> list[str]:
    """Names of results that are numbers, each once.

    Raises:
        DataError: The phase has no such result, or it is no number.
    """
    kinds = {column["name"]: column["kind"] for column in columns(phase)}
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in wanted:
        if name not in kinds:
            raise DataError(f'{phase} has no result "{name}"{near(name, list(kinds))}')
        if kinds[name] not in ("number", "count"):
            raise DataError(f'"{name}" is no number: it has no elasticity; ask for one such as "{MAIN_TIME[phase]}"')
    return wanted
