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
    schema = to_frame(sweep.rows([])).schema

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


def stream(
    spec: Spec,
    *,
    keep: Literal["all", "feasible"] = "feasible",
    columns: Sequence[str] | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
) -> "_core.Batches":
    """A sweep as an Arrow stream, for DuckDB, PyArrow and whatever else reads one; it can be read once.

    Args:
        spec: As for `scan`.
        keep: As for `scan`.
        columns: Columns to compute, in this order; by default all of the phase.
        catalog: Further catalogue folders.
        threads: Threads to use; by default ``$LLMSWEEP_THREADS`` or all cores.

    Returns:
        An object with ``__arrow_c_stream__``, whose label columns are dictionaries of names.

    Raises:
        SpecError: The specification or a column is wrong; the sentence says where.

    Example:
        >>> import llmsweep as ls, polars as pl
        >>> setup = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
        >>> spec = {"schema": 1, "phase": "inference", "axes": setup}
        >>> pl.DataFrame(ls.stream(spec, columns=["accelerator", "weight_bytes"]))["accelerator"].to_list()
        ['h100-sxm-80']
    """
    return compile_sweep(spec, catalog).stream(keep, columns, threads=threads)
