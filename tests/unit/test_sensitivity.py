"""Elasticities, what binds, finite changes and break-even prices of known setups."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import llmsweep as ls
from llmsweep.sensitivity.binding import BINDING
from llmsweep.sensitivity.numbers import DEFAULT_RESULTS, MAIN_TIME, NUMBERS
from support import plain

Call = Callable[[pl.DataFrame], pl.DataFrame]
CHAT: dict[str, Any] = {"model": "llama3.1-70b", "accelerator": "h200-sxm-141", "precision": "fp8"}
TRAINED: dict[str, Any] = {
    "model": "llama3.1-405b",
    "accelerator": "h100-sxm-80",
    "stack": "megatron-core",
    "devices": 16384,
    "tensor_parallel": 8,
    "pipeline_parallel": 16,
    "virtual_pipeline": 4,
    "embedding_as_layers": True,
    "recompute": "selective",
    "sequence_length": 8192,
    "global_batch": 2048,
}


def frame(*setups: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(setups))


def test_registry_names_axes_of_both_phases() -> None:
    both = {axis["name"] for axis in ls.registry()["axes"] if len(axis["phases"]) == 2}
    assert {number.axis for number in NUMBERS.values()} <= both
    assert all(number.doc.endswith(".") and number.axis.endswith("_scale") for number in NUMBERS.values())
    for phase in ("training", "inference"):
        assert MAIN_TIME[phase] in DEFAULT_RESULTS[phase]


def test_one_users_decode_waits_for_the_weights() -> None:
    """A token reads all weights once: that share of its time goes with the inverse of the bandwidth."""
    found = ls.sensitivity(frame(CHAT), phase="inference", of="tpot_s")
    explained = ls.explain({"schema": 1, "phase": "inference", "axes": CHAT})
    terms = {term["name"]: term["value"] for section in explained["sections"] for term in section["terms"]}
    efficiency = terms["short GEMM, share of bandwidth"]
    own = ls.evaluate(frame(CHAT), phase="inference")
    assert efficiency is not None
    # Of the 67.67 GiB the input table of 128,256 rows of 8,192 values of 2 bytes is not read.
    read_s = (own["weight_bytes"][0] - 128_256 * 8192 * 2) / (4.8e12 * efficiency)
    assert found["elasticity_tpot_s_to_hbm_bandwidth"][0] == pytest.approx(-read_s / own["tpot_s"][0], abs=0.03)
    assert found["elasticity_tpot_s_to_hbm_bandwidth"][0] < -0.8
    assert found["elasticity_tpot_s_to_peak_flops"][0] == pytest.approx(0, abs=0.01)
    assert found["what_binds"][0] == "hbm_bandwidth"


@pytest.mark.parametrize(
    ("phase", "setup", "binds"),
    [
        ("inference", {**CHAT, "concurrency": 400}, "peak_flops"),
        ("inference", {"model": "llama3.2-1b", "accelerator": "h100-sxm-80"}, "software"),
        ("training", TRAINED, "peak_flops"),
        ("training", {**TRAINED, "network_bandwidth_scale": 0.01}, "network_bandwidth"),
        ("training", {**TRAINED, "scale_up_bandwidth_scale": 0.01}, "scale_up_bandwidth"),
    ],
)
def test_what_binds(phase: Any, setup: dict[str, Any], binds: str) -> None:
    assert ls.sensitivity(frame(setup), phase=phase, of=MAIN_TIME[phase])["what_binds"].to_list() == [binds]


def test_what_binds_is_what_explains_more_than_half() -> None:
    setups = frame(*({**CHAT, "concurrency": users} for users in (1, 4, 16, 64, 100, 128, 142, 200, 1000, 4000)))
    found = ls.sensitivity(setups, phase="inference", of="e2e_s")
    labels = []
    for row in found.iter_rows(named=True):
        shares = {name: -row[f"elasticity_e2e_s_to_{name}"] for name in NUMBERS if name not in ("price", "power")}
        shares["software"] = -row["elasticity_e2e_s_to_rest"]
        most = max(shares, key=lambda name: shares[name])
        labels.append(most if shares[most] > 0.5 else "several")
    assert found["what_binds"].to_list() == labels
    assert {"several", "hbm_bandwidth"} <= set(labels) <= set(BINDING)


def test_speeds_and_rest_of_a_time_sum_to_minus_one() -> None:
    setups = frame({**CHAT, "concurrency": 8}, {**CHAT, "concurrency": 64})
    found = ls.sensitivity(setups, phase="inference", of=["tpot_s", "e2e_s"])
    speeds = [name for name, number in NUMBERS.items() if number.is_speed]
    for time in ("tpot_s", "e2e_s"):
        total = found.select(pl.sum_horizontal(f"elasticity_{time}_to_{name}" for name in [*speeds, "rest"]))
        assert total.to_series().to_list() == pytest.approx([-1, -1])


def test_a_row_that_cannot_run_has_a_reason_and_no_elasticity() -> None:
    setups = frame({**CHAT, "accelerator": "l40s"}, CHAT)
    found = ls.sensitivity(setups, phase="inference")
    assert found["reject"].to_list() == ["weights_do_not_fit", None]
    for name in found.columns:
        if name.startswith(("elasticity_", "difference_", "what_binds")):
            assert found[name][0] is None, name
    changed = ls.what_if(setups, "memory", [1.2, 4], phase="inference", of="tpot_s")
    assert changed["reject"].to_list()[:2] == ["weights_do_not_fit", None]
    assert changed["tpot_s_ratio"].to_list()[:2] == [None, None]
    assert changed["tpot_s"][1] > 0


def test_the_least_memory_that_suffices_has_a_derivative_from_above() -> None:
    scales = [step / 200 for step in range(100, 201)]
    setups = frame(*({**CHAT, "memory_scale": scale} for scale in scales))
    runs = ls.evaluate(setups, phase="inference")["feasible"]
    least = runs.arg_true()[0]
    assert least > 0
    found = ls.sensitivity(setups[least : least + 1], phase="inference", of="tpot_s")
    assert found["difference_memory"].to_list() == ["above"]
    assert found["elasticity_tpot_s_to_memory"][0] is not None
    assert found["difference_hbm_bandwidth"].to_list() == ["central"]


def test_the_fastest_arrivals_that_are_served_have_a_derivative_from_above() -> None:
    """A little slower, and requests would come faster than they are served."""
    chat = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
    served = ls.evaluate(frame({**chat, "arrival_rate_per_s": 1.0}), phase="inference")["max_requests_per_s"][0]
    found = ls.sensitivity(frame({**chat, "arrival_rate_per_s": served * 0.9999}), phase="inference", of="e2e_s")
    assert found["difference_hbm_bandwidth"].to_list() == ["above"]
    assert found["elasticity_e2e_s_to_hbm_bandwidth"][0] < -1
    assert found["elasticity_e2e_s_to_rest"][0] > 0
    assert found["difference_price"].to_list() == ["central"]


def test_more_memory_by_whole_requests_is_finite() -> None:
    found = ls.sensitivity(frame({**CHAT, "concurrency": 400}), phase="inference", of="tokens_per_s")
    own, more, less = (
        ls.evaluate(frame({**CHAT, "concurrency": 400, "memory_scale": scale}), phase="inference")
        for scale in (1, 1.01, 0.99)
    )
    assert more["max_concurrency"][0] > own["max_concurrency"][0] > less["max_concurrency"][0]
    assert found["difference_memory"].to_list() == ["finite"]
    expected = pl.Series([more["tokens_per_s"][0] / less["tokens_per_s"][0]]).log()[0] / 0.020000666706669543
    assert found["elasticity_tokens_per_s_to_memory"][0] == pytest.approx(expected, rel=1e-9)


def test_factors_on_axes_are_those_of_the_setup_times_more() -> None:
    slower = {**CHAT, "hbm_bandwidth_scale": 0.5}
    found = ls.what_if(frame(slower), "hbm_bandwidth", [2, 1, 0.5], phase="inference", of=["tpot_s", "e2e_s"])
    assert found["hbm_bandwidth_scale"].to_list() == [1.0, 0.5, 0.25]
    assert found["factor"].to_list() == [2, 1, 0.5]
    scales = frame(*({**CHAT, "hbm_bandwidth_scale": scale} for scale in (1.0, 0.5, 0.25)))
    assert found["tpot_s"].to_list() == ls.evaluate(scales, phase="inference")["tpot_s"].to_list()
    assert found["tpot_s_ratio"][1] == 1.0


def test_rows_keep_their_order_and_columns() -> None:
    spec = {"schema": 1, "phase": "inference", "axes": {**CHAT, "concurrency": [1, 8, 64], "tensor_parallel": [1, 2]}}
    rows = plain(ls.sweep(spec, keep="all"))
    found = ls.sensitivity(rows, phase="inference", of="tpot_s", to=["power", "price", "power"])
    assert_frame_equal(found.select(rows.columns), rows)
    assert [name for name in found.columns if name not in rows.columns] == [
        "elasticity_tpot_s_to_power",
        "elasticity_tpot_s_to_price",
        "elasticity_tpot_s_to_rest",
        "difference_power",
        "difference_price",
        "what_binds",
    ]
    again = ls.sensitivity(found, phase="inference", of="tpot_s", to=["power", "price"])
    assert_frame_equal(again, found)


WITHIN = """\
schema = 1
phase = "inference"
[axes]
model = "llama3.1-70b"
accelerator = "h200-sxm-141"
precision = "fp8"
tensor_parallel = [1, 2]
concurrency = 64
[search]
mode = "fleet"
devices = 9
[prices]
h200-sxm-141 = 2.0
[operations]
pue = 1.5
"""


def test_rows_of_a_sweep_are_evaluated_within_it(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(WITHIN, encoding="utf-8")
    rows = plain(ls.sweep(path))
    for within in (path, str(path), WITHIN):
        same = ls.what_if(
            rows, "power", 1, phase="inference", of=["tpot_s", "cost_usd", "facility_energy_j"], within=within
        )
        for name in ("tpot_s", "cost_usd", "facility_energy_j"):
            assert same[name].to_list() == rows[name].to_list(), name
    bare = ls.what_if(rows, "power", 1, phase="inference", of="cost_usd")
    assert bare["cost_usd"].to_list() != rows["cost_usd"].to_list()
    priced = ls.break_even(rows, rows, phase="inference", within=path)
    assert priced["break_even_usd_per_device_hour"].to_list() == pytest.approx([2.0, 2.0])


def test_at_the_break_even_price_both_cost_the_same() -> None:
    chips = ["h100-sxm-80", "b200-sxm", "mi300x", "m4-max"]
    setups = frame(*({**CHAT, "accelerator": chip, "tensor_parallel": 1, "precision": "fp8"} for chip in chips))
    other = frame(CHAT)
    found = ls.break_even(setups, other, phase="inference")["break_even_usd_per_device_hour"]
    cost = ls.evaluate(other, phase="inference")["usd_per_million_tokens"][0]
    for chip, price, runs in zip(chips, found, ls.evaluate(setups, phase="inference")["feasible"], strict=True):
        assert (price is not None) == runs
        if price is not None:
            setup = frame({**CHAT, "accelerator": chip})
            at_price = ls.evaluate(setup, phase="inference", within={"prices": {chip: price}})
            assert at_price["usd_per_million_tokens"][0] == pytest.approx(cost, rel=1e-12)
    assert found.is_not_null().sum() >= 2


def test_break_even_needs_no_price_of_its_own() -> None:
    setup = {"model": "llama3.1-8b", "accelerator": "m4-max"}
    assert ls.evaluate(frame(setup), phase="inference")["cost_usd"][0] is None
    price = ls.break_even(frame(setup), 10.0, phase="inference")["break_even_usd_per_device_hour"][0]
    tokens_per_hour = ls.evaluate(frame(setup), phase="inference")["tokens_per_s"][0] * 3600
    assert price == pytest.approx(10 * tokens_per_hour / 1e6, rel=1e-12)
    unpriced = ls.break_even(frame(CHAT), frame(setup), phase="inference")
    assert unpriced["break_even_usd_per_device_hour"].to_list() == [None]


def test_two_pools_break_even_at_one_price_of_both() -> None:
    pools = {
        **CHAT,
        "serving_mode": "disaggregated",
        "prefill_accelerator": "h100-sxm-80",
        "prefill_tensor_parallel": 2,
        "concurrency": 8,
        "price_scale": 3.0,
    }
    price = ls.break_even(frame(pools), 4.0, phase="inference")["break_even_usd_per_device_hour"][0]
    paid = {"prices": {"h200-sxm-141": price, "h100-sxm-80": price}}
    own = ls.evaluate(frame({**pools, "price_scale": 1.0}), phase="inference", within=paid)
    assert own["usd_per_million_tokens"][0] == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize("phase", ["training", "inference"])
def test_empty_frames_have_the_columns_of_full_ones(phase: Any) -> None:
    full = frame(TRAINED if phase == "training" else CHAT)
    calls: list[Call] = [
        lambda rows: ls.sensitivity(rows, phase=phase),
        lambda rows: ls.what_if(rows, "price", [1, 2], phase=phase),
        lambda rows: ls.break_even(rows, full, phase=phase),
    ]
    for call in calls:
        assert call(full[:0]).columns == call(full).columns
        assert call(full[:0]).is_empty()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda f: ls.sensitivity(f, phase=cast(Any, "serving")),
            '"serving" is not a phase; allowed: training, inference',
        ),
        (lambda f: ls.sensitivity(f, phase="inference", of="tpot"), 'no result "tpot"; did you mean "tpot_s"?'),
        (lambda f: ls.sensitivity(f, phase="inference", of="reject"), '"reject" is no number'),
        (lambda f: ls.sensitivity(f, phase="inference", of="mfu"), 'inference has no result "mfu"'),
        (
            lambda f: ls.sensitivity(f, phase="inference", to="bandwidth"),
            '"bandwidth" is no number of the hardware; did you mean',
        ),
        (lambda f: ls.sensitivity(f, phase="inference", step=0), 'step "0" must be above 0'),
        (lambda f: ls.sensitivity(f, phase="inference", step=0.6), "at most 0.5"),
        (
            lambda f: ls.sensitivity(f.with_columns(tensor_paralel=1), phase="inference"),
            'column "tensor_paralel" is neither an axis nor a result of inference; did you mean "tensor_parallel"?',
        ),
        (lambda f: ls.sensitivity(f.drop("model"), phase="inference"), 'the column "model" is missing'),
        (lambda f: ls.what_if(f, "price", [1, 0], phase="inference"), 'factor "0.0" must be a finite number above 0'),
        (lambda f: ls.what_if(f, "price", float("nan"), phase="inference"), 'factor "nan" must be'),
        (lambda f: ls.what_if(f, "prize", 2, phase="inference"), 'did you mean "price"?'),
        (lambda f: ls.break_even(f, f, phase="inference", by="tpot_s"), '"tpot_s" is not in proportion to the rental'),
        (lambda f: ls.break_even(f, f, phase="inference", by="ownership_usd"), "is not in proportion to the rental"),
        (lambda f: ls.break_even(f, pl.concat([f, f]), phase="inference"), "against has 2 rows; it must have 1 or"),
        (lambda f: ls.break_even(f, f, phase="inference", within="[prices"), "<spec>:1:8: this is not valid TOML"),
        (lambda f: ls.sensitivity(f, phase="inference", within={"prises": {}}), 'unknown key "prises"'),
    ],
)
def test_wrong_input_is_named(call: Any, sentence: str) -> None:
    with pytest.raises(ls.LlmsweepError) as refused:
        call(frame(CHAT))
    assert sentence in str(refused.value)
