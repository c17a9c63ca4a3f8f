"""Which serving engine of the catalogue a measurement ran on."""

from pathlib import Path

import polars as pl
import pytest

from llmsweep.validate.engines import chosen, read, with_engines
from llmsweep.validate.run import accelerators

ENGINES = read()


@pytest.mark.parametrize(
    ("name", "release", "date", "expected"),
    [
        ("vllm", "", None, "vllm"),
        ("vLLM", "vLLM 0.11", None, "vllm"),
        ("vllm", "vLLM", "2024-10", "vllm-2024"),
        ("sglang", "SGLang PD+EP", None, "sglang"),
        ("trtllm", "", None, "trtllm"),
        ("tensorrt-llm", "TensorRT-LLM 1.0 PyTorch backend, trtllm-bench", None, "trtllm"),
        ("tensorrt-llm", "TensorRT-LLM 0.17 trtllm-bench", None, "trtllm-2025"),
        ("tensorrt-llm", "TensorRT 10.8, CUDA 12.8", None, "trtllm-2025"),
        ("tensorrt-llm", "TensorRT-LLM v0.9", "2024-04", "trtllm-2024"),
        ("tensorrt-llm", "TensorRT-LLM v0.6/0.7", "2024-04", "trtllm-2023"),
        ("llama.cpp", "llama.cpp (May 2024)", "2024-05", "llama.cpp-2024"),
        ("llama.cpp", "llama.cpp build 6918", None, "llama.cpp"),
        ("a-new-one", "1.0", None, "vllm"),
    ],
)
def test_the_release_of_its_day_is_chosen(name: str, release: str, date: str | None, expected: str) -> None:
    assert chosen(ENGINES, name, release, date) == expected


@pytest.mark.parametrize(
    ("name", "accelerator", "expected"), [("vllm", "mi300x", "vllm-rocm"), ("llama.cpp", "m2-ultra", "llama.cpp-metal")]
)
def test_an_engine_for_the_architecture_wins(name: str, accelerator: str, expected: str) -> None:
    frame = pl.DataFrame({"engine_id": [name], "engine": [""], "group": ["own"], "accelerator_id": [accelerator]})
    assert with_engines(frame, ENGINES, accelerators(()))["engine_axis"].to_list() == [expected]


def test_a_source_without_releases_has_those_of_its_day() -> None:
    own = [
        {"id": "old", "engines": ["vllm"]},
        {"id": "new", "engines": ["vllm"], "since": "2025-01"},
        {"id": "branch", "engines": ["vllm"], "release": "(?i)rocm"},
    ]
    frame = pl.DataFrame(
        {
            "engine_id": ["vllm", "vllm", "vllm", None],
            "engine": ["vLLM", None, "vLLM 0.6 ROCm", None],
            "group": ["argonne", "own", "own", "own"],
            "accelerator_id": ["h100-sxm-80"] * 4,
        }
    )
    assert with_engines(frame, own, {})["engine_axis"].to_list() == ["old", "new", "branch", "new"]


def test_a_later_engine_replaces_one_of_the_same_id(tmp_path: Path) -> None:
    (tmp_path / "engines").mkdir()
    text = '[[engine]]\nid = "sglang"\nname = "Mine"\nengines = ["mine"]\n'
    (tmp_path / "engines" / "mine.toml").write_text(text, encoding="utf-8")
    mine = {engine["id"]: engine for engine in read([tmp_path])}
    assert mine["sglang"]["name"] == "Mine"
    assert len(mine) == len(ENGINES)
