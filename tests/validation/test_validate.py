"""`llmsweep validate` on an extract of published rows: the contract, generous figures, refusals, wrong input."""

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llmsweep.errors import DataError
from llmsweep.validate import validate
from llmsweep.validate.intervals import add, dump, held_out, learn, load
from llmsweep.validate.models import Models, from_shape, guessed, shortened
from llmsweep.validate.predict import NEAREST, changed
from llmsweep.validate.quantities import columns
from llmsweep.validate.score import board
from support import ROOT, Run

PUBLISHED = tomllib.loads((ROOT / "tests" / "validation" / "published.toml").read_text(encoding="utf-8"))
KINDS = ("training", "memory", "inference", "serving")
# Generous: a quarter to a half above what the whole files give (docs/accuracy.md).
LIMITS = {"step_time_s": 0.2, "peak_memory_bytes": 0.2, "tpot_s": 0.25, "output_tokens_per_s": 0.3, "e2e_s": 0.3}


def frame(kind: str) -> pl.DataFrame:
    return pl.DataFrame(PUBLISHED[kind], infer_schema_length=None)


@cache
def predicted(kind: str) -> pl.DataFrame:
    return validate(frame(kind))


@cache
def everything() -> pl.DataFrame:
    return pl.concat([predicted(kind) for kind in KINDS])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{kind}.parquet" for kind in KINDS]
    for kind, path in zip(KINDS, paths, strict=True):
        frame(kind).write_parquet(path)
    return paths


def test_every_row_names_its_source() -> None:
    assert all(row.get("source") for kind in KINDS for row in PUBLISHED[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_per_measured_quantity_answered_or_refused(kind: str) -> None:
    rows = predicted(kind)
    assert rows.select("id", "quantity").is_unique().all()
    assert set(rows["id"]) == set(frame(kind)["id"])
    assert rows.filter(pl.col("predicted").is_null() & pl.col("reject").is_null()).is_empty()
    answered = rows.filter(pl.col("predicted").is_not_null())
    assert answered.height >= 0.95 * rows.height
    assert (answered["predicted"] > 0).all()
    assert (answered["predicted_p10"] < answered["predicted"]).all()
    assert (answered["predicted_p90"] > answered["predicted"]).all()
    assert answered["provenance"].is_in(["calibrated", "transferred", "datasheet"]).all()


@pytest.mark.parametrize(("quantity", "limit"), LIMITS.items())
def test_predictions_are_near(quantity: str, limit: float) -> None:
    medians = [entry["median"] for entry in board(everything())["quantities"] if entry["quantity"] == quantity]
    assert medians
    assert max(medians) <= limit


def test_a_substituted_layout_is_marked_and_counted() -> None:
    asked = frame("inference").filter("scorable", precision_id="fp8").head(1)
    unsupported = asked.with_columns(pl.lit("a100-sxm-80").alias("accelerator_id"))
    assert validate(asked)["substituted"].null_count() == validate(asked).height
    rows = validate(unsupported)
    assert (rows["substituted"] == "precision_unsupported").all()
    assert board(rows)["substituted"] == 1


def test_embedding_and_head_stand_for_layers_where_chunks_need_them() -> None:
    """128 chunks for the 126 layers of Llama-3.1-405B; 512 chunks are cut to what the layers allow."""
    layouts = pl.DataFrame({"_row": [0, 1], "model_layers": [126, 126], "pipeline_parallel": [16, 16]})
    layouts = layouts.with_columns(virtual_pipeline=pl.Series([8, 32]), embedding_as_layers=pl.lit(value=False))
    nearest = changed(layouts, layouts.select("_row"), NEAREST["pipeline_too_deep"])
    assert nearest["virtual_pipeline"].to_list() == [8, 7]
    assert nearest["embedding_as_layers"].to_list() == [True, False]


def test_all_together_are_within_a_fifth() -> None:
    rows = everything().filter("scorable", ~pl.col("impossible"), pl.col("measured").is_not_null())
    error = (rows["predicted"] / rows["measured"] - 1).abs()
    assert float(error.drop_nulls().quantile(0.5) or 1) <= 0.2


def test_what_beats_physics_is_refused_but_predicted() -> None:
    rows = everything().filter("impossible")
    assert rows.height == 4
    assert rows["reject"].str.contains("beats the physical bound").all()
    assert rows["predicted"].is_not_null().all()


def test_a_run_that_ran_out_is_a_row() -> None:
    (row,) = predicted("memory").filter("ran_out").to_dicts()
    assert row["predicted"] > 0
    assert not row["scorable"]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"model_id": "nonesuch"}, '"nonesuch" is not in the catalogue'),
        ({"accelerator_id": "abacus"}, '"abacus" is not in the catalogue'),
        ({"accelerator_id": None}, "no accelerator"),
        ({"precision_id": "fp9"}, '"fp9"'),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"isl": None}, "input tokens"),
        ({"tensor_parallel": 7}, "divide the attention heads"),
    ],
)
def test_a_row_that_cannot_be_answered_says_why(changes: dict[str, Any], part: str) -> None:
    good = frame("serving").head(2)
    bad = good.with_row_index("n").with_columns(
        pl.when(pl.col("n") == 0).then(pl.lit(value)).otherwise(pl.col(name)).cast(good[name].dtype).alias(name)
        for name, value in changes.items()
    )
    rows = validate(bad)
    refused = rows.filter(pl.col("id") == good["id"][0])
    assert refused["predicted"].is_null().all()
    assert all(part in sentence for sentence in refused["reject"])
    assert rows.filter(pl.col("id") == good["id"][1])["predicted"].is_not_null().all()


