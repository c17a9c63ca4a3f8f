"""The Python surface: sweep, evaluate, explain."""

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl

from llmsweep import _core
from llmsweep.directories import catalog_directories
from llmsweep.explanation import Explanation
from llmsweep.frame import to_frame
from llmsweep.places import no_toml
from llmsweep.registries import Phase

Spec = str | os.PathLike[str] | Mapping[str, object]
Keep = Literal["all", "feasible", "front"]


def open_catalog(extra: Iterable[str | os.PathLike[str]] = ()) -> _core.Catalog:
    """Reads the shipped catalogue, the user's and ``extra`` folders.

    Raises:
        CatalogError: A folder does not exist or an entry is wrong.
    """
    return _core.Catalog([str(folder) for folder in catalog_directories(extra)])


def compile_sweep(
    spec: Spec, catalog: Iterable[str | os.PathLike[str]] = (), *, file: str | None = None
) -> _core.Sweep:
    """Parses a specification and compiles its plan, without evaluating a row.

    Args:
        spec: A path (or a string that ends in ``.toml``), TOML text, or a mapping of the same shape.
        catalog: Further catalogue folders.
        file: What errors call the specification; by default its path.

    Raises:
        SpecError: The specification is wrong; the sentence says where.
        OSError: The file can't be read.
    """
    text, name = read_spec(spec, file)
    return _core.Sweep(open_catalog(catalog), text, file=name)


def read_spec(spec: Spec, file: str | None = None) -> tuple[str | Mapping[str, object], str]:
    """A specification as the core takes it, text or a mapping, and what errors call it.

    Raises:
        SpecError: The file is no text.
        OSError: The file can't be read.
    """
    if not isinstance(spec, os.PathLike) and not (isinstance(spec, str) and spec.endswith(".toml")):
        return spec, file or "<spec>"
    path = Path(spec)
    try:
        return path.read_text(encoding="utf-8"), file or str(path)
    except UnicodeDecodeError as error:
        raise _core.SpecError(f'"{path}" is not UTF-8 text') from error


def read_table(spec: Spec) -> dict[str, Any]:
    """A specification as a table, which can be changed.

    Raises:
        SpecError: It is no TOML.
        OSError: The file can't be read.
    """
    text, file = read_spec(spec)
    if not isinstance(text, str):
        return dict(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _core.SpecError(no_toml(file, error)) from error


def sweep(
    spec: Spec,
    *,
    keep: Keep = "feasible",
    columns: Sequence[str] | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Evaluates every combination that a specification asks for.

    Args:
        spec: A path (or a string that ends in ``.toml``), TOML text, or a mapping of the same shape.
        keep: ``"all"`` rows, infeasible ones with their reason in ``reject``; ``"feasible"`` ones that meet the
            constraints too; or only the Pareto ``"front"``.
        columns: Columns to compute, in this order; by default all of the phase. `docs/columns.md` lists them.
        catalog: Further catalogue folders; their entries replace shipped ones of the same id.
        threads: Threads to use; by default ``$LLMSWEEP_THREADS`` or all cores.
        progress: Called now and then with the numbers of rows done and in all.

    Returns:
        A frame in SI units: seconds, bytes, FLOP, USD, watts, joules. A quantity that does not exist is null.

    Raises:
        SpecError: The specification or a column is wrong; the sentence says where.
        CatalogError: A catalogue entry is wrong.
        KeyboardInterrupt: Ctrl-C, within 0.2 s.

    Example:
        The 8.03 billion weights of Llama 3.1 8B take 2 bytes each in bf16:

        >>> import llmsweep as ls
        >>> setup = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
        >>> frame = ls.sweep({"schema": 1, "phase": "inference", "axes": setup}, columns=["weight_bytes"])
        >>> round(frame["weight_bytes"][0] / 1e9, 1)
        16.1
    """
    watch = None if progress is None else (lambda done, total, *_: progress(done, total))
    return to_frame(compile_sweep(spec, catalog).run(keep, columns, threads=threads, progress=watch))


def evaluate(
    frame: "pl.DataFrame | _core.ArrowStreamExportable",
    *,
    phase: Phase,
    columns: Sequence[str] | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
    within: Spec | None = None,
) -> pl.DataFrame:
    """Evaluates one explicit setup per row.

    Args:
        frame: Any table with an Arrow stream (Polars, PyArrow, DuckDB, pandas ≥ 2.2 …) whose columns are axes;
            an axis that is missing takes its default.
        phase: ``"training"`` or ``"inference"``.
        columns: Columns to compute; by default all of the phase.
        catalog: Further catalogue folders.
        within: A specification whose ``[prices]``, ``[operations]``, ``[search]`` and own entries hold, as for the rows
            of its sweep; its axes say nothing here. With ``[search]`` a column ``data_parallel`` says nothing either.

    Returns:
        One row per row of ``frame``, in its order.

    Raises:
        DataError: A column is not an axis or has a wrong type or value, or ``within`` is wrong.

    Example:
        >>> import polars as pl, llmsweep as ls
        >>> setups = pl.DataFrame({"model": ["llama3.1-70b"] * 2, "accelerator": ["h100-sxm-80"] * 2,
        ...                        "tensor_parallel": [1, 4]})
        >>> ls.evaluate(setups, phase="inference")["feasible"].to_list()
        [False, True]
    """
    if isinstance(frame, pl.DataFrame):
        # The core takes names as strings; an Enum travels as a dictionary.
        frame = frame.cast({pl.Categorical: pl.String, pl.Enum: pl.String})
    text, file = (None, "<spec>") if within is None else read_spec(within)
    return to_frame(_core.evaluate(open_catalog(catalog), phase, frame, columns, within=text, file=file))


def explain(spec: Spec, row_id: int = 0, *, catalog: Iterable[str | os.PathLike[str]] = ()) -> Explanation:
    """Every term of one row's time, memory and cost.

    Args:
        spec: As for `sweep`.
        row_id: Number of the row, from the ``row_id`` column.
        catalog: Further catalogue folders.

    Returns:
        The setup, whether it is feasible, and sections of terms, each with value, unit, formula and numbers: the
        same that `sweep` used.

    Raises:
        SpecError: The specification is wrong, or it has no such row.
    """
    return cast(Explanation, json.loads(compile_sweep(spec, catalog).explain(row_id)))
