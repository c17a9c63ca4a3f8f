"""Shards joined again are the whole."""

import io
import itertools
import json
import random
import re
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import polars as pl
import pytest

from llmsweep.cli import main
from support import Run

PUSHED = ["--where", "ttft_s < 0.2 AND precision = 'fp8'"]
PARTLY = ["--where", "tokens_per_s_per_user < 200 AND accelerator LIKE 'h%'"]
NOT_PUSHED = ["--where", "tpot_s * 1000 < concurrency"]
WHERES = {"": [], "pushed": PUSHED, "partly": PARTLY, "not-pushed": NOT_PUSHED}
ASKED = {
    "front": [],
    "top": ["--top", "7", "--by", "ttft_s:desc"],
    "all": ["--all"],
    "columns": ["--all", "--columns", "accelerator,row_id,reject"],
}


@pytest.fixture
def llmsweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command within this process, which is faster than a process for each of hundreds of shards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = main([str(arg) for arg in args])
        return subprocess.CompletedProcess(args, code, out.getvalue(), err.getvalue())

    return run


def outputs(llmsweep: Run, sweep: Path, number: int, options: list[str]) -> list[Path]:
    paths = []
    for shard in range(1, number + 1):
        path = sweep.parent / f"shard-{shard}-of-{number}.parquet"
        done = llmsweep("run", sweep, *options, "--shard", f"{shard}/{number}", "-o", path)
        assert done.returncode in (0, 3), done.stderr
        paths.append(path)
    return paths


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("number", [1, 2, 7])
def test_joined_shards_are_the_whole(llmsweep: Run, serve: Path, asked: str, where: str, number: int) -> None:
    options = [*ASKED[asked], *WHERES[where]]
    whole = llmsweep("run", serve, *options, "-o", "whole.parquet", "--stats", "whole.json")
    assert whole.returncode == 0, whole.stderr
    paths = outputs(llmsweep, serve, number, options)
    random.Random(number).shuffle(paths)  # noqa: S311 - any order
    merged = llmsweep("merge", *paths, "-o", "merged.parquet")
    assert merged.returncode == 0, merged.stderr
    frame = pl.read_parquet(serve.parent / "merged.parquet")
    assert frame.equals(pl.read_parquet(serve.parent / "whole.parquet"))
    assert frame.height > 1
    if "--all" not in options:
        # The table is the same too, and the counts but for the seconds.
        assert merged.stdout.splitlines()[-1].split()[0] == whole.stdout.splitlines()[-1].split()[0]
        assert counts(merged.stderr) == counts(whole.stderr)


def counts(messages: str) -> list[str]:
    first, *rest = messages.splitlines()
    return [re.sub(r", [\d.]+ s$", "", first), *rest]


@pytest.mark.parametrize("asked", ["front", "all"])
def test_merged_files_merge_again(llmsweep: Run, serve: Path, asked: str) -> None:
    options = ASKED[asked]
    paths = outputs(llmsweep, serve, 4, options)
    assert llmsweep("merge", *paths, "-o", "once.parquet").returncode == 0
    once = pl.read_parquet(serve.parent / "once.parquet")
    assert llmsweep("merge", "once.parquet", "-o", "twice.parquet").returncode == 0
    assert once.equals(pl.read_parquet(serve.parent / "twice.parquet"))


@pytest.mark.parametrize("asked", ["front", "top", "all"])
def test_a_tree_of_merges_is_one_merge(llmsweep: Run, serve: Path, asked: str) -> None:
    paths = outputs(llmsweep, serve, 5, ASKED[asked])
    assert llmsweep("merge", *paths, "-o", "flat.parquet").returncode == 0
    for name, branch in (("left", paths[:2]), ("right", paths[2:])):
        done = llmsweep("merge", *branch, "--partial", "-o", f"{name}.parquet")
        assert done.returncode == 0, done.stderr
    assert llmsweep("merge", "right.parquet", "left.parquet", "-o", "tree.parquet").returncode == 0
    folder = serve.parent
    assert (folder / "tree.parquet").read_bytes() == (folder / "flat.parquet").read_bytes()
    holed = llmsweep("merge", paths[0], paths[2], "--partial", "-o", "holed.parquet")
    assert (holed.returncode, holed.stdout) == (4, "")
    assert "a part is missing" in holed.stderr
    assert llmsweep("merge", "left.parquet", "-o", "half.parquet").returncode == 4
    assert llmsweep("merge", *paths[:2], "--partial").returncode == 2


@pytest.mark.parametrize("asked", ["front", "top", "all"])
def test_more_shards_than_rows(llmsweep: Run, serve: Path, asked: str) -> None:
    options = ["--set", "concurrency=1", "--set", "tensor_parallel=1", "--set", "precision=fp8", *ASKED[asked]]
    paths = outputs(llmsweep, serve, 5, options)
    done = llmsweep("merge", *paths, "-o", "merged.parquet")
    assert done.returncode == 0, done.stderr
    assert llmsweep("run", serve, *options, "-o", "whole.parquet").returncode == 0
    whole = pl.read_parquet(serve.parent / "whole.parquet")
    assert whole.equals(pl.read_parquet(serve.parent / "merged.parquet"))


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_merged_rows_in_other_formats(llmsweep: Run, serve: Path, suffix: str) -> None:
    for asked in ("front", "all"):
        paths = outputs(llmsweep, serve, 2, ASKED[asked])
        assert llmsweep("merge", *paths, "-o", f"merged.{suffix}").returncode == 0
        assert llmsweep("run", serve, *ASKED[asked], "-o", f"whole.{suffix}").returncode == 0
        assert (serve.parent / f"merged.{suffix}").read_text() == (serve.parent / f"whole.{suffix}").read_text()


