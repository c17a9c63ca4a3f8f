"""`llmsweep sensitivity`, and sensitivity beside `explain` and `run`."""

import json
from pathlib import Path

import polars as pl
import pytest

import llmsweep as ls
from llmsweep.cli import main
from support import Run

SETUP = ["--phase", "inference", "--set", "model=llama3.1-70b", "--set", "accelerator=h200-sxm-141"]
QUANTISED = [*SETUP, "--set", "precision=fp8"]


@pytest.fixture
def priced(serve: Path) -> Path:
    """A sweep whose prices are its own."""
    serve.write_text(serve.read_text(encoding="utf-8") + "[prices]\nl40s = 0.5\n", encoding="utf-8")
    return serve


def test_both_tables_and_what_binds(llmsweep: Run) -> None:
    done = llmsweep("sensitivity", *QUANTISED, "--against", "accelerator=b200-sxm")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "inference: Llama 3.1 70B on H200 SXM 141GB"
    assert "What binds e2e_s: hbm_bandwidth" in lines
    of_bandwidth = [line.split() for line in lines if line.startswith("hbm_bandwidth")]
    assert len(of_bandwidth) == 2
    assert of_bandwidth[0][1] == "central"
    assert float(of_bandwidth[0][3]) < -0.8
    assert "×" in of_bandwidth[1]
    assert lines[-1].startswith("Break-even price against accelerator=b200-sxm, by usd_per_million_tokens: ")
    assert max(map(len, lines)) <= 120