def test_numbers_that_are_none_are_not_measured() -> None:
    rows = validate(frame("training").head(2).with_columns(pl.lit(float("nan")).alias("iter_s")))
    assert rows["measured"].is_finite().all()


def test_rows_that_are_not_scorable_are_answered_and_left_out() -> None:
    rows = validate(frame("training").with_columns(pl.lit(value=False).alias("scorable")))
    assert rows["predicted"].is_not_null().any()
    assert board(rows)["scored"] == 0


def test_a_model_of_its_own_shape_and_a_shortened_one() -> None:
    entry, _ = from_shape(guessed({"model": "mine-13b", "hidden": 5120, "vocab": 50257}, None))
    assert entry is not None
    assert (entry["layers"], entry["attention"]["heads"]) == (41, 40)
    assert from_shape({"model": "mine"})[0] is None
    short = shortened(Models.read().known["deepseek-v3"], 4)
    assert (short["layers"], short["moe"]["first_dense_layers"]) == (4, 1)


def test_intervals_are_learnt_without_the_row_s_own_source(tmp_path: Path) -> None:
    count = 40
    rows = pl.DataFrame(
        {
            "kind": ["training"] * 2 * count,
            "quantity": ["step_time_s"] * 2 * count,
            "experts": [False] * 2 * count,
            "software": ["megatron"] * 2 * count,
            "group": ["exact"] * count + ["twice"] * count,
            "measured": [1.0] * 2 * count,
            "predicted": [1.0] * count + [2.0] * count,
            "scorable": [True] * 2 * count,
            "impossible": [False] * 2 * count,
        }
    )
    apart = held_out(rows)
    inside = apart["measured"].is_between(apart["predicted_p10"], apart["predicted_p90"])
    assert inside.to_list() == [True] * count + [False] * count
    (tmp_path / "intervals.toml").write_text(dump(learn(rows), ["a note"]), encoding="utf-8")
    again = add(rows, load(tmp_path / "intervals.toml"))
    assert again["measured"].is_between(again["predicted_p10"] * 0.999, again["predicted_p90"]).all()


def test_the_command_writes_predictions_and_prints_the_scoreboard(
    llmsweep: Run, files: list[Path], tmp_path: Path
) -> None:
    done = llmsweep("validate", *files, "-o", "pred.parquet", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {entry["kind"] for entry in found["quantities"]} == set(KINDS)
    assert len(found["worst"]) == 10
    pred = pl.read_parquet(tmp_path / "pred.parquet")
    assert tuple(pred.columns) == columns()
    assert pred.schema["predicted"] == pl.Float64
    text = llmsweep("validate", *files)
    assert "Furthest off" in text.stdout
    assert text.returncode == 0


BROKEN: dict[str, tuple[pl.DataFrame | None, str]] = {
    "no parquet": (None, "can't be read as parquet"),
    "no kind": (pl.DataFrame({"id": ["a"]}), "no kind of measurements"),
    "no column": (frame("serving").drop("model_id"), '"model_id"'),
    "text": (frame("serving").with_columns(pl.lit("many").alias("concurrency")), '"many"'),
    "lists": (frame("serving").with_columns(pl.lit([1]).alias("isl")), '"isl"'),
    "no rows": (frame("training").clear(), "has no rows"),
    "no id": (frame("training").with_columns(pl.lit(None, pl.String).alias("id")), '"id"'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_cannot_be_used(llmsweep: Run, tmp_path: Path, name: str) -> None:
    table, part = BROKEN[name]
    if table is None:
        (tmp_path / "bad.parquet").write_text("not a table")
    else:
        table.write_parquet(tmp_path / "bad.parquet")
        with pytest.raises(DataError):
            validate(table)
    done = llmsweep("validate", "bad.parquet", "-o", "pred.parquet")
    assert done.returncode == 4, done.stderr
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("Error: ")
    assert part in sentence
    assert not (tmp_path / "pred.parquet").exists()


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (("validate",), "FILE.parquet"),
        (("validate", "missing.parquet"), "missing.parquet"),
        (("validate", "training.parquet", "-o", "no/such/pred.parquet"), "does not exist"),
        (("validate", "training.parquet", "-o", "pred.xlsx"), ".parquet"),
        (("validate", "training.parquet", "--catalog", "nowhere"), "nowhere"),
    ],
)
@pytest.mark.usefixtures("files")
def test_wrong_usage(llmsweep: Run, args: tuple[str, ...], part: str) -> None:
    done = llmsweep(*args)
    assert done.returncode == 2, done.stderr
    assert part in done.stderr
    assert "Traceback" not in done.stderr
