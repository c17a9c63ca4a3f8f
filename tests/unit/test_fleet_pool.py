"""Pools of models: published figures, laws of the policies, and the file."""

import math
import tomllib
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmsweep as ls
from llmsweep.errors import CatalogError, NothingFeasibleError, SpecError
from llmsweep.fleet.occupancy import active_quantile, active_share, requests_in_flight, swap_s
from llmsweep.fleet.policies import POLICIES
from llmsweep.fleet.pool_file import constants, read_pool
from support import ROOT

AEGAEON = ROOT / "sweeps" / "pools" / "aegaeon.toml"
TESTBED = AEGAEON.with_name("aegaeon-testbed.toml")
# Xiang et al. 2025 (SOSP '25, 10.1145/3731569.3764815), the deployment: H20 before and after; 28 models on one device
# each, 19 on four.
BEFORE, AFTER = 1192, 213
DEVICES_OF_ALL_MODELS = 28 + 19 * 4


def pool(rate: Any = 0.05, *, count: int = 20, **more: Any) -> dict[str, Any]:
    model = {"model": "llama3.1-8b", "count": count, "rate_per_s": rate, "input_tokens": 512, "output_tokens": 256}
    return {"accelerator": "h100-sxm-80", "promise": {"ttft_s": 5.0, "tpot_s": 0.1}, "models": [model], **more}


def told(rate: float, service_s: float = 8.0, step_s: float = 0.01, count: int = 20) -> dict[str, Any]:
    """A model that the catalogue lacks: no engine is asked."""
    model = {
        "count": count,
        "rate_per_s": rate,
        "service_s": service_s,
        "input_tokens": 512,
        "output_tokens": 256,
        "weight_bytes": 16e9,
        "prefill_s": 0.05,
        "step_s": step_s,
        "replica_rate_per_s": 2.0,
        "devices": 1,
    }
    return {"accelerator": "h100-sxm-80", "promise": {"ttft_s": 5.0, "tpot_s": 0.1}, "models": [model]}


def devices(frame: pl.DataFrame) -> list[int]:
    assert frame["policy"].to_list() == list(POLICIES)
    return frame["devices"].to_list()


def test_active_models_of_aegaeon() -> None:
    """Section 3.1: 100 models, 0.037 requests/s each, 16.79 s: 46.55 active, 2.148 models per instance."""
    active = 100 * active_share(0.037, 16.79)
    assert active == pytest.approx(46.55, rel=0.01)
    assert 100 / active == pytest.approx(2.148, rel=0.01)


def test_models_per_device_of_aegaeon() -> None:
    """Abstract: two or three models a device where requests switch, up to seven where tokens do; nothing is fitted."""
    table = tomllib.loads(TESTBED.read_text(encoding="utf-8"))
    mixed = ls.size_pool(table)["models_per_place"]
    alone = [{**table, "models": [{**model, "count": 70}]} for model in table["models"]]
    small, large = (ls.size_pool(each)["models_per_place"] for each in alone)
    assert 2 <= large[1] <= mixed[1] <= small[1] <= 3
    assert 5 < large[2] < mixed[2] < small[2] < 9
    assert mixed[2] == pytest.approx(7, rel=0.15)


def test_a_swap_takes_less_than_a_second() -> None:
    """Figure 7: 26.9 s of autoscaling became 0.8 s. 14B in 16 bits over PCI Express 5."""
    assert 0.4 < swap_s(28e9, 63e9 * constants()["host_copy_efficiency"]) < 1


def test_the_deployment_of_aegaeon_lies_within_what_it_leaves_open() -> None:
    rows = {row["policy"]: row for row in ls.size_pool(AEGAEON).iter_rows(named=True)}
    dedicated, token = rows["dedicated"], rows["token_level"]
    assert dedicated["devices_low"] <= BEFORE <= dedicated["devices_high"]
    assert token["devices_low"] <= AFTER <= token["devices_high"]
    assert (dedicated["models"], dedicated["usd_per_hour"]) == (47, None)
    assert 0.133 <= dedicated["utilisation"] <= 0.339
    assert token["utilisation"] == pytest.approx(0.481, rel=0.02)
    assert token["devices_low"] > DEVICES_OF_ALL_MODELS


