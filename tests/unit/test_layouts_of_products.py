"""aiconfigurator's tables of dense multiplications and of experts become the canonical table."""

import polars as pl
import pytest

from llmsweep.calibrate.layouts import gemm, moe
from llmsweep.calibrate.layouts.routing import power_law


def products(**columns: object) -> pl.DataFrame:
    """A table with one row, but for the columns that are given."""
    row = {
        "backend": "vllm",
        "backend_version": "0.24.0",
        "gemm_dtype": "fp8",
        "kernel_source": "a",
        "m": 16,
        "n": 4096,
        "k": 4096,
        "latency_ms": 0.012,
    }
    length = max((len(values) for values in columns.values() if isinstance(values, list)), default=1)
    return pl.DataFrame({name: columns.get(name, [value] * length) for name, value in row.items()})


def experts(**columns: object) -> pl.DataFrame:
    """The same for experts."""
    row = {
        "system": "b200_sxm",
        "backend": "trtllm",
        "backend_version": "1.3.0",
        "kernel_source": "moe_torch_flow_cutlass",
        "moe_dtype": "nvfp4",
        "num_tokens": 1024,
        "hidden_size": 4096,
        "inter_size": 1536,
        "topk": 8,
        "num_experts": 128,
        "moe_tp_size": 4,
        "moe_ep_size": 8,
        "distribution": "balanced",
        "latency_ms": 0.1,
    }
    length = max((len(values) for values in columns.values() if isinstance(values, list)), default=1)
    return pl.DataFrame({name: columns.get(name, [value] * length) for name, value in row.items()})


def test_a_product_keeps_its_shape() -> None:
    table, left_out = gemm.canonical(products(), "h100_sxm")
    assert left_out == []
    assert table.row(0, named=True) == {
        "family": "gemm",
        "accelerator": "h100-sxm-80",
        "precision": "fp8",
        "engine": "vllm",
        "kernel": "a",
        "latency_s": pytest.approx(12e-6),
        "m": 16,
        "n": 4096,
        "k": 4096,
    }


def test_a_chip_without_8_bit_arithmetic_expands_weights() -> None:
    assert gemm.canonical(products(), "b60")[0]["precision"].to_list() == ["w8a16"]


def test_older_releases_and_narrow_products_are_left_out() -> None:
    frame = products(backend_version=["0.24.0", "0.19.0", "0.24.0"], n=[4096, 4096, 64])
    table, left_out = gemm.canonical(frame, "h100_sxm")
    assert table.height == 1
    assert left_out == ["1 row of older releases (vllm 0.19.0)", "1 row with n or k below 256"]


def test_launches_from_python_are_left_out() -> None:
    frame = products(kernel_source=["a", "b", "b"], n=[256, 256, 16384], latency_ms=[0.003, 0.21, 0.9])
    table, left_out = gemm.canonical(frame, "h100_sxm")
    assert table["kernel"].to_list() == ["a"]
    assert left_out == ["2 rows that time the launch from Python (vllm fp8)"]


def test_weights_that_stayed_in_the_cache_are_left_out() -> None:
    frame = products(n=[4096, 8192], gemm_dtype=["nvfp4", "nvfp4"], k=[4096, 16384])
    assert gemm.canonical(frame, "b200_sxm")[0].height == 2
    table, left_out = gemm.canonical(frame, "l40s")
    assert table["n"].to_list() == [8192]
    assert left_out == ["1 row whose weights the timing loop held in the cache (l40s)"]


def test_experts_keep_their_shape_on_a_rank() -> None:
    table, left_out = moe.canonical(experts(), "moe")
    assert left_out == []
    row = table.row(0, named=True)
    assert (row["accelerator"], row["precision"], row["engine"]) == ("b200-sxm", "nvfp4", "trtllm")
    assert [row[name] for name in ("tokens", "hidden", "intermediate", "top_k", "experts", "expert_parallel")] == [
        1024,
        4096,
        384,
        8,
        128,
        8,
    ]
    assert (row["gated"], row["hottest"], row["active"]) == (1.0, 1.0, 0.0)


def test_experts_without_a_gate_share_their_kernel_with_the_others() -> None:
    frame = experts(
        kernel_source=["moe_torch_flow_cutlass", "moe_torch_flow_nongated", "moe_torch_flow_min_latency"],
        hidden_size=[4096, 2688, 4096],
        inter_size=[1536, 1856, 1536],
        topk=[8, 6, 8],
    )
    table, left_out = moe.canonical(frame, "moe")
    assert table["gated"].to_list() == [1.0, 0.0]
    assert left_out == ["1 row of kernels for few tokens only (moe_torch_flow_min_latency)"]


@pytest.mark.parametrize(
    ("backend", "release", "kernel", "gated"),
    [
        ("vllm", "0.14.0", "vllm_fused_moe", 1.0),
        ("vllm", "0.24.0", "vllm_unquantizedfusedmoe_triton_tritonexperts", 0.0),
        ("sglang", "0.5.10", "sglang_fused_moe_triton", 1.0),
        ("sglang", "0.5.14", "sglang_fused_moe_triton", 0.0),
    ],
)
def test_older_releases_were_timed_with_a_gate(backend: str, release: str, kernel: str, gated: float) -> None:
    shape = {"hidden_size": [2688], "inter_size": [1856], "topk": [6]}
    table, _ = moe.canonical(
        experts(**shape, backend=[backend], backend_version=[release], kernel_source=[kernel]), "moe"
    )
    assert table["gated"].to_list() == [gated]


def test_a_power_law_loads_one_rank_more() -> None:
    frame = experts(distribution=["power_law_1.2", "zipf"])
    table, left_out = moe.canonical(frame, "moe")
    assert left_out == ["1 row of distributions that are not known (zipf)"]
    assert table["hottest"].item() > 1.2


@pytest.mark.parametrize("tokens", [1, 3, 16, 200, 4096])
@pytest.mark.parametrize("ranks", [1, 8, 64])
def test_rows_are_neither_lost_nor_made(tokens: int, ranks: int) -> None:
    hottest, active = power_law(tokens, 128, 8, ranks, 1.2)
    assert 1.0 <= hottest <= ranks
    assert 1.0 <= active <= min(128 / ranks, tokens * 8)
    assert power_law(tokens, 128, 8, ranks, 1.01)[0] >= 1.0
