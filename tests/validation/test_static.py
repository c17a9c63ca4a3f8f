"""Static batches and single streams: what a source's numbers are of, and batches that do not fit."""

import polars as pl
import pytest

from llmsweep.validate import validate

RUN = {
    "id": "run",
    "source": "mine",
    "accelerator_id": "a100-sxm-40",
    "model_id": "llama2-7b",
    "precision_id": "fp16",
    "engine_id": "vllm",
    "engine": "vLLM 0.5",
    "n_devices": 1,
    "tp": 1,
    "scenario": "static-batch",
    "batch_or_concurrency": 16.0,
    "isl": 128.0,
    "osl": 128.0,
    "e2e_latency_s": 3.0,
}


def predicted(**changes: object) -> pl.DataFrame:
    return validate(pl.DataFrame([{**RUN, **changes}], infer_schema_length=None))


def of(rows: pl.DataFrame, quantity: str) -> float:
    return float(rows.filter(pl.col("quantity") == quantity)["predicted"].item())


def test_a_batch_without_room_runs_in_waves() -> None:
    """A gigabyte a request: some 19 have room, so that 64 take 64/n times as long as n."""
    long = {"isl": 1024.0, "osl": 1024.0}
    fitting, waiting = (predicted(batch_or_concurrency=batch, **long) for batch in (8.0, 64.0))
    assert fitting["called_infeasible"].item() is None
    assert waiting["called_infeasible"].item() == "batch_does_not_fit"
    more = predicted(batch_or_concurrency=128.0, **long)
    assert of(more, "e2e_s") == pytest.approx(2 * of(waiting, "e2e_s"))


def test_a_batch_that_runs_as_a_whole_is_answered_with_more_memory() -> None:
    changes = {"isl": 1024.0, "osl": 1024.0, "engine_id": "fastertransformer", "engine": "FasterTransformer"}
    times = [of(predicted(batch_or_concurrency=batch, **changes), "e2e_s") for batch in (64.0, 128.0)]
    assert times[1] < 1.95 * times[0]


def test_a_time_per_token_of_the_whole_answer_has_the_prompt_in_it() -> None:
    whole = predicted(tpot_ms=3e3 / 128, isl=2048.0)
    each = predicted(tpot_ms=20.0, isl=2048.0)
    assert of(whole, "tpot_s") == pytest.approx(of(whole, "e2e_s") / 128)
    assert of(each, "tpot_s") < 0.9 * of(whole, "tpot_s")


def test_nvidia_measures_boards_that_reach_each_other() -> None:
    run = {"accelerator_id": "l40s", "n_devices": 8, "tp": 8, "isl": 2048.0, "engine_id": "tensorrt-llm"}
    theirs = predicted(source_group="trtllm-static", **run)
    assert theirs["accelerator"].item() == "l40s-p2p"
    assert of(theirs, "e2e_s") < 0.6 * of(predicted(**run), "e2e_s")
