"""Disks that are full and places that can't be written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from support import ROOT, Run, large_sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits and permissions")

ROWS = 990_000
OF_PART = 100_000
ALL = ["-q", "--all", "--columns", "row_id,ttft_s,tpot_s"]


def run(folder: Path, limit_kib: int | None, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the command with parts of few rows, and with a limit to the size of each file that it writes."""
    command = [sys.executable, ROOT / "tests" / "small_parts.py", "log", str(OF_PART), "run", *args]
    if limit_kib is not None:
        command = ["sh", "-c", f'ulimit -f {2 * limit_kib}; exec "$@"', "sh", *command]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


def test_a_full_disk_keeps_finished_parts(tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, ROWS)
    whole = run(tmp_path, None, sweep, *ALL, "-o", "whole.parquet")
    assert whole.returncode == 0, whole.stderr
    size = (tmp_path / "whole.parquet").stat().st_size
    # Room for each part, but not for all in one file.
    (tmp_path / "out.parquet").write_text("what was there")
    done = run(tmp_path, size // 2048, sweep, *ALL, "-o", "out.parquet")
    assert done.returncode == 4
    kept, error = done.stderr.splitlines()
    assert kept == '10 of 10 parts are kept in "out.parquet.parts"; --resume goes on with them'
    assert error == 'Error: "out.parquet" can\'t be written: File too large'
    assert (tmp_path / "out.parquet").read_text() == "what was there"
    assert {path.name for path in tmp_path.glob("*out*")} == {"out.parquet", "out.parquet.parts"}
    assert len(list((tmp_path / "out.parquet.parts").iterdir())) == 10
    (tmp_path / "log").unlink()
    resumed = run(tmp_path, None, sweep, *ALL, "-o", "out.parquet", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "all" not in (tmp_path / "log").read_text()
    assert pl.read_parquet(tmp_path / "out.parquet").equals(pl.read_parquet(tmp_path / "whole.parquet"))


def test_no_room_for_the_first_part_leaves_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, 100, large_sweep(tmp_path, ROWS), *ALL, "-o", "out.parquet")
    assert done.returncode == 4
    assert done.stderr == (
        'Error: "out.parquet.parts/part-000000000000000.parquet" can\'t be written: File too large\n'
    )
    assert {path.name for path in tmp_path.iterdir()} == {"large.toml", "log"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def test_a_disk_that_fills_up_in_the_middle(tmp_path: Path, small_disk: Path) -> None:
    done = run(tmp_path, None, large_sweep(tmp_path, ROWS), *ALL, "-o", small_disk / "out.parquet")
    assert done.returncode == 4
    kept, error = done.stderr.splitlines()
    parts = sorted(path.name for path in (small_disk / "out.parquet.parts").iterdir())
    assert kept.startswith(f"{len(parts)} of 10 parts are kept in ")
    assert error.endswith("can't be written: No space left on device")
    assert 0 < len(parts) < 10
    assert [path.name for path in small_disk.iterdir()] == ["out.parquet.parts"]


@pytest.mark.parametrize("option", ["-o", "--stats"])
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("folder{}", 'Error: Invalid value for {}: "folder{}" is a folder'),
        ("missing/out{}", 'Error: Invalid value for {}: the folder "missing" does not exist'),
    ],
)
def test_impossible_outputs_are_refused_before_the_work(
    llmsweep: Run, serve: Path, option: str, name: str, sentence: str
) -> None:
    suffix = ".json"
    (serve.parent / "folder.json").mkdir()
    done = llmsweep("run", serve, option, name.format(suffix))
    assert done.returncode == 2
    named = {"-o": "'-o' / '--output'", "--stats": "'--stats'"}[option]
    assert sentence.format(named, suffix) in done.stderr
    assert not done.stdout


def test_parts_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out.parquet.parts").write_text("mine")
    done = run(tmp_path, None, large_sweep(tmp_path, ROWS), *ALL, "-o", "out.parquet")
    assert done.returncode == 4
    assert done.stderr == 'Error: "out.parquet.parts" can\'t be used: File exists\n'
    assert (tmp_path / "out.parquet.parts").read_text() == "mine"
