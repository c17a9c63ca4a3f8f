"""`llmsweep fleet` through its command."""

import json
from pathlib import Path

import polars as pl
import pytest

from llmsweep.cli import main
from support import ROOT, Run

MODEL = ("fleet", "--model", "llama3.1-8b", "--accelerator", "h100-sxm-80,l40s", "--peak-rate", "500")
PROMISE = ("--ttft-p99", "1", "--tpot", "0.05")
POOL = """\
accelerator = "h100-sxm-80"
[promise]
ttft_s = 5
tpot_s = 0.1
[[models]]
model = "llama3.1-8b"
count = 30
rate_per_s = [0.01, 0.1]
input_tokens = 512
output_tokens = 256
"""


def test_the_best_layout_of_each_accelerator(llmsweep: Run) -> None:
    done = llmsweep(*MODEL, *PROMISE, "--mean-rate", "200", "--redundancy", "N+1")
    assert done.returncode == 0, done.stderr
    assert "500 requests/s at the peak, 200 on average; ttft_p99_s ≤ 1 s, tpot_s ≤ 50 ms; redundancy N+1" in done.stdout
    table = done.stdout.partition("──")[2].splitlines()[1:]
    assert sorted(line.split()[0] for line in table) == ["h100-sxm-80", "l40s"]