def test_before_and_after_of_aegaeon_tell_each_other() -> None:
    """Each of the two published sizes follows from the other one's utilisation, 13.3 to 33.9 and 48.1 %."""
    replicas = BEFORE / DEVICES_OF_ALL_MODELS
    in_flight = [replicas * requests_in_flight(share) for share in (0.133, 0.339)]
    after = [DEVICES_OF_ALL_MODELS * active_share(flight, 1) / 0.481 for flight in in_flight]
    assert after[0] <= AFTER <= after[1]
    assert after == pytest.approx([174, 214], abs=1)
    flight = requests_in_flight(AFTER * 0.481 / DEVICES_OF_ALL_MODELS)
    before = [DEVICES_OF_ALL_MODELS * flight / requests_in_flight(share) for share in (0.339, 0.133)]
    assert before[0] <= BEFORE <= before[1]


def test_what_switching_alone_gives_aegaeon() -> None:
    """By the promises alone a pool is far smaller than the published one, and one replica of each model is too."""
    table = tomllib.loads(AEGAEON.read_text(encoding="utf-8"))
    rows = ls.size_pool({name: part for name, part in table.items() if name not in ("dedicated", "pool")})
    assert rows["devices"][0] == DEVICES_OF_ALL_MODELS < AFTER
    assert rows["devices"][2] < DEVICES_OF_ALL_MODELS / 4


def test_cost_before_and_after() -> None:
    rows = ls.size_pool(pool(0.005), usd_per_device_hour=2.0)
    assert rows["usd_per_hour"].to_list() == [2.0 * number for number in devices(rows)]
    assert rows["usd_per_month"].to_list() == [730.5 * hourly for hourly in rows["usd_per_hour"]]
    priced = ls.size_pool(pool(0.005))
    assert priced["usd_per_hour"][0] == pytest.approx(20 * 5.3051, rel=1e-4)


@settings(max_examples=60)
@given(
    rate=st.floats(1e-4, 50),
    service=st.floats(0.1, 100),
    step=st.floats(1e-3, 0.2),
    count=st.integers(1, 200),
    redundancy=st.sampled_from(["N", "N+1", "10%"]),
)
def test_finer_switching_never_needs_more(
    rate: float, service: float, step: float, count: int, redundancy: str
) -> None:
    rows = ls.size_pool({**told(rate, service, step, count), "redundancy": redundancy})
    dedicated, request, token = devices(rows)
    assert 1 <= token <= request <= dedicated
    assert rows["active_models"][0] <= count
    assert (rows["utilisation"] <= 1).all()
    assert (rows["devices_low"] == rows["devices_high"]).all()


def test_finer_switching_never_needs_more_by_the_engine_either() -> None:
    for rate in (0.001, 0.05, 1.0, 30.0):
        dedicated, request, token = devices(ls.size_pool(pool(rate, count=5)))
        assert 1 <= token <= request <= dedicated


def test_a_busy_pool_is_as_large_as_devices_of_their_own() -> None:
    dedicated, request, _ = devices(ls.size_pool(told(500.0)))
    assert request == dedicated == 20 * 250
    assert ls.size_pool(told(500.0))["limit"].to_list()[1] in ("dedicated", "active_models")


def test_the_expected_number_of_active_models_grows_to_all() -> None:
    active = [ls.size_pool(told(rate))["active_models"][0] for rate in (1e-6, 0.01, 0.1, 1.0, 100.0)]
    assert active == sorted(active)
    assert active[0] == pytest.approx(0, abs=1e-3)
    assert active[-1] == pytest.approx(20)


@settings(max_examples=20)
@given(rate=st.floats(1e-3, 10), more=st.floats(1, 10))
def test_a_higher_rate_never_needs_fewer_devices(rate: float, more: float) -> None:
    few, many = (devices(ls.size_pool(told(each))) for each in (rate, rate * more))
    assert all(high >= low for low, high in zip(few, many, strict=True))


def test_what_is_left_open_becomes_an_interval() -> None:
    exact = [devices(ls.size_pool(pool(rate))) for rate in (0.01, 0.4)]
    rows = ls.size_pool(pool([0.01, 0.4]))
    assert [rows["devices_low"].to_list(), rows["devices_high"].to_list()] == exact


def test_a_promise_too_short_for_a_swap_keeps_models_where_they_are() -> None:
    table = told(0.01)
    table["promise"]["ttft_s"] = 0.3  # the swap takes 16e9 / 55.4e9 = 0.289 s, the prefill 0.05 s
    assert devices(ls.size_pool(table)) == [20, 20, 20]
    hidden = {**table, "link": {"hidden_share": 0.5}}
    assert devices(ls.size_pool(hidden))[1] < 20


