"""A run that is stopped in its middle goes on where it was."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from llmsweep.api import compile_sweep
from support import ROOT, Run, large_sweep, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ROWS = 8_000_000
OF_PART = 250_000
ALL = ["--all", "--columns", "row_id,accelerator,ttft_s"]
KINDS = {"front": ["--no-prune"], "all": ALL, "best": ["--no-prune", "--top", "1000", "--by", "ttft_s"]}


@dataclass
class Runs:
    """Runs of one sweep in one folder, each with a log of the parts that it answers."""

    folder: Path
    sweep: Path
    rows: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, log: str, *args: str | Path, rows: int = OF_PART) -> subprocess.Popen[str]:
        command = [sys.executable, ROOT / "tests" / "small_parts.py", log, str(rows), "run", self.sweep, *args]
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.started.append(process)
        return process

    def run(self, log: str, *args: str | Path, rows: int = OF_PART) -> tuple[int, str, str]:
        process = self.start(log, *args, rows=rows)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def stop(self, how: signal.Signals, *args: str | Path) -> tuple[int, str, str]:
        """Starts a run and stops it once it has kept three parts; parts are few rows, so that this is in its middle."""
        process = self.start("stopped.log", *args)
        wait_for(lambda: len(self.parts()) >= 3 or process.poll() is not None)
        assert process.poll() is None, process.communicate()
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def parts(self) -> list[Path]:
        return sorted(self.folder.glob("*.parts/part-*.parquet"))

    def asked(self, log: str, kind: str) -> list[int]:
        """First rows of the parts that a run asked for."""
        lines = (self.folder / log).read_text().splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith(f"{kind} ")]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    sweep = large_sweep(tmp_path, ROWS)
    runs = Runs(tmp_path, sweep, compile_sweep(sweep).configurations)
    yield runs
    for process in runs.started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_ends_as_one_that_was_not(runs: Runs, kind: str) -> None:
    options = [*KINDS[kind], "-q", "-o", "out.parquet"]
    code, _, _ = runs.stop(signal.SIGKILL, *options)
    assert code == -signal.SIGKILL
    kept = runs.parts()
    assert not (runs.folder / "out.parquet").exists()
    code, shown, err = runs.run("resumed.log", *options, "--resume")
    assert code == 0, err
    numbers = {int(path.stem.removeprefix("part-")) for path in kept}
    again = runs.asked("resumed.log", "all" if kind == "all" else "best")
    assert len(numbers) >= 3
    assert numbers.isdisjoint(again)
    assert sorted([*numbers, *again]) == list(range(0, runs.rows, OF_PART))
    assert not (runs.folder / "out.parquet.parts").exists()
    code, whole_shown, err = runs.run("whole.log", *KINDS[kind], "-q", "-o", "whole.parquet")
    assert code == 0, err
    assert (runs.folder / "out.parquet").read_bytes() == (runs.folder / "whole.parquet").read_bytes()
    assert shown == whole_shown


def test_ctrl_c_says_what_is_kept(runs: Runs) -> None:
    options = ["--no-prune", "-o", "out.parquet"]
    code, out, err = runs.stop(signal.SIGINT, *options)
    kept, parts = len(runs.parts()), -(-runs.rows // OF_PART)
    assert code == 130
    assert out == ""
    assert err == (
        f'{kept} of {parts} parts are kept in "out.parquet.parts"; --resume goes on with them\n\nError: interrupted\n'
    )
    assert not list(runs.folder.glob("out.parquet.parts/.*"))


def test_ctrl_c_shows_the_front_so_far(runs: Runs) -> None:
    process = runs.start("stopped.log", "--no-prune")
    log = runs.folder / "stopped.log"
    wait_for(lambda: log.exists() and len(log.read_text().splitlines()) > 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "tokens per" in out
    assert out.count("h100-sxm-80") >= 1
    (counts,) = [line for line in err.splitlines() if line.startswith("so far: ")]
    assert int(counts.removeprefix("so far: ").partition(" ")[0].replace(",", "")) % OF_PART == 0


def test_parts_of_a_stopped_run_are_not_mistaken(runs: Runs) -> None:
    runs.stop(signal.SIGKILL, "--no-prune", "-q", "-o", "out.parquet")
    kept = runs.parts()
    code, _, err = runs.run("log", "--no-prune", "-o", "out.parquet")
    assert code == 4
    assert err == (
        f'Error: "out.parquet.parts" holds {len(kept)} of {-(-runs.rows // OF_PART)} parts of a run that was stopped; '
        "go on with --resume, or remove it to start anew\n"
    )
    others = [
        ["--set", "concurrency=1,2"],
        ["--where", "ttft_s < 1"],
        ["--top", "3"],
        [*ALL],
        ["--shard", "2/2"],
        ["--prune"],
    ]
    for options in others:
        code, out, err = runs.run("log", *options, "-o", "out.parquet", "--resume")
        assert (code, out) == (4, "")
        assert err == (
            'Error: "out.parquet.parts" holds parts of another run: another sweep, shard, version or other options; '
            "remove it or name another output\n"
        )
    assert runs.parts() == kept
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    code, _, err = runs.run("log", "--no-prune", "-o", "out.parquet", "--resume")
    assert code == 4
    assert err.startswith(f'Error: "{kept[0].relative_to(runs.folder)}" can\'t be read as parquet: ')
    assert err.count("\n") == 1


def test_what_is_left_may_be_cut_anew(runs: Runs) -> None:
    options = ["--no-prune", "-q", "-o", "out.parquet"]
    runs.stop(signal.SIGKILL, *options)
    unfinished = runs.folder / "out.parquet.parts" / ".part-000000000000000.parquet.x.parquet"
    unfinished.write_bytes(b"PAR1")
    code, _, err = runs.run("log", *options, "--resume", rows=10**9)
    assert code == 0, err
    assert len(runs.asked("log", "best")) == 1
    assert not unfinished.parent.exists()
    whole = runs.run("log", "--no-prune", "-q", "-o", "whole.parquet", rows=10**9)
    assert whole[0] == 0
    assert pl.read_parquet(runs.folder / "out.parquet").equals(pl.read_parquet(runs.folder / "whole.parquet"))


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_a_complete_output_does_nothing(llmsweep: Run, serve: Path, kind: str) -> None:
    options = [*KINDS[kind], "-o", "out.parquet"]
    assert llmsweep("run", serve, *options).returncode == 0
    output = serve.parent / "out.parquet"
    before = output.stat().st_mtime_ns
    # A run that was killed between its last two steps leaves parts that nobody needs.
    (serve.parent / "out.parquet.parts").mkdir()
    (serve.parent / "out.parquet.parts" / "part-000000000000000.parquet").write_bytes(output.read_bytes())
    done = llmsweep("run", serve, *options, "--resume")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == '"out.parquet" is complete: there is nothing to resume\n'
    assert output.stat().st_mtime_ns == before
    assert not (serve.parent / "out.parquet.parts").exists()
    changed = llmsweep("run", serve, *options, "--set", "concurrency=1", "--resume")
    assert changed.returncode == 0
    assert output.stat().st_mtime_ns != before


def test_resume_needs_an_output(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--resume")
    assert done.returncode == 2
    assert "name it with -o FILE" in done.stderr
