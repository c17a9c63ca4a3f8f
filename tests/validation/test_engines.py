"""Which serving engine of the catalogue a measurement ran on."""

from pathlib import Path

import polars as pl
import pytest

from llmsweep.validate.engines import chosen, read, with_engines

ENGINES = read()


@pytest.mark.parametrize(
    ("name", "release", "date", "expected"),
    [
        ("vllm", "", None, "vllm"),
        ("vLLM", "vLLM 0.11", None, "vllm"),
        ("sglang", "SGLang PD+EP", None, "sglang"),
        ("trtllm", "", None, "trtllm"),
        ("tensorrt-llm", "TensorRT-LLM 1.0 PyTorch backend, trtllm-bench", None, "trtllm"),
        ("a-new-one", "1.0", None, "vllm"),
    ],
)
def test_the_release_of_its_day_is_chosen(name: str, release: str, date: str | None, expected: str) -> None:
    assert chosen(ENGINES, name, release, date) == expected


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
        }
    )
    assert with_engines(frame, own)["engine_axis"].to_list() == ["old", "new", "branch", "new"]


def test_a_later_engine_replaces_one_of_the_same_id(tmp_path: Path) -> None:
    (tmp_path / "engines").mkdir()
    text = '[[engine]]\nid = "sglang"\nname = "Mine"\nengines = ["mine"]\n'
    (tmp_path / "engines" / "mine.toml").write_text(text, encoding="utf-8")
    mine = {engine["id"]: engine for engine in read([tmp_path])}
    assert mine["sglang"]["name"] == "Mine"
    assert len(mine) == len(ENGINES)