def test_json_is_what_python_says(llmsweep: Run, tmp_path: Path) -> None:
    options = ["--of", "tpot_s,energy_j", "--factor", "3", "--step", "0.02", "--json", "-o", "out.parquet"]
    done = llmsweep("sensitivity", *QUANTISED, *options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    setup = pl.DataFrame({"model": ["llama3.1-70b"], "accelerator": ["h200-sxm-141"], "precision": ["fp8"]})
    results = ["tpot_s", "energy_j"]
    same = ls.sensitivity(setup, phase="inference", of=results, step=0.02)
    thrice = ls.what_if(setup, "hbm_bandwidth", 3, phase="inference", of=results)
    rows = {row["number"]: row for row in found["numbers"]}
    assert rows["hbm_bandwidth"] == {
        "number": "hbm_bandwidth",
        "difference": "central",
        **{f"elasticity_{name}": same[f"elasticity_{name}_to_hbm_bandwidth"][0] for name in results},
        "factor": 3.0,
        "reject": None,
        **{name: thrice[name][0] for column in results for name in (column, f"{column}_ratio")},
    }
    assert rows["rest"]["elasticity_tpot_s"] == same["elasticity_tpot_s_to_rest"][0]
    assert (found["what_binds"], found["step"], found["break_even"]) == ("hbm_bandwidth", 0.02, None)
    assert pl.read_parquet(tmp_path / "out.parquet").to_dicts() == found["numbers"]


def test_a_row_of_a_sweep_has_the_sweeps_prices(llmsweep: Run, priced: Path) -> None:
    done = llmsweep("sensitivity", priced, "55", "--against-row", "48", "--json")
    assert done.returncode == 0, done.stderr
    price = json.loads(done.stdout)["break_even"]
    rows = ls.sweep(priced, keep="all")
    own, other = (rows.row(row, named=True)["usd_per_million_tokens"] for row in (55, 48))
    assert price["now_usd_per_device_hour"] == pytest.approx(0.5)
    assert price["usd_per_device_hour"] == pytest.approx(0.5 * other / own)
    assert price["against"] == "row 48"


def test_an_impossible_setup_says_why_and_what_would_help(llmsweep: Run) -> None:
    done = llmsweep("sensitivity", *SETUP, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["feasible"], found["reject"], found["what_binds"]) == (False, "weights_do_not_fit", None)
    rows = {row["number"]: row for row in found["numbers"]}
    assert rows["price"]["reject"] == "weights_do_not_fit"
    assert (rows["memory"]["reject"], rows["memory"]["elasticity_tpot_s"]) == (None, None)
    assert rows["memory"]["tpot_s"] > 0
    shown = llmsweep("sensitivity", *SETUP).stdout
    assert "infeasible: weights_do_not_fit" in shown
    assert "What binds" not in shown


def test_explain_has_it_as_sections(llmsweep: Run) -> None:
    plain = json.loads(llmsweep("explain", *QUANTISED, "--json").stdout)
    done = llmsweep("explain", *QUANTISED, "--sensitivity", "--json")
    assert done.returncode == 0, done.stderr
    explained = json.loads(done.stdout)
    time, cost = explained["sections"][len(plain["sections"]) :]
    assert time["title"] == "Sensitivity of e2e_s: bound by hbm_bandwidth"
    assert cost["title"] == "Sensitivity of usd_per_million_tokens"
    terms = {term["name"]: term for term in cost["terms"]}
    assert terms["price"]["value"] == pytest.approx(1)
    assert set(terms["price"]) == set(plain["sections"][0]["terms"][0])
    assert sum(term["value"] for term in time["terms"]) == pytest.approx(-1, abs=1e-9)
    shown = llmsweep("explain", *QUANTISED, "--sensitivity").stdout
    assert shown.startswith(llmsweep("explain", *QUANTISED).stdout)
    assert "d ln e2e_s / d ln hbm_bandwidth" in shown
    impossible = llmsweep("explain", *SETUP, "--sensitivity")
    assert (impossible.returncode, "Sensitivity" in impossible.stdout) == (0, False)


def test_run_appends_columns(llmsweep: Run, priced: Path, tmp_path: Path) -> None:
    done = llmsweep("run", priced, "--sensitivity", "tpot_s,usd_per_million_tokens", "-o", "front.csv")
    assert done.returncode == 0, done.stderr
    front = pl.read_csv(tmp_path / "front.csv")
    assert front["elasticity_usd_per_million_tokens_to_price"].to_list() == pytest.approx([1.0] * front.height)
    assert set(front["what_binds"]) <= {"hbm_bandwidth", "peak_flops", "software", "several"}
    assert "what binds" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 120
    bare = llmsweep("run", priced, "-o", "bare.csv")
    assert bare.returncode == 0, bare.stderr
    names = pl.read_csv(tmp_path / "bare.csv").columns
    assert names == front.columns[: len(names)]
    few = ["--columns", "row_id,tpot_s", "--top", "2"]
    done = llmsweep("run", priced, "--sensitivity", "tpot_s", *few, "-o", "top.csv")
    assert done.returncode == 0, done.stderr
    top = pl.read_csv(tmp_path / "top.csv")
    assert top.columns[:3] == ["row_id", "tpot_s", "elasticity_tpot_s_to_peak_flops"]
    assert top.height == 2
    again = llmsweep("run", priced, "--sensitivity", "ttft_s", "-o", "front.parquet")
    assert again.returncode == 0, again.stderr
    resumed = llmsweep("run", priced, "--sensitivity", "e2e_s", "-o", "front.parquet", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "elasticity_e2e_s_to_price" in pl.read_parquet(tmp_path / "front.parquet").columns


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["sensitivity"], "name a row (SWEEP.toml ROW) or a setup"),
        (["sensitivity", "serve.toml"], "name the row too: llmsweep sensitivity SWEEP.toml ROW"),
        (["sensitivity", "serve.toml", "84"], 'the sweep has no row "84": its rows are 0 to 83'),
        (["sensitivity", "serve.toml", "1", "--against-row", "84"], 'the sweep has no row "84"'),
        (["sensitivity", *SETUP, "--against-row", "1"], "--against-row takes a row of SWEEP.toml"),
        (["sensitivity", *SETUP, "--set", "concurrency=1,2"], "sensitivity takes one setup, and these values make 2"),
        (["sensitivity", *SETUP, "--of", "tpot"], '--of: inference has no column "tpot"; did you mean "tpot_s"?'),
        (["sensitivity", *SETUP, "--of", "reject"], '--of: "reject" is no number'),
        (["sensitivity", *SETUP, "--of", "concurrency"], '--of: inference has no result "concurrency"'),
        (["sensitivity", *SETUP, "--step", "0"], '"0" must be a number above 0, at most 0.5'),
        (["sensitivity", *SETUP, "--factor", "-1"], '"-1" must be a number above 0, at most 1e+06'),
        (["sensitivity", *SETUP, "--factor", "nan"], '"nan" must be a number above 0'),
        (["sensitivity", *SETUP, "--against", "acelerator=l40s"], 'no axis "acelerator"; did you mean "accelerator"?'),
        (["sensitivity", *SETUP, "--against", "tensor_parallel=1,2"], "--against: tensor_parallel must have one value"),
        (["sensitivity", *SETUP, "--against", "accelerator=h2000"], 'unknown accelerator "h2000"'),
        (["sensitivity", *QUANTISED, "--against", "precision=bf16", "--by", "e2e_s"], "is not in proportion to the"),
        (["sensitivity", *SETUP, "--set", "engine=vlm"], 'unknown engine "vlm"'),
        (["run", "serve.toml", "--sensitivity", "tpot"], '--sensitivity: inference has no column "tpot"'),
        (["run", "serve.toml", "--sensitivity", "tpot_s", "--all", "-o", "x.csv"], "evaluates each row 15 times"),
        (["run", "serve.toml", "--sensitivity", "tpot_s", "--shard", "1/2", "-o", "x.csv"], "not for --all or --shard"),
    ],
)
def test_wrong_input(
    serve: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(serve.parent)
    assert main(args) == 2
    shown = capsys.readouterr()
    assert sentence in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out
