"""How published deployments were launched: recipes of the source's scripts."""

import polars as pl
import pytest

from llmsweep.registries import axes
from llmsweep.validate import recipes

SOURCE = "db-dump/2026-04-27; config_id=81"


def applied(**row: object) -> dict[str, object]:
    base = {
        "engine": "sglang",
        "model_key": "deepseek-v3",
        "accelerator": "b200-sxm",
        "precision": "fp8_block",
        "input_tokens": 1024,
        "output_tokens": 8192,
        "concurrency": 4,
        "tensor_parallel": 8,
        "kv_precision": "bf16",
        "said_kv_precision": None,
        "silicon_data_source": SOURCE,
    }
    schema = {"said_kv_precision": pl.String, "silicon_data_source": pl.String}
    frame = pl.DataFrame([{**base, **row}], schema_overrides=schema)
    return recipes.with_recipes(frame).row(0, named=True)


@pytest.mark.parametrize(("requests", "steps"), [(4, 10), (15, 10), (16, 30), (256, 30)])
def test_sglang_looks_at_its_queue_every_so_many_steps(requests: int, steps: int) -> None:
    assert applied(concurrency=requests)["admission_interval"] == steps
    assert applied(concurrency=requests, accelerator="h200-sxm-141")["admission_interval"] == 1


def test_a_later_recipe_overrides_an_earlier_one() -> None:
    waits = applied(engine="trtllm", output_tokens=1024, concurrency=64)
    assert waits["admission_interval"] == 40
    assert applied(engine="trtllm", output_tokens=1024, concurrency=32)["admission_interval"] == 10


def test_lengths_are_the_mean_of_what_clients_draw() -> None:
    row = applied()
    assert (row["input_tokens"], row["output_tokens"]) == (922, 7373)


def test_what_a_row_says_itself_stands() -> None:
    assert applied()["kv_precision"] == "fp8"
    assert applied(said_kv_precision="bf16")["kv_precision"] == "bf16"
    assert applied(precision="bf16")["kv_precision"] == "bf16"


@pytest.mark.parametrize("source", [None, "my own runs", "source_file=/home/me/runs.csv"])
def test_other_sources_are_taken_at_their_word(source: str | None) -> None:
    row = applied(silicon_data_source=source)
    assert (row["input_tokens"], row["admission_interval"], row["kv_precision"]) == (1024, 1, "bf16")


def test_recipes_have_known_conditions_and_values() -> None:
    conditions = {"model", "accelerator", "precision", "engine", "input_tokens", "output_tokens"}
    conditions |= {"concurrency_from", "tensor_parallel_below"}
    names = {axis["name"] for axis in axes("inference")} | {"length_range"}
    for recipe in recipes.read()["recipe"]:
        assert set(recipe) - conditions <= set(recipes.VALUES) & names
        assert set(recipe) & set(recipes.VALUES)
