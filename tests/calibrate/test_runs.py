"""Constants of software come back from runs that were made with them."""

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest

from llmsweep.calibrate.runs import override
from llmsweep.calibrate.runs.session import Runs, calibrate
from llmsweep.calibrate.runs.terms import SERVING, TIME, TRAINING, Term, terms
from llmsweep.calibrate.runs.text import as_json, lines
from llmsweep.errors import DataError
from llmsweep.validate import validate
from support import ROOT, Run

HOST = Term("systems/serving", ("host_step_s",), "", TIME)
CLOCK = Term("efficiency/hopper", ("training_clock",), "", TIME)


def serving(rows: int = 24) -> pl.DataFrame:
    """Single streams of a small model, whose steps are short enough that the host shows."""
    return pl.DataFrame(
        {
            "id": [f"run-{index}" for index in range(rows)],
            "source": ["mine"] * rows,
            "accelerator_id": ["h100-sxm-80"] * rows,
            "model_id": ["llama3.1-8b"] * rows,
            "engine_id": ["vllm"] * rows,
            "precision_id": [("bf16", "fp8")[index % 2] for index in range(rows)],
            "scenario": ["static-batch"] * rows,
            "tp": [2 ** (index % 3) for index in range(rows)],
            "n_devices": [2 ** (index % 3) for index in range(rows)],
            "batch_or_concurrency": [1.0 + index for index in range(rows)],
            "isl": [128.0 + 64 * index for index in range(rows)],
            "osl": [128.0] * rows,
            "tpot_ms": [1000.0] * rows,
        }
    )


def training(rows: int = 12) -> pl.DataFrame:
    published = tomllib.loads((ROOT / "tests" / "validation" / "published.toml").read_text(encoding="utf-8"))
    row = next(row for row in published["training"] if row["accelerator_id"] == "h100-sxm-80" and row["scorable"])
    frame = pl.concat([pl.DataFrame([row], infer_schema_length=None)] * rows)
    batches = pl.Series("global_batch", [row["global_batch"] * (1 + index) for index in range(rows)])
    return frame.with_columns(pl.format("{}-{}", "id", pl.int_range(pl.len())).alias("id"), batches)


def made_with(frame: pl.DataFrame, values: dict[Term, float], column: str, unit: float, folder: Path) -> Path:
    """The frame with what the model says with other constants in the place of what was measured."""
    override.write(values, folder / "truth", ())
    answers = validate(frame, catalog=[folder / "truth"]).unique(["id"]).select("id", "predicted")
    assert answers["predicted"].null_count() == 0
    measured = frame.drop(column).join(answers, on="id").with_columns((pl.col("predicted") / unit).alias(column))
    path = folder / "runs.parquet"
    measured.drop("predicted").write_parquet(path)
    return path


def test_a_host_time_comes_back(tmp_path: Path) -> None:
    path = made_with(serving(), {HOST: 1.6e-3}, "tpot_ms", 1e-3, tmp_path)
    found = calibrate([path])
    constants = {".".join(item.term.path): item for item in found.constants}
    host = constants["host_step_s"]
    assert not host.kept
    assert host.value == pytest.approx(1.6e-3, rel=0.25)
    assert constants["first_token_s"].kept
    assert found.after[0] < 0.5 * found.before[0]
    assert found.folds == "a fifth of the runs at a time"


def test_a_clock_comes_back(tmp_path: Path) -> None:
    frame = training()
    if "iter_s" not in frame.columns:
        frame = frame.with_columns(pl.lit(1.0).alias("iter_s"))
    path = made_with(frame, {CLOCK: 0.75}, "iter_s", 1.0, tmp_path)
    found = calibrate([path])
    clock = next(item for item in found.constants if item.term.path == ("training_clock",))
    assert clock.value == pytest.approx(0.75, rel=0.06)
    assert found.after[0] < found.before[0]


