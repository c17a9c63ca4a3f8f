"""`llmsweep run` through the installed command."""

import json
from pathlib import Path

import polars as pl
import pytest

from support import Run


def test_front_on_stdout_counts_on_stderr(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve)
    assert done.returncode == 0, done.stderr
    assert "tokens per" in done.stdout
    assert "bottleneck" in done.stdout
    assert "model=llama3.1-8b" in done.stdout
    counts, *reasons = done.stderr.splitlines()
    assert counts.startswith("84 configurations, ")
    assert " on the front, " in counts
    assert reasons
    assert all(line.startswith(("rejected", "unranked")) for line in reasons)


def test_training(llmsweep: Run, train: Path) -> None:
    done = llmsweep("run", train, "-o", "front.parquet")
    assert done.returncode == 0, done.stderr
    assert "48 configurations" in done.stderr
    assert pl.read_parquet(train.parent / "front.parquet")["feasible"].all()


def test_table_fits_the_terminal(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, COLUMNS="90")
    assert max(map(len, done.stdout.splitlines())) <= 90


def test_terminals_without_box_lines_get_a_table_too(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0, done.stderr
    assert "???" in done.stdout


def test_quiet_keeps_the_counts_only(llmsweep: Run, serve: Path) -> None:
    assert len(llmsweep("run", serve, "-q").stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "read"), [("a.parquet", pl.read_parquet), ("a.csv", pl.read_csv), ("a.json", pl.read_json)]
)
def test_every_format_holds_the_front(llmsweep: Run, serve: Path, name: str, read: object) -> None:
    assert callable(read)
    stats = serve.parent / "stats.json"
    done = llmsweep("run", serve, "-o", name, "--stats", stats)
    assert done.returncode == 0, done.stderr
    assert read(serve.parent / name).height == json.loads(stats.read_text())["front"]


def test_all_writes_infeasible_rows_with_their_reason(llmsweep: Run, serve: Path) -> None:
    assert llmsweep("run", serve, "--all", "-o", "all.parquet", "--stats", "stats.json").returncode == 0
    rows = pl.read_parquet(serve.parent / "all.parquet")
    stats = json.loads((serve.parent / "stats.json").read_text())
    assert rows.height == stats["configurations"] == 84
    assert rows["row_id"].to_list() == list(range(84))
    assert rows["reject"].drop_nulls().len() == sum(stats["rejected"].values()) > 0
    assert rows.filter("feasible")["reject"].null_count() == rows["feasible"].sum()
    assert stats["peak_rss_bytes"] > 1e6


def test_all_with_where_and_columns(llmsweep: Run, serve: Path) -> None:
    done = llmsweep(
        "run", serve, "--all", "--where", "tensor_parallel = 3", "--columns", "row_id,reject", "-o", "three.csv"
    )
    assert done.returncode == 3
    rows = pl.read_csv(serve.parent / "three.csv")
    assert rows.columns == ["row_id", "reject"]
    assert rows.height == 28


def test_where_takes_the_front_of_the_rows_that_meet_it(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--where", "accelerator LIKE 'l40%' AND tensor_parallel < 2", "-o", "front.parquet")
    assert done.returncode == 0, done.stderr
    front = pl.read_parquet(front_path := serve.parent / "front.parquet")
    assert front_path.exists()
    assert set(front["accelerator"].cast(pl.String)) == {"l40s"}
    assert " selected, " in done.stderr
    alone = llmsweep("run", serve, "--set", "accelerator=l40s", "--set", "tensor_parallel=1", "-o", "alone.parquet")
    assert alone.returncode == 0, alone.stderr
    names = ["precision", "concurrency", "usd_per_million_tokens"]
    same = pl.read_parquet(serve.parent / "alone.parquet").select(names)
    assert front.select(names).rows() == same.rows()


def test_top_orders_by_a_column(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--top", "5", "--by", "memory_bytes:desc", "--columns", "memory_bytes", "-o", "t.csv")
    assert done.returncode == 0, done.stderr
    values = pl.read_csv(serve.parent / "t.csv")["memory_bytes"].to_list()
    assert len(values) == 5
    assert values == sorted(values, reverse=True)


def test_set_replaces_an_axis_or_a_workload_value(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--set", "concurrency=1,2", "--set", "output_tokens=64", "--set", "precision=bf16")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("12 configurations")


def test_output_is_replaced_whole(llmsweep: Run, serve: Path) -> None:
    target = serve.parent / "out.csv"
    target.write_text("old")
    assert llmsweep("run", serve, "-o", target).returncode == 0
    assert target.read_text().startswith("row_id")
    assert sorted(path.name for path in serve.parent.iterdir() if path.is_file()) == ["out.csv", "serve.toml"]


def test_row_numbers_are_those_that_explain_takes(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--top", "1", "--by", "tpot_s", "--columns", "row_id,tpot_s", "-o", "best.json")
    assert done.returncode == 0, done.stderr
    (best,) = json.loads((serve.parent / "best.json").read_text())
    told = llmsweep("explain", serve, str(best["row_id"]), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["feasible"]
