"""The Python surface over the real core."""

from pathlib import Path

import polars as pl
import pytest

import llmsweep as ls
from support import plain

SETUP = {"model": "llama3.1-8b", "accelerator": ["h100-sxm-80", "l40s"], "tensor_parallel": [1, 3]}
SPEC: dict[str, object] = {"schema": 1, "phase": "inference", "axes": SETUP}


def test_a_path_its_text_and_its_mapping_are_one_sweep(serve: Path) -> None:
    by_path = ls.sweep(serve, keep="all")
    assert by_path.height == 84
    assert ls.sweep(str(serve), keep="all").equals(by_path)
    assert ls.sweep(serve.read_text(), keep="all").equals(by_path)


def test_keep() -> None:
    rows = ls.sweep(SPEC, keep="all")
    assert rows["row_id"].to_list() == [0, 1, 2, 3]
    feasible = ls.sweep(SPEC)
    assert plain(feasible).equals(plain(rows.filter("feasible")))
    front = ls.sweep(SPEC, keep="front")
    assert set(front["row_id"]) <= set(feasible["row_id"])


def test_columns_are_those_asked_for_in_that_order() -> None:
    names = ["tpot_s", "accelerator", "row_id"]
    assert ls.sweep(SPEC, columns=names).columns == names


def test_labels_are_enums_and_quantities_never_nan() -> None:
    rows = ls.sweep(SPEC, keep="all")
    assert isinstance(rows["accelerator"].dtype, pl.Enum)
    assert isinstance(rows["reject"].dtype, pl.Enum)
    numbers = rows.select(pl.col(pl.Float64))
    assert not numbers.select(pl.all().is_nan().any() | pl.all().is_infinite().any()).row(0).count(True)


def test_the_front_of_a_sweep_is_the_pareto_of_its_rows(serve: Path) -> None:
    rows = ls.sweep(serve)
    front = ls.pareto(rows, minimize=["usd_per_million_tokens"], maximize=["tokens_per_s_per_user"])
    assert front["row_id"].to_list() == ls.sweep(serve, keep="front")["row_id"].to_list()


def test_evaluate_is_the_sweep_row_by_row(serve: Path) -> None:
    rows = ls.sweep(serve, keep="all")
    axes = [axis["name"] for axis in ls.registry()["axes"] if "inference" in axis["phases"]]
    again = ls.evaluate(rows.select(axes), phase="inference")
    shared = [name for name in rows.columns if name != "row_id"]
    assert plain(rows.select(shared)).equals(plain(again.select(shared)))


def test_evaluate_keeps_the_order_of_the_rows() -> None:
    frame = pl.DataFrame({"model": "llama3.1-8b", "accelerator": ["l40s", "h100-sxm-80", "l40s"]})
    names = ls.evaluate(frame, phase="inference", columns=["accelerator"])["accelerator"].to_list()
    assert names == ["l40s", "h100-sxm-80", "l40s"]


def test_evaluate_refuses_what_is_no_axis() -> None:
    frame = pl.DataFrame({"model": ["llama3.1-8b"], "accelerator": ["l40s"], "tensor_paralel": [1]})
    with pytest.raises(ls.DataError, match="tensor_parallel"):
        ls.evaluate(frame, phase="inference")


def test_explain_tells_the_row_that_sweep_gave() -> None:
    told = ls.explain(SPEC, 0)
    row = ls.sweep(SPEC, keep="all").row(0, named=True)
    assert told["feasible"] == row["feasible"]
    assert told["setup"]["accelerator"] == row["accelerator"]
    assert told["sections"]
    assert all(section["terms"] for section in told["sections"])


def test_errors_are_value_errors() -> None:
    with pytest.raises(ValueError, match="tensor_parallel"):
        ls.sweep({**SPEC, "axes": {**SETUP, "tensor_paralel": 1}})
    with pytest.raises(ls.CatalogError, match="nowhere"):
        ls.sweep(SPEC, catalog=["nowhere"])
    with pytest.raises(FileNotFoundError):
        ls.sweep("missing.toml")


def test_progress_counts_up_to_all(serve: Path) -> None:
    seen: list[tuple[int, int]] = []
    ls.sweep(serve, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert all(total == 84 for _, total in seen)
    assert not seen or seen[-1] == (84, 84)


def test_an_error_in_progress_ends_the_sweep(serve: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise RuntimeError(f"stopped at {done} of {total}")

    with pytest.raises(RuntimeError, match="stopped at"):
        ls.sweep(serve, progress=stop)


def test_threads_do_not_change_rows(serve: Path) -> None:
    assert ls.sweep(serve, keep="all", threads=1).equals(ls.sweep(serve, keep="all", threads=2))
