"""Outputs that go to an object store are those that go to a disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from fake_store import FakeStore, fake_store
from support import ROOT, Run, large_sweep

KINDS = {"front": [], "all": ["--all"], "best": ["--top", "5", "--by", "tpot_s"], "shard": ["--shard", "1/2"]}


@pytest.fixture
def store() -> Iterator[FakeStore]:
    with fake_store() as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_the_rows_of_a_file(llmsweep: Run, serve: Path, store: FakeStore, kind: str) -> None:
    url = "s3://bucket/runs/rows.parquet"
    done = llmsweep("run", serve, *KINDS[kind], "-o", url, **store.environment)
    assert done.returncode == 0, done.stderr
    plain = llmsweep("run", serve, *KINDS[kind], "-o", "rows.parquet")
    assert done.stdout == plain.stdout
    sent = store.objects["/bucket/runs/rows.parquet"]
    assert sent == (serve.parent / "rows.parquet").read_bytes()
    assert not list(serve.parent.glob("*.parts"))


def test_merge_and_pareto_send_objects_too(llmsweep: Run, serve: Path, store: FakeStore) -> None:
    parts = [f"part-{number}.parquet" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        assert llmsweep("run", serve, "--shard", f"{number}/2", "-o", part).returncode == 0
    merged = llmsweep("merge", *parts, "-o", "s3://bucket/front.parquet", **store.environment)
    assert merged.returncode == 0, merged.stderr
    front = llmsweep("pareto", parts[0], "--min", "tpot_s", "-o", "s3://bucket/least.parquet", **store.environment)
    assert front.returncode == 0, front.stderr
    assert pl.read_parquet(BytesIO(store.objects["/bucket/least.parquet"])).height >= 1
    assert pl.read_parquet(BytesIO(store.objects["/bucket/front.parquet"])).height > 1


def test_a_store_that_refuses_is_one_sentence(llmsweep: Run, serve: Path, store: FakeStore) -> None:
    store.refuses = True
    done = llmsweep("run", serve, "-o", "s3://bucket/rows.parquet", **store.environment)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith('Error: "s3://bucket/rows.parquet" can\'t be written: ')
    assert "403" in done.stderr
    assert not store.objects


def test_many_parts_are_sent_as_one_object(tmp_path: Path, store: FakeStore) -> None:
    sweep = large_sweep(tmp_path, 500_000)
    options = ["--all", "--columns", "row_id,accelerator,ttft_s", "-q", "-o"]

    def run(output: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [
            sys.executable,
            ROOT / "tests" / "small_parts.py",
            "log",
            "100000",
            "run",
            sweep,
            *options,
            output,
        ]
        environment = {**os.environ, **store.environment}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    sent, kept = run("s3://bucket/all.parquet"), run("all.parquet")
    assert sent.returncode == kept.returncode == 0, sent.stderr
    assert store.objects["/bucket/all.parquet"] == (tmp_path / "all.parquet").read_bytes()
    store.refuses = True
    refused = run("s3://bucket/refused.parquet")
    assert refused.returncode == 4
    assert len(list(tmp_path.glob("refused.parquet.parts/part-*.parquet"))) > 1
    store.refuses = False
    options.insert(0, "--resume")
    assert run("s3://bucket/refused.parquet").returncode == 0
    assert store.objects["/bucket/refused.parquet"] == store.objects["/bucket/all.parquet"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://bucket/rows.parquet", '"ftp://bucket/rows.parquet" names no object store; allowed: s3, s3a, gs'),
        ("s3://bucket/rows.csv", '"s3://bucket/rows.csv" must end in .parquet'),
    ],
)
def test_other_addresses_are_refused_before_any_work(llmsweep: Run, serve: Path, url: str, sentence: str) -> None:
    done = llmsweep("run", serve, "-o", url)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