def test_the_folder_that_is_written_is_a_catalogue(llmsweep: Run, tmp_path: Path) -> None:
    path = made_with(serving(), {HOST: 1.6e-3}, "tpot_ms", 1e-3, tmp_path)
    done = llmsweep("calibrate", "runs", path, "-o", "mine", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    value = next(item["value"] for item in found["constants"] if item["key"] == "host_step_s")
    written = (tmp_path / "mine" / "systems" / "serving.toml").read_text(encoding="utf-8")
    assert tomllib.loads(written)["host_step_s"] == pytest.approx(value, rel=1e-4)
    assert "# " in written
    assert validate([path], catalog=[tmp_path / "mine"])["predicted"].null_count() == 0
    shown = llmsweep("calibrate", "runs", path)
    assert "host_step_s" in shown.stdout


def test_a_stack_has_its_constants_where_they_stand() -> None:
    rows = pl.DataFrame(
        {"kind": ["training"] * 2, "stack": ["megatron-core", None], "accelerator": ["h100-sxm-80"] * 2}
    )
    rows = rows.with_columns(pl.lit("megatron").alias("engine"))
    found = {term.path: term for term in terms(rows, {}, override.entry_files("stack", ()), {})}
    overlap = found["stack", "megatron-core", "tensor_exposed_overlapped"]
    assert overlap.file == "stacks/megatron"
    assert override.value(overlap, ()) == pytest.approx(0.23)
    assert override.value(found["stack", "megatron-core", "host_launch_s"], ()) is None
    (text,) = override.texts({overlap: 0.3}, ()).values()
    shares = {entry["id"]: entry.get("tensor_exposed_overlapped") for entry in tomllib.loads(text)["stack"]}
    assert (shares["megatron-core"], shares["megatron-core-2026"]) == (0.3, 0.23)


def test_runs_follow_the_constant_of_their_stack(tmp_path: Path) -> None:
    software = {"framework_id": "megatron", "framework": "NeMo 24.07", "date": "2024-08"}
    frame = training(2).with_columns(tp=pl.lit(8), **{name: pl.lit(value) for name, value in software.items()})
    key = "tensor_exposed_overlapped"
    moved = {}
    for name, term in {
        "stack": Term("stacks/megatron", ("stack", "megatron-core", key), "", TIME),
        "defaults": Term("systems/training", (key,), "", TIME),
    }.items():
        override.write({term: 0.6}, tmp_path / name, ())
        moved[name] = validate(frame, catalog=[tmp_path / name])["predicted"]
    shipped = validate(frame)["predicted"]
    assert (moved["stack"] > 1.05 * shipped).all()
    assert (moved["defaults"] == shipped).all()


@pytest.mark.parametrize("term", [*TRAINING, *SERVING])
def test_every_term_stands_in_the_catalogue(term: Term) -> None:
    shipped = override.value(term, ())
    assert shipped is not None
    (text,) = override.texts({term: 0.5 * shipped}, ()).values()
    item = tomllib.loads(text)
    for key in term.path:
        item = item[key]
    assert item == pytest.approx(0.5 * shipped, rel=1e-4)


def test_too_few_runs_are_refused(tmp_path: Path) -> None:
    serving(3).write_parquet(tmp_path / "runs.parquet")
    with pytest.raises(DataError, match="3 measurements can be used, 5 are needed"):
        calibrate([tmp_path / "runs.parquet"])
    unknown = serving(8).with_columns(pl.lit("abacus").alias("accelerator_id"))
    unknown.write_parquet(tmp_path / "runs.parquet")
    with pytest.raises(DataError, match='0 measurements can be used, 5 are needed: the accelerator "abacus" is not in'):
        calibrate([tmp_path / "runs.parquet"])


def test_wrong_output(llmsweep: Run, tmp_path: Path) -> None:
    serving().write_parquet(tmp_path / "runs.parquet")
    done = llmsweep("calibrate", "runs", "runs.parquet", "-o", "mine.toml")
    assert done.returncode == 2
    assert "is a file, but constants of several files are written: name a folder" in done.stderr


def test_text_says_when_nothing_is_gained() -> None:
    found = Runs([], 7, 1, "a fifth of the runs at a time", (0.1, 0.2), (0.1, 0.2))
    assert "more runs are needed" in list(lines(found))[-1]
    assert as_json(found)["before"] == {"median": 0.1, "p90": 0.2}
