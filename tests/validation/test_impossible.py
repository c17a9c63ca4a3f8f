"""Published runs that beat physics are refused, whatever is predicted."""

import tomllib

import polars as pl

from llmsweep.validate import validate
from support import ROOT

ROWS = tomllib.loads((ROOT / "tests" / "validation" / "impossible.toml").read_text(encoding="utf-8"))["inference"]


def test_every_quantity_is_refused_by_its_bound() -> None:
    rows = validate(pl.DataFrame(ROWS, infer_schema_length=None))
    assert rows.height == 2 * len(ROWS)
    assert rows["impossible"].all()
    assert rows["reject"].str.contains("beats the physical bound").all()
    times = rows.filter(pl.col("quantity") == "e2e_s")
    assert (times["predicted"] > 2 * times["measured"]).all()


def test_the_same_runs_in_a_possible_time_are_not() -> None:
    """A hundred seconds an answer."""
    slow = [{**row, "e2e_latency_s": 100.0, "output_tokens_per_s_total": row["osl"] / 100.0} for row in ROWS]
    assert not validate(pl.DataFrame(slow, infer_schema_length=None))["impossible"].any()


def test_format_and_engine_are_read_where_they_are_printed() -> None:
    rows = validate(pl.DataFrame(ROWS, infer_schema_length=None))
    assert set(rows["precision"]) == {"fp16", "bf16"}
    assert set(rows["software"]) == {"trtllm-2024", "vllm-2024"}