@pytest.fixture
def shards(llmsweep: Run, serve: Path) -> list[Path]:
    return outputs(llmsweep, serve, 3, [])


def refused(llmsweep: Run, paths: list[Path]) -> str:
    done = llmsweep("merge", *paths, "-o", "merged.parquet")
    assert done.returncode == 4
    assert not done.stdout
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not (paths[0].parent / "merged.parquet").exists()
    return done.stderr.removeprefix("Error: ").rstrip()


@pytest.mark.parametrize(("number", "rows"), [(0, "0 to 27"), (1, "28 to 55"), (2, "56 to 83")])
def test_a_missing_shard(llmsweep: Run, shards: list[Path], number: int, rows: str) -> None:
    del shards[number]
    assert refused(llmsweep, shards) == f"a part is missing: none of the files holds rows {rows}"


def test_the_same_shard_twice(llmsweep: Run, shards: list[Path]) -> None:
    twice = shards[0].with_name("copy.parquet")
    twice.write_bytes(shards[1].read_bytes())
    sentence = refused(llmsweep, [*shards, twice])
    assert "copy.parquet" in sentence
    assert sentence.endswith("hold the same rows, from 28 on")


@pytest.mark.parametrize(
    "options", [["--set", "precision=fp8"], ["--where", "ttft_s < 9"], ["--top", "3"], ["--all"], ["--by", "ttft_s"]]
)
def test_shards_of_different_runs(llmsweep: Run, serve: Path, shards: list[Path], options: list[str]) -> None:
    done = llmsweep("run", serve, "--shard", "2/3", *options, "-o", shards[1])
    assert done.returncode == 0, done.stderr
    assert refused(llmsweep, shards).endswith("are of different runs: other sweeps, options or versions")


def test_files_that_are_no_outputs(llmsweep: Run, shards: list[Path]) -> None:
    foreign = shards[0].with_name("foreign.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(foreign)
    assert refused(llmsweep, [*shards, foreign]).endswith(
        "is no output of `llmsweep run -o`: it does not say which rows it holds"
    )
    table = shards[0].with_name("table.csv")
    table.write_text("row_id\n1\n")
    assert f'"{table}" can\'t be read as parquet: ' in refused(llmsweep, [*shards, table])
    pl.DataFrame({"a": [1]}).write_parquet(foreign, metadata={"llmsweep": json.dumps({"rows": 1})})
    assert "was written by another version of llmsweep" in refused(llmsweep, [foreign])


@pytest.mark.parametrize("shard", ["0/2", "3/2", "a/b", "2", "1/0", "-1/2"])
def test_shards_that_do_not_exist(llmsweep: Run, serve: Path, shard: str) -> None:
    done = llmsweep("run", serve, f"--shard={shard}", "-o", "out.parquet")
    assert done.returncode == 2
    assert f'"{shard}"' in done.stderr


def test_columns_of_a_shard_must_decide(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--shard", "1/2", "--columns", "ttft_s", "-o", "out.parquet")
    assert done.returncode == 2
    assert "`llmsweep merge` needs the columns row_id, " in done.stderr


def test_columns_of_a_shard_hold_the_order(llmsweep: Run, serve: Path) -> None:
    names = ["--columns", "row_id,model,usd_per_million_tokens,tokens_per_s_per_user"]
    done = llmsweep("run", serve, *names, "--by", "ttft_s", "--shard", "1/2", "-o", "out.parquet")
    assert done.returncode == 2
    assert "`llmsweep merge` needs the columns ttft_s too" in done.stderr
    paths = outputs(llmsweep, serve, 2, names)
    done = llmsweep("merge", *paths, "-o", "merged.parquet")
    assert done.returncode == 0, done.stderr
    assert llmsweep("run", serve, *names, "-o", "whole.parquet").returncode == 0
    whole = pl.read_parquet(serve.parent / "whole.parquet")
    assert whole.equals(pl.read_parquet(serve.parent / "merged.parquet"))


def test_all_shards_empty_of_rows_say_so(llmsweep: Run, serve: Path) -> None:
    options = ["--where", "ttft_s < 0"]
    paths = outputs(llmsweep, serve, 2, options)
    done = llmsweep("merge", *paths)
    assert done.returncode == 3
    assert "meets --where" in done.stderr


def test_pairs_of_shards_name_their_spans() -> None:
    from llmsweep.parts.spans import Shard

    for rows, number in itertools.product([0, 1, 5, 84, 10**18 + 7], [1, 2, 7, 100]):
        edges = [Shard(shard, number).span(rows) for shard in range(1, number + 1)]
        assert edges[0][0] == 0
        assert edges[-1][1] == rows
        assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))


@pytest.mark.parametrize(("where", "rows"), [("1 = 1", 84), ("1 = 2", 0), ("precision LIKE 'f%' OR ttft_s < 0", 42)])
def test_any_condition_will_do(llmsweep: Run, serve: Path, where: str, rows: int) -> None:
    llmsweep("run", serve, "--all", "--where", where, "--columns", "row_id", "-o", "rows.parquet")
    assert pl.read_parquet(serve.parent / "rows.parquet").height == rows


@pytest.mark.parametrize("where", ["precision + 1 > 2", "ttft_s + 1"])
def test_conditions_that_are_none(llmsweep: Run, serve: Path, where: str) -> None:
    done = llmsweep("run", serve, "--where", where)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("Error: --where can't be evaluated: ")
    assert done.stderr.count("\n") == 1
