"""A sweep, the same setups one by one, its front, and any number of threads tell the same."""

from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import llmsweep as ls
from support import plain

# Some values of each axis; a drawn sweep has up to three of a handful of axes.
COMMON: dict[str, list[Any]] = {
    "precision": ["bf16", "fp8", "fp16", "int8", "w4a16", "nvfp4"],
    "tensor_parallel": [1, 2, 3, 4, 8, 16],
    "pipeline_parallel": [1, 2, 4, 5],
    "expert_parallel": [1, 2, 8],
    "network": ["default", "ib-ndr", "efa-v3"],
    "hbm_bandwidth_scale": [0.5, 1.0, 1.7],
    "memory_scale": [0.3, 1.0, 4.0],
    "price_scale": [0.25, 1.0],
    "power_scale": [0.5, 1.0],
}
OWN: dict[str, dict[str, list[Any]]] = {
    "inference": {
        **COMMON,
        "kv_precision": ["bf16", "fp8", "int4"],
        "engine": ["vllm", "sglang", "trtllm"],
        "data_parallel": [1, 2, 8],
        "serving_mode": ["continuous", "static"],
        "input_tokens": [1, 700, 8192],
        "output_tokens": [1, 2, 333],
        "concurrency": [1, 7, 64, 2048],
        "input_tokens_cv": [0.0, 0.8],
        "output_tokens_cv": [0.0, 1.5],
        "length_correlation": [-0.5, 0.0],
        "arrival_rate_per_s": [0.5, 20.0],
        "slo_ttft_s": [0.0, 0.5],
    },
    "training": {
        **COMMON,
        "context_parallel": [1, 2, 4],
        "context_exchange": ["ring", "all_gather", "all_to_all"],
        "stack": ["default", "megatron-core", "megatron-deepspeed", "maxtext"],
        "expert_tensor_parallel": [1, 2],
        "expert_imbalance": [1.0, 1.3],
        "multi_token_prediction": [True, False],
        "nics_per_device": [0.5, 1.0],
        "pod_devices": [8, 32],
        "oversubscription": [1.0, 7.0],
        "data_parallel_replicate": [1, 2, 3],
        "tokens_per_parameter": [0.0, 20.0],
        "device_mtbf_hours": [500.0, 50_000.0],
        "checkpoint_interval_s": [0.0, 1800.0],
        "spare_devices": [0, 8],
        "sequence_parallel": [True, False],
        "micro_batch": [1, 2, 3],
        "recompute": ["none", "selective", "full"],
        "attention_kernel": ["flash", "unfused"],
        "virtual_pipeline": [1, 2],
        "schedule": ["1f1b", "gpipe", "zero_bubble_h1", "zero_bubble_v", "dualpipe", "dualpipe_v"],
        "first_stage_layers": [0, 5],
        "last_stage_layers": [0, 6],
        "embedding_as_layers": [True, False],
        "devices": [8, 64, 96],
        "zero_stage": [0, 1, 2, 3],
        "optimizer": ["adamw", "adamw_bf16", "adamw_8bit", "muon", "sgd_momentum"],
        "recompute_modules": ["norm", "scores+norm+activation", "attention+mlp+moe", "none"],
        "recompute_layers": [0, 1, 4],
        "training_mode": ["pretraining", "lora", "qlora"],
        "lora_rank": [1, 64],
        "lora_modules": ["attention", "attention+mlp+experts+head"],
        "gradient_precision": ["fp32", "bf16"],
        "offload": ["none", "optimizer", "optimizer+activations"],
    },
}
MODELS = ["llama3.2-1b", "llama3.1-8b", "qwen3-30b-a3b", "deepseek-v2-lite", "gemma2-9b", "mixtral-8x7b", "gpt3-175b"]
# The last two have no rental price, so that some objectives are null.
ACCELERATORS = ["h100-sxm-80", "b200-sxm", "mi300x", "l40s", "rtx-4090", "gb200-nvl72", "m4-max", "h20-96"]


def some(values: list[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, Any]:
    phase = draw(st.sampled_from(sorted(OWN)))
    own = OWN[phase]
    axes = {"model": draw(some(MODELS, 2)), "accelerator": draw(some(ACCELERATORS))}
    axes |= {name: draw(some(own[name])) for name in draw(some(sorted(own), 5))}
    if "arrival_rate_per_s" in axes:
        axes.pop("concurrency", None)
    spec: dict[str, Any] = {"schema": 1, "phase": phase, "axes": axes}
    if phase == "training":
        spec["workload"] = {"global_batch": 192, **({} if "devices" in axes else {"devices": 64})}
        objectives = {"minimize": ["cost_usd", "time_to_train_s", "memory_bytes"], "maximize": ["mfu"]}
    else:
        objectives = {"minimize": ["usd_per_million_tokens", "ttft_s"], "maximize": ["tokens_per_s_per_user"]}
    by = draw(st.sampled_from([[], ["model"], ["model", "tensor_parallel"]]))
    spec["pareto"] = {**objectives, "by": by, "distinct": draw(st.booleans())}
    return spec


def axis_names(phase: str) -> list[str]:
    return [axis["name"] for axis in ls.registry()["axes"] if phase in axis["phases"]]


@given(sweeps())
@settings(max_examples=60)
def test_a_sweep_is_its_rows_one_by_one(spec: dict[str, Any]) -> None:
    phase: Literal["training", "inference"] = spec["phase"]
    rows = plain(ls.sweep(spec, keep="all"))
    alone = plain(ls.evaluate(rows.select(axis_names(phase)), phase=phase))
    assert_frame_equal(rows, alone.select(rows.columns), rel_tol=1e-12, abs_tol=0.0)


@given(sweeps(), st.integers(1, 5))
@settings(max_examples=60)
def test_the_front_is_that_of_the_feasible_rows(spec: dict[str, Any], threads: int) -> None:
    feasible = plain(ls.sweep(spec))
    front = plain(ls.sweep(spec, keep="front", threads=threads))
    assert front["feasible"].all()
    assert_frame_equal(front, ls.pareto(feasible, **spec["pareto"]))
    assert_frame_equal(feasible, plain(ls.sweep(spec, keep="all")).filter("feasible"))


@pytest.mark.parametrize("keep", ["feasible", "front"])
def test_constraints_only_take_rows_away(keep: Literal["feasible", "front"]) -> None:
    axes = {"model": "llama3.1-8b", "accelerator": ["h100-sxm-80", "l40s"], "concurrency": [1, 8, 64]}
    spec: dict[str, Any] = {"schema": 1, "phase": "inference", "axes": axes}
    bound = ls.sweep(spec)["tpot_s"].median()
    kept = plain(ls.sweep({**spec, "constraints": {"tpot_s": {"max": bound}}}, keep=keep))
    within = plain(ls.sweep(spec)).filter(pl.col("tpot_s") <= bound)
    assert_frame_equal(kept, within if keep == "feasible" else ls.pareto(within, **DEFAULT_FRONT))


DEFAULT_FRONT: dict[str, Any] = {
    "minimize": ["usd_per_million_tokens"],
    "maximize": ["tokens_per_s_per_user"],
    "by": ["model"],
}