def test_a_slow_link_makes_token_level_switching_wait_for_swaps() -> None:
    fast, slow = (ls.size_pool({**told(0.5), "link": {"host_bytes_per_s": link}}) for link in (63e9, 6e9))
    assert devices(slow)[2] > devices(fast)[2]
    assert fast["limit"][2] == "pace"
    assert slow["limit"][2] == "swaps"


def test_busy_shares_keep_devices_free() -> None:
    plain = devices(ls.size_pool(told(0.02)))
    kept = devices(ls.size_pool({**told(0.02), "dedicated": {"busy_share": 0.1}, "pool": {"busy_share": 0.3}}))
    assert kept[0] == 20 * math.ceil(0.16 / -math.log1p(-0.1)) > plain[0]
    assert kept[1] == math.ceil(20 * active_share(0.02, 8) / 0.3) > plain[1]


@settings(max_examples=30)
@given(n=st.integers(20, 300), p=st.floats(0.05, 0.95))
def test_the_quantile_is_that_of_the_binomial(n: int, p: float) -> None:
    below, exact = 0.0, 0
    while below < 0.99:
        below += math.comb(n, exact) * p**exact * (1 - p) ** (n - exact)
        exact += 1
    assert abs(active_quantile([(n, p, 1.0)], 0.99) - (exact - 1)) <= 2


def test_models_of_several_sizes_have_places_of_their_size() -> None:
    small, large = pool(0.01)["models"][0], {**pool(0.01)["models"][0], "model": "llama3.1-70b", "tensor_parallel": 4}
    apart = [devices(ls.size_pool({**pool(), "models": [model]})) for model in (small, large)]
    together = ls.size_pool({**pool(), "models": [large, small]})
    assert devices(together) == [one + other for one, other in zip(*apart, strict=True)]
    assert apart[0][0] == 20
    assert all(number % 4 == 0 for number in apart[1])
    assert (together["models"][0], together["models_per_place"][0]) == (40, 1.0)


def changed(**change: Any) -> dict[str, Any]:
    table = pool()
    table["models"] = [{**table["models"][0], **change}]
    return table


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({**pool(), "acelerator": "l40s"}, 'no key "acelerator"; did you mean "accelerator"'),
        ({**pool(), "models": []}, "must name at least one model"),
        ({**pool(), "models": [3]}, r"\[\[models\]\] 1 must be a table"),
        ({**pool(), "promise": {"ttft_s": 1.0}}, "needs a tpot"),
        ({**pool(), "promise": {}}, "none is given"),
        ({**pool(), "promise": 3}, r"\[promise\] must be a table"),
        ({**pool(), "pool": {"busy_share": 1.0}}, "busy_share must be a share below 1"),
        ({**pool(), "pool": {"busy": 0.4}}, 'no key "busy"; did you mean "busy_share"'),
        ({**pool(), "redundancy": "2N"}, 'the redundancy "2N"'),
        ({**pool(), "redundancy": 2}, "the file needs redundancy, a text"),
        (changed(rate_per_s=[0.5, 0.1]), r"rate_per_s must be a number above 0 or \[low, high\], not \[0\.5, 0\.1\]"),
        (changed(rate_per_s=math.inf), "rate_per_s must be a number above 0"),
        (changed(rate_per_s=True), "rate_per_s must be a number above 0"),
        (changed(count=0), "count, a whole number of at least 1, not 0"),
        (changed(output_tokens=1.5), "output_tokens, a whole number"),
        (changed(step_s=0.1), "step_s is computed and can't be given"),
        (changed(model="llama3.1-8c"), 'unknown model "llama3.1-8c"; did you mean "llama3.1-8b"'),
        (changed(precision="fp9"), '"fp9"'),
        ({**pool(), "models": [{"rate_per_s": 1}]}, "no model of the catalogue, and then needs weight_bytes"),
    ],
)
def test_wrong_files(table: dict[str, Any], part: str) -> None:
    with pytest.raises(SpecError, match=part):
        ls.size_pool(table)


def test_an_unknown_accelerator() -> None:
    with pytest.raises(CatalogError, match="h1000"):
        ls.size_pool({**pool(), "accelerator": "h1000"})


def test_a_model_that_does_not_fit_is_named() -> None:
    with pytest.raises(NothingFeasibleError, match=r'models "llama3\.1-405b" stands in the way: none of 1 setups'):
        ls.size_pool(changed(model="llama3.1-405b"))


def test_the_shipped_pool_says_what_it_is_for() -> None:
    assert AEGAEON.read_text(encoding="utf-8").startswith("#")
    assert sum(model.count for model in read_pool(AEGAEON).models) == 47
