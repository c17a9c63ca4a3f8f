"""Public tables of collectives and exchanges become the canonical one."""

from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from llmsweep.calibrate.layouts import recognise

NCCL: dict[str, Sequence[object]] = {
    "system": ["h100_sxm"] * 3,
    "backend_version": ["2.29.2"] * 3,
    "op_name": ["all_reduce", "all_reduce", "alltoall"],
    "nccl_dtype": ["half", "int8", "int8"],
    "num_gpus": [8, 8, 4],
    "message_size": [1024, 1024, 1024],
    "latency_ms": [0.02, 0.03, 0.01],
}
ENGINES: dict[str, Sequence[object]] = {
    "system": ["h100_sxm"] * 3 + ["gb300"],
    "backend_dir": ["vllm"] * 4,
    "backend_version": ["0.9.0", "0.24.0", "0.24.0", "0.27.0"],
    "kernel_source": ["vLLM_custom_graph", "vLLM_custom_graph", "vLLM_custom_eager", "vLLM_custom_graph"],
    "allreduce_dtype": ["bfloat16"] * 4,
    "num_gpus": [8, 8, 8, 16],
    "message_size": [512] * 4,
    "latency_ms": [0.006, 0.005, 0.02, 0.05],
}
LOW_LATENCY: dict[str, Sequence[object]] = {
    "system": ["gb200"],
    "node_num": [2],
    "hidden_size": [7168],
    "num_token": [128],
    "num_topk": [8],
    "num_experts": [256],
    "dispatch_avg_t_us": [30.0],
    "combine_avg_t_us": [40.0],
}


def read(table: Mapping[str, Sequence[object]]) -> tuple[pl.DataFrame, list[str]]:
    """The canonical table, by the layout that recognises the columns."""
    frame = pl.DataFrame(table)
    layout = recognise(frame.columns)
    assert layout is not None
    return layout.canonical(frame, "timings")


def test_elements_become_bytes_and_sums_of_integers_are_left_out() -> None:
    """Halves have two bytes; a switch sums them, but no integers."""
    frame, left_out = read(NCCL)
    assert frame["family"].to_list() == ["all_reduce", "all_to_all"]
    assert frame["bytes"].to_list() == [2048.0, 1024.0]
    assert frame["latency_s"].to_list() == pytest.approx([2e-5, 1e-5])
    assert left_out == ["1 row of sums of integers, which no switch takes"]


def test_newest_release_in_a_graph_within_one_host_is_kept() -> None:
    """Eager rows time the host; beyond one host engines call the library."""
    frame, left_out = read(ENGINES)
    assert frame.select("engine", "ranks", "bytes").rows() == [("vllm", 8.0, 1024.0)]
    assert len(left_out) == 3
    assert left_out[-1] == "1 row of older releases (vllm 0.9.0)"


def test_both_directions_of_an_exchange() -> None:
    """A node of GB200 has four devices; what is sent has 8 bits, what comes back 16."""
    frame, left_out = read(LOW_LATENCY)
    columns = ["family", "ranks", "nodes", "value_bytes", "copy_per_expert"]
    assert frame.select(columns).rows() == [("dispatch", 8.0, 2.0, 1.03125, 1.0), ("combine", 8.0, 2.0, 2.0, 1.0)]
    assert left_out == []
