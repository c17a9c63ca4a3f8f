"""Which stack of the catalogue a measurement ran on, and what it takes where the row is silent."""

from pathlib import Path

import polars as pl
import pytest

from llmsweep.validate.stacks import chosen, read, with_stacks

STACKS = read()


@pytest.mark.parametrize(
    ("framework", "release", "date", "expected"),
    [
        ("megatron", "NeMo 24.07", "2024-08-14", "megatron-core"),
        ("megatron", "Megatron-Bridge", "2026-04", "megatron-core"),
        ("megatron", "Megatron-Bridge", "2026-06", "megatron-core-2026"),
        ("megatron", "Megatron-LM core 0.14", "2026-04", "megatron-lm"),
        ("megatron", "Megatron-LM", "2020-09", "megatron-lm-2020"),
        ("megatron", "", None, "megatron-lm"),
        ("megatron-deepspeed", "Megatron-DeepSpeed", "2023-2024", "megatron-deepspeed"),
        ("fsdp", "Composer/FSDP (torch 1.13 era)", "2023", "llm-foundry-2023"),
        ("jax", "PaxML (JAX)", "2024-11", "paxml"),
        ("jax", "MaxText (JAX)", "2024-11", "maxtext"),
        ("a-new-one", "1.0", "2026", "default"),
    ],
)
def test_the_release_of_its_day_is_chosen(framework: str, release: str, date: str | None, expected: str) -> None:
    assert chosen(STACKS, framework, release, date)["id"] == expected


def test_rows_learn_what_their_stack_leaves_unsaid() -> None:
    frame = pl.DataFrame(
        {
            "framework_id": ["megatron-deepspeed", "jax", None],
            "framework": ["Megatron-DeepSpeed", "PaxML (JAX)", None],
            "date": ["2022-02", "2024-11", None],
        }
    )
    found = with_stacks(frame, STACKS)
    assert found["stack"].to_list() == ["megatron-deepspeed-2022", "paxml", "default"]
    assert found["unsaid_attention_kernel"].to_list() == ["unfused", "flash", "flash"]
    assert found["unsaid_recompute"].to_list() == ["none", "full", "none"]
    assert found["unsaid_zero_stage"].to_list() == [1, 3, 1]


def test_a_later_stack_replaces_one_of_the_same_id(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    text = '[[stack]]\nid = "maxtext"\nname = "Mine"\nframeworks = ["mine"]\n'
    (tmp_path / "stacks" / "mine.toml").write_text(text, encoding="utf-8")
    mine = {stack["id"]: stack for stack in read([tmp_path])}
    assert mine["maxtext"]["name"] == "Mine"
    assert len(mine) == len(STACKS)
