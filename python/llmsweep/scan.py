"""Sweeps as lazy frames and Arrow streams: rows are made as they are asked for."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
from polars.io.plugins import register_io_source

from llmsweep import _core
from llmsweep.api import Spec, compile_sweep
from llmsweep.frame import to_frame
from llmsweep.predicate import push_down


def scan(
    spec: Spec,
    *,
    keep: Literal["all", "feasible"] = "feasible",
    catalog: Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
) -> pl.LazyFrame:
    """A sweep as a lazy frame: nothing is evaluated before Polars asks for it.

    Columns that a query does not use are never computed. Comparisons of a column with constants (``>``, ``==``,
    ``is_in``, ``is_between``, and what SQL says alike) are tested by the core before a row is made, those of axes
    before it is evaluated; Polars applies the rest. Rows come in the order of ``row_id``, in batches: with
    ``collect(engine="streaming")`` or ``sink_parquet`` memory does not grow with the sweep.

    Args:
        spec: A path (or a string that ends in ``.toml``), TOML text, or a mapping of the same shape.
        keep: ``"feasible"`` rows that meet the constraints, or ``"all"``, infeasible ones with their reason.
        catalog: Further catalogue folders.
        threads: Threads to use; by default ``$LLMSWEEP_THREADS`` or all cores.

    Returns:
        A lazy frame with every column of the phase, in SI units.

    Raises:
        SpecError: The specification is wrong; the sentence says where.
        CatalogError: A catalogue entry is wrong.

    Example:
        Eight bits halve the weights of Llama 3.1 8B:

        >>> import llmsweep as ls, polars as pl
        >>> axes = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80", "precision": ["bf16", "fp8"]}
        >>> lazy = ls.scan({"schema": 1, "phase": "inference", "axes": axes})
        >>> lazy.filter(pl.col("precision") == "fp8").select(pl.col("weight_bytes") / 1e9).collect().item() < 9.1
        True
    """
    sweep = compile_sweep(spec, catalog)
    schema = Rows(sweep, keep, None, threads).empty().schema

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = _Wanted(list(schema) if with_columns is None else with_columns, predicate, n_rows)
        return wanted.frames(sweep, keep, schema, threads)

    return register_io_source(source, schema=schema, is_pure=True, explain_name="llmsweep")


@dataclass(frozen=True)
class _Wanted:
    """What Polars asks of a source."""

    columns: list[str]
    predicate: pl.Expr | None
    rows: int | None

    def frames(self, sweep: _core.Sweep, keep: str, schema: pl.Schema, threads: int | None) -> Iterator[pl.DataFrame]:
        residual = self.predicate
        if residual is not None:
            pushed = push_down(residual, schema)
            sweep = sweep.narrow(filters=pushed.filters)
            residual = None if pushed.whole else residual
        names = self.columns if residual is None else [*self.columns, *residual.meta.root_names()]
        left = self.rows
        for batch in sweep.stream(keep, list(dict.fromkeys(names)), threads=threads):
            frame = to_frame(batch)
            if residual is not None:
                frame = frame.filter(residual).select(self.columns)
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            yield frame
            if left == 0:
                return


@dataclass(frozen=True)
class Rows:
    """Rows of a sweep, made anew each time that somebody reads them: an Arrow stream, or an iterator of frames.

    Attributes:
        sweep: The sweep.
        keep: ``"all"`` or ``"feasible"`` rows.
        columns: Columns to compute; ``None`` for all of the phase.
        threads: Threads to use; ``None`` for the default.
    """

    sweep: _core.Sweep
    keep: str
    columns: list[str] | None
    threads: int | None

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The PyCapsule of a stream; label columns are dictionaries of names."""
        return self._batches(self.sweep).__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames of some ten thousand rows, in the order of ``row_id``; label columns are `polars.Enum`."""
        return (to_frame(batch) for batch in self._batches(self.sweep))

    def empty(self) -> pl.DataFrame:
        """No row, with the right columns.

        Raises:
            SpecError: A column or ``keep`` is wrong; the sentence says where.
        """
        self._batches(self.sweep.narrow(stop=0))
        return to_frame(self.sweep.rows([], self.columns))

    def _batches(self, sweep: _core.Sweep) -> _core.Batches:
        return sweep.stream(self.keep, self.columns, threads=self.threads)


def stream(
    spec: Spec,
    *,
    keep: Literal["all", "feasible"] = "feasible",
    columns: Sequence[str] | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
) -> Rows:
    """A sweep as an Arrow stream, for DuckDB, PyArrow and whatever else reads one.

    Args:
        spec: As for `scan`.
        keep: As for `scan`.
        columns: Columns to compute, in this order; by default all of the phase.
        catalog: Further catalogue folders.
        threads: Threads to use; by default ``$LLMSWEEP_THREADS`` or all cores.

    Returns:
        An object with ``__arrow_c_stream__``, whose label columns are dictionaries of names, and an iterator of Polars
        frames. Rows are made while they are read, and anew for each reader; one that goes away stops the work.

    Raises:
        SpecError: The specification or a column is wrong; the sentence says where.

    Example:
        >>> import llmsweep as ls, polars as pl
        >>> setup = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
        >>> spec = {"schema": 1, "phase": "inference", "axes": setup}
        >>> pl.DataFrame(ls.stream(spec, columns=["accelerator", "weight_bytes"]))["accelerator"].to_list()
        ['h100-sxm-80']
    """
    rows = Rows(compile_sweep(spec, catalog), keep, None if columns is None else list(columns), threads)
    rows.empty()
    return rows
