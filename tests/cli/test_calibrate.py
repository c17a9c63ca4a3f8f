"""`llmsweep calibrate`: wrong tables get one sentence, and nothing is left half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from support import Run
from synthetic import timings

GOOD = "family,accelerator,precision,engine,latency_s,bytes\n" + "".join(
    f"elementwise,h100-sxm-80,bf16,vllm,{3e-6 + size / 2.3e12:.6e},{size}\n" for size in range(10**6, 10**9, 10**7)
)


def sentence(run: Run, code: int, *args: str | Path) -> str:
    done = run("calibrate", *args)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("latency_s", "latency", '"t.csv" lacks the column "latency_s"; did you mean "latency"?'),
        (",bytes\n", ",size\n", '"t.csv" lacks the column "bytes", which rows of elementwise need'),
        ("family,", "familie,", '"t.csv" lacks the column "family"; did you mean "familie"?'),
        (
            "elementwise,",
            "elementwis,",
            '"t.csv" row 1: there is no family "elementwis"; did you mean "elementwise"?',
        ),
        ("h100-sxm-80", "h100-sxm", '"t.csv" row 1: there is no accelerator "h100-sxm"; did you mean "h100-sxm-80"?'),
        (
            "h100-sxm-80",
            "abacus",
            '"t.csv" row 1: there is no accelerator "abacus"; see llmsweep catalog list accelerators',
        ),
        ("bf16", "bf61", '"t.csv" row 1: there is no precision "bf61"; did you mean "bf16"?'),
        ("vllm", "vlm", '"t.csv" row 1: there is no engine "vlm"; did you mean "vllm"?'),
        (",1000000\n", ",\n", '"t.csv" row 1: elementwise needs bytes, which is empty'),
        (",1000000\n", ",-5\n", '"t.csv" row 1: bytes is "-5.0", but must be at least 0'),
        (",1000000\n", ",many\n", '"t.csv" row 1: bytes is "many", but must be a number'),
        ("3.434783e-06", "-1", '"t.csv" row 1: latency_s is "-1.0", but must be above 0'),
        ("3.434783e-06", "0", '"t.csv" row 1: latency_s is "0.0", but must be above 0'),
        ("3.434783e-06", "nan", '"t.csv" row 1: latency_s is "nan", but must be above 0'),
        ("3.434783e-06", "", '"t.csv" row 1: latency_s is empty'),
    ],
)
def test_wrong_tables(llmsweep: Run, tmp_path: Path, before: str, after: str, expected: str) -> None:
    assert before in GOOD
    (tmp_path / "t.csv").write_text(GOOD.replace(before, after))
    assert sentence(llmsweep, 4, "ops", "t.csv", "-o", "k.toml") == expected
    assert not (tmp_path / "k.toml").exists()


@pytest.mark.parametrize(
    ("factor", "part"),
    [
        (1e3, "times what the datasheet lets expect: were milliseconds written as seconds?"),
        (1e6, "times what the datasheet lets expect: were microseconds written as seconds?"),
        (1e-3, "times faster than the datasheet lets expect: is it in seconds?"),
    ],
)
def test_wrong_units_are_suspected(llmsweep: Run, tmp_path: Path, factor: float, part: str) -> None:
    timings().with_columns(pl.col("latency_s") * factor).write_parquet(tmp_path / "t.parquet")
    said = sentence(llmsweep, 4, "ops", "t.parquet")
    assert said.startswith('"t.parquet": the median latency_s of elementwise on h100-sxm-80 in bf16 is ')
    assert said.endswith(part)


def test_other_wrong_input(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    (tmp_path / "two.csv").write_text(GOOD + GOOD.partition("\n")[2].replace("h100-sxm-80", "l40s"))
    (tmp_path / "few.csv").write_text("\n".join(GOOD.splitlines()[:5]))
    (tmp_path / "none.csv").write_text(GOOD.splitlines()[0])
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "not.parquet").write_text("no table")
    (tmp_path / "empty").mkdir()
    assert "is no table of timings: it has neither the columns family" in sentence(llmsweep, 4, "ops", "other.csv")
    assert sentence(llmsweep, 4, "ops", "few.csv") == (
        "there are too few timings: elementwise on h100-sxm-80 in bf16 has 4 timings, 10 are needed"
    )
    assert sentence(llmsweep, 4, "ops", "none.csv") == '"none.csv" has no rows'
    assert sentence(llmsweep, 4, "ops", "not.parquet").startswith('"not.parquet" can\'t be read as parquet')
    assert sentence(llmsweep, 4, "ops", "empty") == 'the folder "empty" has no .parquet or .csv files'
    assert sentence(llmsweep, 2, "ops", "two.csv", "-o", "k.toml") == (
        '"k.toml" holds one accelerator, but these timings are of h100-sxm-80, l40s: name a folder'
    )
    assert "k.json" in sentence(llmsweep, 2, "ops", "t.csv", "-o", "k.json")
    assert "does not exist" in sentence(llmsweep, 2, "ops", "t.csv", "-o", "no/such/k.toml")
    assert "does not exist" in sentence(llmsweep, 2, "ops", "t.csv", "-o", "no/such")
    assert "missing.csv" in sentence(llmsweep, 2, "ops", "missing.csv")
    assert not list(tmp_path.glob("*.toml"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files, even from root")
def test_an_output_that_cannot_be_written(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    assert "can't be written" in sentence(llmsweep, 4, "ops", "t.csv", "-o", "/proc/k.toml")


def test_a_law_is_written_reported_and_used(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    done = llmsweep("calibrate", "ops", "t.csv", "-o", "mine", "--report", "report.parquet", "--json", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert [law["engine"] for law in found["laws"]] == ["any", "vllm"]
    assert found["laws"][0]["coefficients"]["launch_s"] == pytest.approx(3e-6, rel=0.01)
    assert (tmp_path / "mine" / "kernels" / "h100-sxm-80.toml").exists()
    assert pl.read_parquet(tmp_path / "report.parquet").height == 2
    again = llmsweep("calibrate", "ops", "t.csv", "--catalog", "mine")
    assert again.returncode == 0, again.stderr
    assert "h100-sxm-80" in again.stdout.splitlines()[-1].split()[-1]


def test_measuring_needs_pytorch_and_a_gpu(llmsweep: Run, tmp_path: Path) -> None:
    said = sentence(llmsweep, 5, "measure", "-o", "t.parquet")
    assert "pip install 'llmsweep[measure]'" in said or "PyTorch sees no GPU" in said
    assert not (tmp_path / "t.parquet").exists()
    assert "-o" in sentence(llmsweep, 2, "measure")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    for index in range(40):
        timings(rows=3000, seed=index).write_parquet(tmp_path / f"{index}.parquet")
    process = subprocess.Popen(
        [sys.executable, "-m", "llmsweep", "calibrate", "ops", tmp_path, "-o", tmp_path / "k.toml", "--rows", "100000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLMSWEEP_CATALOG": ""},
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=30)
    assert process.returncode == 130, message.decode()
    assert message.decode().strip() == "Error: interrupted"
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".parquet"]
