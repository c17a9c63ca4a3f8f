"""What anyone who knows the field checks first, each with its published or elementary number."""

import json
from typing import Any

import polars as pl
import pytest

import llmsweep as ls
from llmsweep.api import open_catalog


def serve(columns: list[str] | None = None, **axes: Any) -> pl.DataFrame:
    """Every row of an inference sweep over these axes."""
    return ls.sweep({"schema": 1, "phase": "inference", "axes": axes}, keep="all", columns=columns)


def parameters(model: str) -> float:
    """Parameters of a model, as the sweep counts them."""
    value: float = serve(["parameters"], model=model, accelerator="h100-sxm-80")["parameters"][0]
    return value


def test_cache_of_llama_2_70b() -> None:
    # 2 · 80 layers · 8 key-value heads · 128 channels · 2 bytes (arXiv:2307.09288, table 1 and section A.2.1).
    rows = serve(["kv_bytes_per_token"], model="llama2-70b", accelerator="b200-sxm", kv_precision="fp16")
    assert rows["kv_bytes_per_token"].to_list() == [327_680.0]


@pytest.mark.parametrize("accelerator", ["rtx-4090", "h100-sxm-80", "h200-sxm-141", "b200-sxm", "mi300x"])
def test_a_7b_is_read_once_per_token(accelerator: str) -> None:
    row = serve(model="llama2-7b", accelerator=accelerator, precision="fp16").row(0, named=True)
    entry = json.loads(open_catalog().show("accelerators", accelerator))
    # The token table (32,000 · 4,096 · 2 bytes) is looked up rather than read.
    weights = row["parameters"] * 2 - 32_000 * 4_096 * 2
    assert row["parameters"] * 2 == pytest.approx(13.5e9, rel=2e-3)
    assert row["weight_bytes"] == pytest.approx(13.5e9, rel=2e-3)
    assert row["tpot_s"] > row["tpot_s_bound"] >= weights / entry["memory_bandwidth_bytes_per_s"]


def test_w4a16_70b_on_one_b200() -> None:
    # 70 · 10⁹ weights of half a byte at 8 TB/s take 4.4 ms; scales and cache come on top.
    rows = serve(["tpot_s", "tpot_s_bound"], model="llama3.1-70b", accelerator="b200-sxm", precision="w4a16")
    assert rows["tpot_s"][0] > rows["tpot_s_bound"][0] >= 4.4e-3


def test_175b_does_not_fit_one_h200() -> None:
    rows = serve(["reject"], model="gpt3-175b", accelerator="h200-sxm-141", precision="fp16")
    assert rows["reject"].to_list() == ["weights_do_not_fit"]


@pytest.mark.parametrize(
    ("model", "tokens", "flops", "accuracy"),
    [
        # arXiv:2005.14165, table D.1: 3.14e23.
        ("gpt3-175b", 300e9, 3.15e23, 5e-3),
        # arXiv:2407.21783, section 3.2.
        ("llama3.1-405b", 15.6e12, 3.8e25, 5e-3),
    ],
)
def test_six_flops_per_parameter_and_token(model: str, tokens: float, flops: float, accuracy: float) -> None:
    assert 6 * parameters(model) * tokens == pytest.approx(flops, rel=accuracy)


ISLANDS = [
    {
        "id": f"hopper-in-{devices}s",
        "architecture": "hopper",
        "peak_flops_per_s": {"bf16": 989e12, "fp16": 989e12, "fp8": 1979e12},
        "memory_bytes": 80e9,
        "memory_bandwidth_bytes_per_s": 3.35e12,
        "scale_up_link": "nvlink4",
        "scale_up_devices": devices,
        "scale_up_bandwidth_bytes_per_s": 450e9,
        "host_devices": devices,
        "nic_bandwidth_bytes_per_s": 50e9,
        "rental_usd_per_hour": 2.0,
    }
    for devices in (4, 8)
]


def test_tensor_parallel_across_islands_is_slower_in_serving() -> None:
    axes = {"model": "llama3.1-70b", "accelerator": [entry["id"] for entry in ISLANDS], "tensor_parallel": [4, 8]}
    spec = {"schema": 1, "phase": "inference", "axes": {**axes, "concurrency": [1, 64]}, "accelerator": ISLANDS}
    rows = ls.sweep(spec, keep="all").sort("tensor_parallel", "concurrency")
    fours, eights = (rows.filter(pl.col("accelerator") == entry["id"]) for entry in ISLANDS)
    slower = fours["tpot_s"] > eights["tpot_s"]
    # Four devices fit either domain, eight only the larger.
    assert slower.to_list() == [False, False, True, True]
    assert (fours["ttft_s"] > eights["ttft_s"]).to_list() == [False, False, True, True]


def test_tensor_parallel_across_islands_is_slower_in_training() -> None:
    axes = {"model": "llama3.1-70b", "accelerator": [entry["id"] for entry in ISLANDS], "tensor_parallel": 8}
    work = {"devices": 64, "global_batch": 128, "sequence_length": 8192}
    spec = {
        "schema": 1,
        "phase": "training",
        "axes": {**axes, "pipeline_parallel": 8},
        "workload": work,
        "accelerator": ISLANDS,
    }
    fours, eights = ls.sweep(spec).sort("accelerator").iter_rows(named=True)
    assert fours["tensor_communication_s"] > 1.5 * eights["tensor_communication_s"]
    assert fours["step_time_s"] > eights["step_time_s"]
