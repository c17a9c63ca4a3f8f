"""One setup, as commands name it: a row of a sweep, or a value for each axis that matters."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

    from llmsweep import _core
    from llmsweep.api import Spec


@dataclass(frozen=True)
class OneSetup:
    """A row of a compiled sweep.

    Attributes:
        sweep: The sweep.
        row: Number of the row.
        spec: What it was compiled from.
        catalog: Further catalogue folders.
    """

    sweep: "_core.Sweep"
    row: int
    spec: "Spec"
    catalog: tuple[Path, ...]

    @classmethod
    def named(
        cls,
        command: str,
        sweep: Path | None,
        row: int | None,
        *,
        phase: str | None,
        settings: Sequence[tuple[str, Any]],
        catalog: tuple[Path, ...],
    ) -> "OneSetup":
        """The setup that the arguments of a command name.

        Raises:
            UsageError: They name none, or several.
            SpecError: The sweep or a value is wrong.
        """
        from llmsweep.api import compile_sweep

        if sweep is not None:
            if row is None:
                raise click.UsageError(f"name the row too: llmsweep {command} SWEEP.toml ROW")
            if settings or phase:
                raise click.UsageError("a row of a sweep takes neither --phase nor --set")
            return cls(compile_sweep(sweep, catalog), row, sweep, catalog)
        if phase is None or not settings:
            raise click.UsageError("name a row (SWEEP.toml ROW) or a setup (--phase PHASE --set axis=value …)")
        spec = {"schema": 1, "phase": phase, "axes": dict(settings)}
        compiled = compile_sweep(spec, catalog, file="--set")
        if compiled.configurations != 1:
            made = f"{command} takes one setup, and these values make {compiled.configurations:,}"
            raise click.UsageError(f"{made}; give each axis one value")
        return cls(compiled, 0, spec, catalog)

    def explanation(self) -> str:
        """Every term of it, as JSON."""
        return self.sweep.explain(self.row)

    def axes(self, row: int | None = None) -> "pl.DataFrame":
        """Its value on every axis, or those of another row of its sweep."""
        from llmsweep.frame import to_frame
        from llmsweep.registries import axes

        names = [axis["name"] for axis in axes(self.sweep.phase)]
        return to_frame(self.sweep.rows([self.row if row is None else row], names))
