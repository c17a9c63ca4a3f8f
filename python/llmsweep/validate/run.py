"""Files of measurements in, predictions out."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.api import open_catalog
from llmsweep.errors import DataError
from llmsweep.validate import engines, inference, intervals, memory, stacks, training
from llmsweep.validate.kinds import Kind
from llmsweep.validate.models import Models
from llmsweep.validate.predict import Core
from llmsweep.validate.quantities import measured
from llmsweep.validate.read import read, tidy

TRAINING = ("step_time_s", "step_time_s_bound", "micro_batches", *memory.COLUMNS)
INFERENCE = ("ttft_s", "ttft_s_bound", "tpot_s", "tpot_s_bound", "e2e_s", "tokens_per_s", "prefill_time_s")


def validate(
    files: Sequence[str | os.PathLike[str]] | pl.DataFrame, *, catalog: Iterable[str | os.PathLike[str]] = ()
) -> pl.DataFrame:
    """Predicts what files of measurements measured.

    Args:
        files: Parquet files, or one frame with the columns of such a file; the kind is recognised by its columns.
        catalog: Further catalogue folders.

    Returns:
        A row per measured quantity: `quantities.columns()`, then what the scoreboard groups by.

    Raises:
        DataError: A file can't be used; the sentence says why.
    """
    folders = tuple(Path(folder) for folder in catalog)
    models = Models.read(folders)
    chips = accelerators(folders)
    inputs = [tidy(files, "frame")] if isinstance(files, pl.DataFrame) else [read(Path(file)) for file in files]
    if not inputs:
        raise DataError("there is no file to validate against")
    parts = [one(kind, frame, models, chips, folders) for kind, frame in inputs]
    return intervals.add(pl.concat(parts))


def accelerators(folders: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Every accelerator of the catalogue in full, by id."""
    catalog = open_catalog(folders)
    ids = [entry["id"] for entry in json.loads(catalog.list("accelerators"))]
    return {name: json.loads(catalog.show("accelerators", name)) for name in ids}


def one(
    kind: Kind, frame: pl.DataFrame, models: Models, chips: dict[str, dict[str, Any]], folders: tuple[Path, ...]
) -> pl.DataFrame:
    """Predictions for one file."""
    core = Core(folders, models)
    if kind.phase == "training":
        cases = training.cases(frame, kind.name, models, chips, stacks.read(folders))
        answers = core.answer(named(cases, ["step_time_s"]), "training", training.AXES, TRAINING)
        answers = restored(answers, ["step_time_s"])
        if kind.name == "memory":
            answers = answers.with_columns(memory.counted())
        return measured(answers, kind.name)
    quantities = ["ttft_s", "tpot_s", "e2e_s"]
    if kind.name == "inference":
        cases = inference.cases(frame, models, chips, engines.read(folders))
        return measured(
            restored(core.answer(named(cases, quantities), "inference", inference.AXES, INFERENCE), quantities),
            kind.name,
        )
    cases = inference.deployments(frame, models, chips, engines.read(folders))
    axes = (*inference.AXES, *inference.POOLS)
    answers = restored(core.answer(named(cases, quantities), "inference", axes, INFERENCE), quantities)
    return measured(answers, kind.name)


def named(cases: pl.DataFrame, quantities: Sequence[str]) -> pl.DataFrame:
    """Sets measurements aside, so that the core's columns of the same name have room."""
    return cases.rename({name: f"{name}_measured" for name in quantities if name in cases.columns})


def restored(answers: pl.DataFrame, quantities: Sequence[str]) -> pl.DataFrame:
    """Puts them back; the core's get the ending ``_core``."""
    answers = answers.rename({name: f"{name}_core" for name in quantities if name in answers.columns})
    return answers.rename({f"{name}_measured": name for name in quantities if f"{name}_measured" in answers.columns})
