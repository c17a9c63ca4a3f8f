"""Attention, latent attention, Mamba and Vidur layouts: what becomes of their rows."""

from collections.abc import Mapping

import polars as pl

from llmsweep.calibrate.layouts import attention, latent, mamba, recognise, vidur
from llmsweep.calibrate.layouts.aiconfigurator import main_kernels

ATTENTION = {
    "system": "h100_sxm",
    "backend": "vllm",
    "backend_version": "0.24.0",
    "kernel_source": "fa3",
    "attn_dtype": "bfloat16",
    "kv_cache_dtype": "bfloat16",
    "batch_size": 4,
    "isl": 1024,
    "step": 0,
    "num_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "latency_ms": 0.25,
}
STEP = {**ATTENTION, "isl": 1, "step": 4095}


def rows(*changes: Mapping[str, object], base: Mapping[str, object] = ATTENTION) -> pl.DataFrame:
    return pl.DataFrame([{**base, **change} for change in changes])


def test_each_layout_is_recognised() -> None:
    for layout in (attention, latent, mamba, vidur):
        assert recognise([*layout.COLUMNS, "note"]) is layout


def test_a_prompt() -> None:
    table, left_out = attention.canonical(rows({}), "context_attention")
    assert left_out == []
    assert table.to_dicts() == [
        {
            "family": "prefill_attention",
            "accelerator": "h100-sxm-80",
            "precision": "bf16",
            "engine": "vllm",
            "kernel": "fa3",
            "latency_s": 0.25e-3,
            "batch": 4,
            "sequence": 1024,
            "heads": 32,
            "kv_heads": 8,
            "head_dim": 128,
            "context": None,
        }
    ]


def test_a_step_is_told_by_its_past_or_by_the_name_of_the_file() -> None:
    for stem in ("generation_attention", "timings"):
        table, _ = attention.canonical(rows({}, base=STEP), stem)
        assert table.select("family", "context").row(0) == ("decode_attention", 4095)
    both, _ = attention.canonical(pl.concat([rows({}), rows({}, base=STEP)]), "timings")
    assert set(both["family"]) == {"prefill_attention", "decode_attention"}


def test_prompts_with_a_past_have_no_law() -> None:
    _, left_out = attention.canonical(rows({}, {"step": 512}), "context_attention")
    assert left_out == ["1 row of prompts with a past, for which there is no law"]


def test_formats() -> None:
    eight = {"kv_cache_dtype": "fp8"}
    table, left_out = attention.canonical(
        rows(eight, {**eight, "backend": "trtllm"}, {**eight, "backend": "trtllm", "attn_dtype": "fp8"}), "context"
    )
    assert table.select("engine", "precision").rows() == [("vllm", "fp8"), ("trtllm", "fp8")]
    assert left_out == ["1 row whose cache has another format than their products (trtllm)"]
    table, _ = attention.canonical(rows(eight, base=STEP), "generation")
    assert table["precision"].to_list() == ["fp8"]


def test_kernels_of_last_resort_and_wide_heads_are_left_out() -> None:
    _, left_out = attention.canonical(rows({}, {"kernel_source": "triton"}, {"head_dim": 512}), "context")
    assert left_out == ["1 row of kernels of last resort (triton)", "1 row with heads wider than 256"]


def test_caches_faster_than_memory_are_left_out() -> None:
    fast = {"system": "a100_sxm", "backend": "trtllm"}
    table, left_out = attention.canonical(rows(fast, base=STEP), "generation")
    assert table.is_empty()
    assert left_out == ["1 row faster than the memory's bandwidth (a100_sxm trtllm)"]


def test_the_main_kernel_is_the_newest_with_enough_rows() -> None:
    old, new, rare = {"backend_version": "0.9.1"}, {"backend_version": "0.24.0"}, {"backend_version": "0.30.0"}
    frame = rows(*[old] * 20, *[new] * 6, *[{**new, "kernel_source": "other"}] * 5, rare)
    kept, left_out = main_kernels(frame, ["system", "backend"])
    assert set(kept.select("kernel_source", "backend_version").rows()) == {("fa3", "0.24.0")}
    assert kept.height == 6
    reason = "of older releases or of kernels that are not their engine's main one"
    assert left_out == [f"26 rows {reason} (fa3 0.30.0, fa3 0.9.1, other 0.24.0)"]


LATENT = {
    "system": "h200_sxm",
    "backend": "trtllm",
    "backend_version": "1.0.0",
    "table": "generation_mla",
    "mla_dtype": "bfloat16",
    "kv_cache_dtype": "bfloat16",
    "num_heads": 16,
    "batch_size": 64,
    "isl": 1,
    "tp_size": 8,
    "step": 4095,
    "latency_ms": 0.2,
}


def test_latent_attention() -> None:
    frame = rows({}, {"table": "context_mla", "isl": 2048, "step": 0}, {"table": "mla_bmm"}, base=LATENT)
    table, left_out = latent.canonical(frame, "mla")
    kinds = table.select("family", "sequence", "context", "heads").rows()
    assert kinds == [("latent_prefill", 2048, None, 16), ("latent_decode", None, 4095, 16)]
    assert left_out == ["1 row of other tables (mla_bmm)"]


def test_latent_caches_in_8_bits_must_pay() -> None:
    eight = {"kv_cache_dtype": "fp8"}
    for latency, kept in ((0.11, 2), (0.2, 1), (0.9, 1)):
        table, left_out = latent.canonical(rows({}, {**eight, "latency_ms": latency}, base=LATENT), "mla")
        assert (table.height, len(left_out)) == (kept, 2 - kept)


def test_mamba_has_only_the_convolution() -> None:
    base = {
        "system": "b200_sxm",
        "kernel_source": "causal_conv1d_fn",
        "phase": "context",
        "batch_size": 2,
        "seq_len": 512,
        "d_state": 128,
        "d_conv": 4,
        "nheads": 64,
        "head_dim": 64,
        "n_groups": 8,
        "latency": 0.01,
        "backend_dir": "trtllm",
    }
    update = {"kernel_source": "causal_conv1d_update", "phase": "generation", "seq_len": 1}
    frame = rows({}, update, {"seq_len": 1}, {"kernel_source": "chunk_scan"}, base=base)
    table, left_out = mamba.canonical(frame, "mamba2")
    assert table.select("sequence", "channels", "width", "latency_s").rows() == [
        (512, 6144, 4, 1e-5),
        (1, 6144, 4, 1e-5),
    ]
    assert left_out == [
        "1 row of other kernels than the convolution (chunk_scan)",
        "1 row of prompts of one token, which decoding does in a kernel of its own",
    ]


def test_vidur_has_products() -> None:
    base = {
        "gpu": "a100",
        "model": "llama",
        "tp": 1,
        "num_tokens": 64,
        "op": "mlp_up_proj",
        "ms_median": 0.5,
        "gemm_m": 64,
        "gemm_k": 4096,
        "gemm_n": 22016,
    }
    table, left_out = vidur.canonical(rows({}, {"op": "norm", "gemm_m": None}, base=base), "vidur")
    assert table.select("accelerator", "m", "n", "k", "latency_s").rows() == [("a100-sxm-80", 64, 22016, 4096, 5e-4)]
    assert left_out == ["1 row of operations that are no matrix product (norm)"]
