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


def test_setups_with_traffic_of_their_own() -> None:
    base = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
    traffic = {"concurrency": [16, 1, 1], "arrival_rate_per_s": [0.0, 4.0, 1e6], "input_tokens_cv": [0.0, 1.0, 1.0]}
    setups = pl.DataFrame(traffic).with_columns(pl.lit(value).alias(name) for name, value in base.items())
    columns = ["reject", "saturated", "running_requests", "max_requests_per_s", "ttft_s", "ttft_p99_s"]
    rows = ls.evaluate(setups.with_columns(slo_ttft_s=pl.lit(1.0)), phase="inference", columns=columns)
    assert rows["reject"].cast(pl.String).to_list() == [None, None, "overloaded"]
    assert rows["saturated"].to_list() == [False, False, True]
    assert rows["running_requests"][0] == 16
    assert rows["max_requests_per_s"].is_null().to_list() == [True, False, True]
    assert (rows["ttft_p99_s"] > rows["ttft_s"]).to_list() == [True, True, None]


def test_a_file_of_lengths_lies_beside_its_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lengths.csv").write_text("input_tokens,output_tokens\n100,20\n300,20\n")
    spec = {"schema": 1, "phase": "inference", "axes": {"model": "llama3.1-8b", "accelerator": "l40s"}}
    monkeypatch.chdir(tmp_path)
    rows = ls.sweep({**spec, "workload": {"lengths": "lengths.csv"}})
    assert rows.select("input_tokens", "input_tokens_cv", "output_tokens").row(0) == (200, 0.5, 20)
    path = tmp_path / "sweep.toml"
    axes = 'model = "llama3.1-8b"\naccelerator = "l40s"\n'
    path.write_text(f'schema = 1\nphase = "inference"\n[axes]\n{axes}[workload]\nlengths = "lengths.csv"\n')
    monkeypatch.chdir("/")
    assert ls.sweep(path).equals(rows)
    with pytest.raises(ls.SpecError, match=r'workload.lengths: there is no file "gone.csv"'):
        ls.sweep({**spec, "workload": {"lengths": "gone.csv"}})
