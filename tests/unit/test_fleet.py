"""One model's fleet: published arithmetic, laws, and what can't be had."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmsweep as ls
from llmsweep.api import open_catalog
from llmsweep.clock import HOURS_PER_MONTH
from llmsweep.errors import NothingFeasibleError, SpecError
from llmsweep.fleet.capacity import able, at_rate, largest_rates, lone
from llmsweep.fleet.demand import Demand, Redundancy
from llmsweep.fleet.money import parse_prices

PROMISES = {"ttft_p99_s": 1.0, "tpot_s": 0.05}


def spec(**axes: Any) -> dict[str, Any]:
    chosen = {"model": "llama3.1-8b", "accelerator": ["h100-sxm-80", "l40s"], "tensor_parallel": [1, 2], **axes}
    return {"schema": 1, "phase": "inference", "axes": chosen, "workload": {"input_tokens": 512, "output_tokens": 128}}


def best(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.filter("best_of_accelerator").select("accelerator", "devices").rows())


def test_a_million_users_of_llama_2_70b_on_gb300_racks() -> None:
    """Azure HPC blog, 2025-11-03: a rack of 72 gives 1.1 million tokens/s and has 20.7 TB."""
    demand = Demand.of_users(1e6, 20, 1024, None)
    assert demand.peak_rate_per_s * 1024 / 1.1e6 == pytest.approx(18.2, abs=0.05)
    assert demand.context_bytes(2048, 163_840) == pytest.approx(336e12, rel=0.01)
    assert demand.context_bytes(2048, 163_840) / 20.7e12 == pytest.approx(16, abs=0.3)


def test_what_the_model_says_of_those_racks() -> None:
    axes = {"model": "llama2-70b", "accelerator": "gb300-nvl72", "precision": "nvfp4", "kv_precision": "fp8"}
    asked = {"schema": 1, "phase": "inference", "axes": axes, "workload": {"input_tokens": 1024, "output_tokens": 1024}}
    row = ls.size_fleet(asked, Demand.of_users(1e6, 20, 1024, None), {"tpot_s": 0.05}).row(0, named=True)
    assert row["kv_bytes_per_token"] == 163_840
    assert row["throughput_replicas"] > row["kv_replicas"] > 0
    assert row["limit"] == "tpot_s"
    # The published rate is of an offline benchmark; docs/fleet.md says what of the difference prompts are.
    assert row["devices"] / 72 == pytest.approx(34.8, abs=0.1)


def test_contexts_bind_where_few_tokens_are_read() -> None:
    slow = ls.size_fleet(spec(), Demand.of_users(1e5, 0.1, 128, None), PROMISES)
    assert (slow["limit"] == "kv_room").all()
    assert (slow["replicas"] == slow["kv_replicas"]).all()
    room = 1e5 * (512 + 128) / slow["kv_tokens"]
    assert (slow["kv_replicas"] == room.ceil()).all()


def test_the_rate_of_a_replica_is_the_largest_that_keeps_the_promises() -> None:
    known = open_catalog()
    setups = able(lone(spec(), PROMISES, known), PROMISES)
    rates = largest_rates(setups, PROMISES, known)
    at = at_rate(setups, rates, list(PROMISES), known)
    beyond = at_rate(setups, rates * 1.001, list(PROMISES), known)
    for kept, broken in zip(at.rows(), beyond.rows(), strict=True):
        assert all(value <= bound for value, bound in zip(kept, PROMISES.values(), strict=True))
        assert any(value is None or value > bound for value, bound in zip(broken, PROMISES.values(), strict=True))


def test_promises_are_kept_at_the_peak() -> None:
    rows = ls.size_fleet(spec(precision=["bf16", "fp8"]), Demand(900, 300), PROMISES)
    assert rows.filter((pl.col("ttft_p99_s") > 1.0) | (pl.col("tpot_s") > 0.05)).is_empty()
    assert set(rows["limit"]) <= {"ttft_p99_s", "tpot_s", "throughput"}


@settings(max_examples=8)
@given(rate=st.floats(1, 1e5), more=st.floats(1, 10))
def test_a_higher_rate_never_needs_fewer_devices(rate: float, more: float) -> None:
    low, high = (best(ls.size_fleet(spec(), Demand(peak, peak), PROMISES)) for peak in (rate, rate * more))
    assert all(high[name] >= low[name] for name in low)


@settings(max_examples=8)
@given(ttft=st.floats(0.2, 3), tpot=st.floats(0.02, 0.1), laxer=st.floats(1, 4))
def test_laxer_promises_never_need_more_devices(ttft: float, tpot: float, laxer: float) -> None:
    demand = Demand(500, 500)
    strict = best(ls.size_fleet(spec(), demand, {"ttft_p99_s": ttft, "tpot_s": tpot}))
    lax = best(ls.size_fleet(spec(), demand, {"ttft_p99_s": ttft * laxer, "tpot_s": tpot * laxer}))
    assert all(lax[name] <= strict[name] for name in strict)


@settings(max_examples=5)
@given(mean=st.floats(0.01, 1))
def test_a_fleet_is_less_occupied_on_average_than_at_its_peak(mean: float) -> None:
    rows = ls.size_fleet(spec(), Demand(100, 100 * mean), PROMISES, redundancy="10%")
    assert (rows["occupancy_at_mean"] <= rows["occupancy_at_peak"]).all()
    assert (rows["occupancy_at_peak"] < 1).all()
    assert (rows["mean_power_w"] <= rows["power_w"]).all()


def test_redundancy_adds_replicas_and_their_rent() -> None:
    plain, spare = (ls.size_fleet(spec(), Demand(100, 50), PROMISES, redundancy=text) for text in ("N", "N+2"))
    keys = ["accelerator", "tensor_parallel"]
    both = plain.join(spare, on=keys, suffix="_spare")
    assert (both["devices_spare"] - both["devices"] == 2 * both["tensor_parallel"]).all()
    assert (both["usd_per_hour_spare"] > both["usd_per_hour"]).all()
    assert (both["occupancy_at_peak_spare"] < both["occupancy_at_peak"]).all()
    # What the requests meet at the peak is without the spares.
    assert (both["tpot_s_spare"] == both["tpot_s"]).all()


def test_idle_devices_are_paid_for_and_draw_a_share_of_their_power() -> None:
    asked = spec(accelerator="h100-sxm-80", tensor_parallel=2)
    asked["prices"] = {"h100-sxm-80": 2.0}
    row = ls.size_fleet(asked, Demand(100, 10), PROMISES).row(0, named=True)
    assert row["usd_per_hour"] == 2.0 * row["devices"]
    assert row["usd_per_month"] == row["usd_per_hour"] * HOURS_PER_MONTH
    assert row["usd_per_million_tokens"] == pytest.approx(row["usd_per_hour"] / 3600 / (10 * 128) * 1e6)
    assert json.loads(open_catalog().operations())["idle_power_share"] == 0.1
    work = row["occupancy_at_mean"]
    assert row["mean_power_w"] == pytest.approx(700 * row["devices"] * (0.1 + 0.9 * work))
    assert row["j_per_token"] == pytest.approx(row["mean_power_w"] / 1280)
    idle = ls.size_fleet({**asked, "operations": {"idle_power_share": 1.0}}, Demand(100, 10), PROMISES)
    assert idle["mean_power_w"][0] == idle["power_w"][0]


def test_replicas_share_nodes_or_span_them() -> None:
    rows = ls.size_fleet(
        spec(model="llama3.1-70b", tensor_parallel=[2, 8], pipeline_parallel=[1, 2]), Demand(99, 9), {"tpot_s": 1}
    )
    h100 = rows.filter(pl.col("accelerator") == "h100-sxm-80")
    for tensor, pipeline, replicas, nodes in h100.select(
        "tensor_parallel", "pipeline_parallel", "replicas", "nodes"
    ).rows():
        together = 8 / (tensor * pipeline)
        assert nodes == (-(-replicas // together) if together >= 1 else replicas / together)


def test_an_accelerator_without_a_price_comes_last() -> None:
    rows = ls.size_fleet(spec(accelerator=["h20-96", "h100-sxm-80"]), Demand(10, 10), PROMISES)
    assert rows["usd_per_hour"].is_null().to_list() == sorted(rows["usd_per_hour"].is_null())
    assert rows["accelerator"].to_list()[-1] == "h20-96"
    alone = ls.size_fleet(spec(accelerator="h20-96"), Demand(10, 10), PROMISES)
    assert alone["devices"].to_list() == sorted(alone["devices"])
    assert alone["on_front"][0]


def test_a_rate_of_the_sweep_has_no_meaning() -> None:
    asked = spec()
    asked["workload"] = {**asked["workload"], "arrival_rate_per_s": 3}
    frames = [ls.size_fleet(each, Demand(100, 10), PROMISES) for each in (asked, spec())]
    assert frames[0].equals(frames[1])


def test_the_front_is_of_cost_against_devices() -> None:
    rows = ls.size_fleet(spec(precision=["bf16", "fp8"]), Demand(900, 300), PROMISES)
    front = rows.filter("on_front")
    assert front["devices"].to_list() == sorted(front["devices"], reverse=True)
    assert front["usd_per_hour"].to_list() == sorted(front["usd_per_hour"])
    assert rows["on_front"][0]


@pytest.mark.parametrize(
    ("promises", "part"),
    [
        ({"ttft_p99_s": 1e-3}, r"no setup reaches ttft_p99_s ≤ 0\.001 s; the nearest is 0\.0\d+ s \(accelerator="),
        ({"tpot_s": 1e-4}, r"no setup reaches tpot_s ≤ 0\.0001 s; the nearest is 0\.00\d+ s"),
        # One H100 has only the former, one MI300X only the latter.
        (
            {"ttft_s": 0.0615, "tpot_s": 0.006},
            r"together; the nearest has ttft_s 0\.06\d+ s \(0\.0615 s promised\), tpot",
        ),
    ],
)
def test_the_nearest_value_is_named_where_a_promise_is_out_of_reach(promises: dict[str, float], part: str) -> None:
    with pytest.raises(NothingFeasibleError, match=part):
        ls.size_fleet(spec(accelerator=["h100-sxm-80", "mi300x"], tensor_parallel=1), Demand(10, 10), promises)


def test_a_model_that_does_not_fit_says_why() -> None:
    with pytest.raises(NothingFeasibleError, match="none of 2 setups can run: weights_do_not_fit 2"):
        ls.size_fleet(spec(model="llama3.1-405b", accelerator="l40s"), Demand(10, 10), PROMISES)


@pytest.mark.parametrize(
    ("change", "promises", "part"),
    [
        ({}, {}, "none is given; allowed: ttft_s"),
        ({}, {"ttft": 1}, '"ttft" is no time that can be promised'),
        ({}, {"tpot_s": 0}, "must be above 0"),
        ({"phase": "training"}, {"tpot_s": 1}, 'must be "inference", not "training"'),
        ({"search": {"mode": "per_device"}}, {"tpot_s": 1}, r"no \[search\]"),
        (
            {"axes": {"model": "llama3.1-8b", "accelerator": "*", "max_batch": [*range(1, 2000)]}},
            {"tpot_s": 1},
            "100,000",
        ),
        ({"axes": {"model": "llama9"}}, {"tpot_s": 1}, 'unknown model "llama9"'),
    ],
)
def test_wrong_sweeps_and_promises(change: dict[str, Any], promises: dict[str, float], part: str) -> None:
    with pytest.raises(SpecError, match=part):
        ls.size_fleet({**spec(), **change}, Demand(10, 10), promises)


@pytest.mark.parametrize(("peak", "mean"), [(0, 0), (-1, 1), (10, 11), (10, 0), (float("nan"), 1), (1e300, 1)])
def test_wrong_rates(peak: float, mean: float) -> None:
    with pytest.raises(SpecError, match="rate"):
        Demand(peak, mean)


@pytest.mark.parametrize("text", ["2N", "N+", "N-1", "-10%", "x%", "", "N+1.5", "inf%", "nan%"])
def test_wrong_redundancy(text: str) -> None:
    with pytest.raises(SpecError, match=r"N\+1 or 10%"):
        Redundancy.parse(text)


@pytest.mark.parametrize("text", ["-1", "=1", "x", "h100=", "1e", "nan"])
def test_wrong_prices(text: str) -> None:
    with pytest.raises(SpecError, match="per device and hour"):
        parse_prices([text], ["l40s"])