def test_accelerators_out_of_reach_are_named(llmsweep: Run) -> None:
    done = llmsweep(*MODEL, "--ttft", "0.06", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "no layout runs and keeps the promises on l40s\n"
    assert [fleet["accelerator"] for fleet in json.loads(done.stdout)["fleets"]] == ["h100-sxm-80"]


def test_json_has_what_was_asked_and_the_fleets(llmsweep: Run) -> None:
    done = llmsweep(*MODEL, *PROMISE, "--json", "--price", "2", "--price", "l40s=1")
    answer = json.loads(done.stdout)
    assert answer["demand"] == {"peak_rate_per_s": 500, "mean_rate_per_s": 500, "users": 0}
    assert answer["promises"] == {"ttft_p99_s": 1, "tpot_s": 0.05}
    for fleet in answer["fleets"]:
        assert fleet["usd_per_hour"] == fleet["devices"] * (1 if fleet["accelerator"] == "l40s" else 2)


def test_every_layout_goes_to_a_file(llmsweep: Run, tmp_path: Path) -> None:
    done = llmsweep(*MODEL, *PROMISE, "-o", "fleet.parquet")
    assert done.returncode == 0, done.stderr
    written = pl.read_parquet(tmp_path / "fleet.parquet")
    assert written.height > written.filter("best_of_accelerator").height == 2
    every = llmsweep(*MODEL, *PROMISE, "--all", "--json")
    assert len(json.loads(every.stdout)["fleets"]) == written.height


def test_users_hear_what_binds(llmsweep: Run) -> None:
    done = llmsweep(*MODEL[:5], "--users", "1e6", "--tokens-per-s-per-user", "20")
    words = " ".join(done.stdout.split())
    assert "1,000,000 users read 20 M tokens/s" in words
    assert "contexts of 1,280 tokens take 167.8 TB" in words
    assert "throughput binds" in words
    assert "tpot_s ≤ 50 ms" in words


def test_a_sweep_says_what_may_be_chosen_and_what_is_promised(llmsweep: Run, serve: Path) -> None:
    text = serve.read_text(encoding="utf-8").replace("concurrency = { geometric = [1, 64, 2] }\n", "")
    serve.write_text(text + "[constraints]\ntpot_s = { max = 0.03 }\n", encoding="utf-8")
    done = llmsweep("fleet", "serve.toml", "--peak-rate", "100", "--set", "precision=fp8", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["promises"] == {"tpot_s": 0.03}
    assert {fleet["precision"] for fleet in answer["fleets"]} == {"fp8"}
    assert {fleet["input_tokens"] for fleet in answer["fleets"]} == {512}


def test_a_pool(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "pool.toml").write_text(POOL, encoding="utf-8")
    done = llmsweep("fleet", "--pool", "pool.toml", "-o", "pool.csv")
    assert done.returncode == 0, done.stderr
    assert "30 models on h100-sxm-80" in done.stdout
    assert "% fewer" in done.stdout
    answer = json.loads(llmsweep("fleet", "--pool", "pool.toml", "--json", "--price", "3").stdout)
    dedicated, request, token = answer["policies"]
    assert dedicated["devices"] == 30
    assert token["devices"] <= request["devices"] < 30
    assert dedicated["usd_per_hour"] == 90
    assert pl.read_csv(tmp_path / "pool.csv")["devices"].to_list() == [row["devices"] for row in answer["policies"]]


def test_aegaeon(llmsweep: Run) -> None:
    done = llmsweep("fleet", "--pool", ROOT / "sweeps" / "pools" / "aegaeon.toml")
    assert done.returncode == 0, done.stderr
    assert "47 models on h20-96" in done.stdout


@pytest.mark.parametrize(
    "case",
    [
        (2, ("fleet",), "name the model"),
        (2, MODEL[:3], "--peak-rate R or --users N"),
        (2, MODEL, "a fleet is sized for a promised time"),
        (2, (*MODEL, "--users", "3"), "--peak-rate R or --users N"),
        (2, (*MODEL[:3], "--users", "3"), "--tokens-per-s-per-user X or --tpot S"),
        (2, (*MODEL[:3], "--users", "3", "--tpot", "1", "--set", "output_tokens=1,2"), "--output-tokens N"),
        (2, (*MODEL, *PROMISE, "--mean-rate", "501"), 'the mean rate "501"'),
        (2, (*MODEL, *PROMISE, "--redundancy", "2N"), '"2N" must read N, N+1 or 10%'),
        (2, (*MODEL, *PROMISE, "--price", "x"), 'the price "x"'),
        (2, (*MODEL, *PROMISE, "--price", "l4s=1"), 'unknown accelerator "l4s"'),
        (2, (*MODEL, *PROMISE, "--set", "devices=3"), "not an axis of phase"),
        (2, (*MODEL, "--tpot", "0"), "0"),
        (2, ("fleet", "serve.toml", "--peak-rate", "3", "--tpot", "1"), "concurrency follows from arrival_rate_per_s"),
        (2, ("fleet", "broken.toml", "--peak-rate", "3", "--tpot", "1"), "broken.toml"),
        (2, ("fleet", "--pool", "broken.toml"), "broken.toml:1:6: no TOML: "),
        (2, ("fleet", "--pool", "serve.toml"), 'serve.toml:1:1: the file has no key "schema"'),
        (2, ("fleet", "--pool", "serve.toml", "--tpot", "1"), "--tpot can't stand beside --pool"),
        (2, ("fleet", "--pool", "nowhere.toml"), "nowhere.toml"),
        (3, (*MODEL, "--ttft-p99", "0.001"), "no setup reaches ttft_p99_s ≤ 0.001 s; the nearest is 0.0"),
        (
            3,
            (
                "fleet",
                "--model",
                "llama3.1-405b",
                *MODEL[3:],
                *PROMISE[:1],
                "1",
                "--set",
                "pipeline_parallel=1",
                "--set",
                "tensor_parallel=8",
            ),
            "can run",
        ),
    ],
)
def test_wrong_input_is_one_sentence(
    serve: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[int, tuple[str, ...], str],
) -> None:
    code, args, part = case
    serve.with_name("broken.toml").write_text("[axes\n", encoding="utf-8")
    serve.with_name("pool.toml").write_text(POOL, encoding="utf-8")
    monkeypatch.chdir(serve.parent)
    assert main(list(args)) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    (sentence,) = printed.err.splitlines()
    assert sentence.startswith("Error: ")
    assert part in sentence


@pytest.mark.parametrize(
    "case",
    [
        ("count = 30", "cuont = 30", 'pool.toml:7:1: [[models]] 1 has no key "cuont"; did you mean "count"?'),
        (
            "[0.01, 0.1]",
            "-1",
            "pool.toml:8:1: [[models]] 1: rate_per_s must be a number above 0 or [low, high], not -1",
        ),
        (
            "output_tokens = 256\n",
            "",
            "pool.toml:5:1: [[models]] 1 needs output_tokens, a whole number of at least 1, not None",
        ),
        ("ttft_s = 5", "ttfft_s = 5", 'pool.toml:3:1: "ttfft_s" is no time that can be promised; allowed: '),
        ("tpot_s = 0.1\n", "", "pool.toml:2:1: [promise] needs a tpot: "),
    ],
)
def test_a_wrong_pool_is_answered_with_the_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[str, str, str],
) -> None:
    old, new, sentence = case
    (tmp_path / "pool.toml").write_text(POOL.replace(old, new), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["fleet", "--pool", "pool.toml"]) == 2
    assert capsys.readouterr().err.startswith(f"Error: {sentence}")


def test_nothing_is_left_where_the_answer_is_none(llmsweep: Run, tmp_path: Path) -> None:
    done = llmsweep(*MODEL, "--ttft", "0.001", "-o", "fleet.csv")
    assert done.returncode == 3
    assert not list(tmp_path.glob("*fleet*"))
