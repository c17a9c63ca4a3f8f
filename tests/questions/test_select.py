"""Ranked hardware: the order, its reasons, and what is refused."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import llmsweep as ls
from llmsweep.select.reasons import price, speed
from llmsweep.select.run import Selection
from support import Run

SOME = ["h100-sxm-80", "h200-sxm-141", "b200-sxm", "mi300x", "l40s", "h20-96"]


@pytest.fixture(scope="module")
def served() -> Selection:
    return ls.select("inference", "llama3.1-70b", accelerators=SOME, ttft_s=0.5, tpot_s=0.05)


@pytest.fixture(scope="module")
def trained() -> Selection:
    return ls.select("training", "llama3.1-8b", accelerators=SOME, days=60.0)


def test_places_are_in_order_and_within_the_limits(served: Selection, trained: Selection) -> None:
    for found, limits in ((served, {"ttft_s": 0.5, "tpot_s": 0.05}), (trained, {"time_to_train_s": 60 * 86_400.0})):
        values = [place["setup"][found["decides"]] for place in found["places"]]
        known = [value for value in values if value is not None]
        assert known == sorted(known)
        assert values == known + [None] * (len(values) - len(known))
        for place in found["places"]:
            assert all(place["setup"][column] <= most for column, most in limits.items())
        assert {place["accelerator"] for place in found["places"]} | set(found["impossible"]) == set(SOME)


def test_a_place_is_the_best_of_a_sweep_of_its_own(served: Selection) -> None:
    """One accelerator, one layout and format: the sweep over the load has no cheaper row."""
    setup = served["places"][0]["setup"]
    axes = {name: setup[name] for name in ("accelerator", "precision", "kv_precision", "tensor_parallel")}
    rows = ls.sweep(
        {
            "schema": 1,
            "phase": "inference",
            "axes": {**axes, "model": "llama3.1-70b", "concurrency": [1 << power for power in range(11)]},
            "constraints": {"ttft_s": {"max": 0.5}, "tpot_s": {"max": 0.05}},
        }
    )
    cheapest = rows["usd_per_million_tokens"].min()
    assert isinstance(cheapest, float)
    assert setup["usd_per_million_tokens"] <= cheapest * (1 + 1e-12)


def test_cost_is_price_over_speed(served: Selection, trained: Selection) -> None:
    """What a reason says of two places multiplies to the ratio of their costs."""
    for found in (served, trained):
        first, second = (place["setup"] for place in found["places"][:2])
        ratio = (price(first) or 0.0) / (price(second) or 1.0) / (speed(first) / speed(second))
        assert first[found["decides"]] / second[found["decides"]] == pytest.approx(ratio, rel=1e-9)


def test_at_the_break_even_price_a_place_is_as_cheap_as_the_first(served: Selection) -> None:
    first = served["places"][0]["setup"]
    later = served["places"][2]
    even, own = later["break_even_usd_per_device_hour"], price(later["setup"])
    assert even is not None
    assert own is not None
    setup = later["setup"]
    names = {axis["name"] for axis in ls.registry()["axes"] if "inference" in axis["phases"]}
    columns = {name: [value] for name, value in setup.items() if name in names}
    scaled = pl.DataFrame(
        {**columns, "model": "llama3.1-70b", "input_tokens": 1024, "output_tokens": 256, "price_scale": even / own}
    )
    cost = ls.evaluate(scaled, phase="inference")["usd_per_million_tokens"][0]
    assert cost == pytest.approx(first["usd_per_million_tokens"], rel=1e-9)


def test_runner_ups_differ_in_layout_or_format(served: Selection) -> None:
    ways = ("precision", "tensor_parallel", "pipeline_parallel", "expert_parallel", "data_parallel")
    for place in served["places"]:
        if (second := place["runner_up"]) is not None:
            assert [second[way] for way in ways] != [place["setup"][way] for way in ways]
            assert second["accelerator"] == place["accelerator"]


def test_the_verdict_quotes_the_first_place(served: Selection, trained: Selection) -> None:
    for found in (served, trained):
        first, second = found["places"][:2]
        assert first["name"] in found["verdict"]
        assert second["name"] in found["verdict"]
    assert f"{trained['places'][0]['setup']['devices']:,} of them" in trained["verdict"]


def test_narrow_formats_are_said_to_cost_quality(served: Selection) -> None:
    narrow = served["places"][0]["setup"]["precision"] != "bf16"
    assert ("in bf16 the best is" in served["verdict"]) == narrow


def test_a_budget_leaves_out_what_is_dearer_or_has_no_price(trained: Selection) -> None:
    budget = trained["places"][1]["setup"]["cost_usd"]
    found = ls.select("training", "llama3.1-8b", accelerators=SOME, days=60.0, budget_usd=budget)
    assert [place["accelerator"] for place in found["places"]] == [one["accelerator"] for one in trained["places"][:2]]
    assert "the catalogue has no price" in found["impossible"]["h20-96"]
    assert any("over the budget" in reason for reason in found["impossible"].values())


def test_another_column_decides(trained: Selection) -> None:
    found = ls.select("training", "llama3.1-8b", accelerators=SOME, days=60.0, by="j_per_token")
    energy = [place["setup"]["j_per_token"] for place in found["places"]]
    assert energy == sorted(energy)
    assert energy[0] <= min(place["setup"]["j_per_token"] for place in trained["places"])
    fast = ls.select("inference", "llama3.1-8b", accelerators=SOME, by="tokens_per_s_per_device")
    speeds = [place["setup"]["tokens_per_s_per_device"] for place in fast["places"]]
    assert speeds == sorted(speeds, reverse=True)


def test_170b_in_16_bits_is_refused_on_one_h200(llmsweep: Run) -> None:
    """340 GB against 141 GB."""
    asked = ["select", "--for", "inference", "--model", "class-170b", "--accelerators", "h200-sxm-141"]
    alone = ["--set", "tensor_parallel=1", "--set", "pipeline_parallel=1"]
    done = llmsweep(*asked, *alone, "--precisions", "fp16,bf16,fp8")
    assert done.returncode == 3
    assert "the weights of the fullest device exceed its usable memory" in done.stderr
    assert llmsweep(*asked, *alone, "--precisions", "w4a16").returncode == 0


def test_further_times_may_be_promised(llmsweep: Run) -> None:
    asked = ["select", "--for", "inference", "--model", "llama3.1-8b", "--accelerators", "h100-sxm-80,l40s", "--json"]
    plain = json.loads(llmsweep(*asked).stdout)["places"]
    strict = json.loads(llmsweep(*asked, "--slo", "ttft_p99<200ms, tpot_p99_s<=0.02").stdout)["places"]
    assert all(place["setup"]["ttft_p99_s"] <= 0.2 and place["setup"]["tpot_p99_s"] <= 0.02 for place in strict)
    assert strict[0]["setup"]["usd_per_million_tokens"] > plain[0]["setup"]["usd_per_million_tokens"]
    done = llmsweep(*asked[:-1], "--slo", "tpot=15ms")
    assert "TPOT within 15 ms" in done.stdout


def test_the_command_prints_writes_and_refuses(llmsweep: Run, tmp_path: Path) -> None:
    asked = ["select", "--for", "inference", "--model", "llama3.1-8b", "--accelerators", "h100-sxm-80,l40s"]
    done = llmsweep(*asked, "-o", "places.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(" ")
    assert "For serving Llama 3.1 8B" in done.stdout
    assert pl.read_csv(tmp_path / "places.csv").height == 2
    as_json: dict[str, Any] = json.loads(llmsweep(*asked, "--json").stdout)
    assert as_json["places"][0]["rank"] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--for", "serving", "--model", "llama3.1-8b"], "'serving' is not one of 'training', 'inference'"),
        (["--for", "training", "--model", "llama3.1-8"], 'unknown model "llama3.1-8": did you mean "llama3.1-8b"?'),
        (["--for", "training", "--model", "llama3.1-8b", "--by", "cost"], 'unknown column "cost"'),
        (["--for", "training", "--model", "llama3.1-8b", "--accelerators", "x*"], 'no accelerator matches "x*"'),
        (["--for", "inference", "--model", "llama3.1-8b", "--precisions", "fp9"], 'unknown precision "fp9"'),
        (["--for", "inference", "--model", "llama3.1-8b", "--set", "devices=8"], "devices"),
        (["--for", "inference", "--model", "llama3.1-8b", "--slo", "ttft 5"], '"ttft 5" must read ttft<0.5'),
        (
            ["--for", "inference", "--model", "llama3.1-8b", "--slo", "cost<5"],
            '"cost_s" is no time that can be promised',
        ),
    ],
)
def test_wrong_input_is_one_sentence(llmsweep: Run, words: list[str], sentence: str) -> None:
    done = llmsweep("select", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout
