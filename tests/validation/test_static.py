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


def test_a_decode_rate_is_that_of_the_requests_that_have_room() -> None:
    told = {"isl": 1024.0, "osl": 1024.0, "scenario": "decode-only", "output_tokens_per_s_total": 300.0}
    few, many = (of(predicted(batch_or_concurrency=batch, **told), "output_tokens_per_s") for batch in (64.0, 128.0))
    assert many == pytest.approx(few)


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


def test_copies_of_one_prompt_choose_experts_as_one() -> None:
    """TensorRT-LLM's static benchmark: 20 ms a step for weights that take 22.8 ms to read."""
    run = {
        "accelerator_id": "a100-sxm-80",
        "model_id": "mixtral-8x7b",
        "n_devices": 2,
        "tp": 2,
        "batch_or_concurrency": 32.0,
        "isl": 2048.0,
        "osl": 2048.0,
        "output_tokens_per_s_total": 1602.0,
        "e2e_latency_s": None,
    }
    theirs = predicted(engine_id="tensorrt-llm", engine="TensorRT-LLM v0.9", **run)
    assert of(theirs, "output_tokens_per_s") == pytest.approx(1602.0, rel=0.3)
    others = predicted(engine_id="vllm", **run)
    assert of(others, "output_tokens_per_s") < 0.6 * 1602.0
    served = predicted(engine_id="tensorrt-llm", engine="TensorRT-LLM v0.9", **run, scenario="online-concurrency")
    assert of(served, "output_tokens_per_s") < 0.6 * 1602.0


def test_ranks_that_attend_apart_share_the_experts_alone() -> None:
    run = {
        "accelerator_id": "h200-sxm-141",
        "model_id": "qwen3-30b-a3b",
        "engine_id": "tensorrt-llm",
        "n_devices": 4,
        "tp": 4,
        "scenario": "offline-max-throughput",
        "batch_or_concurrency": None,
        "output_tokens_per_s_total": 1e4,
    }
    together = predicted(**run, notes="num_requests=3000")
    apart = predicted(**run, notes="num_requests=3000; MoE run used --ep $ep_size (value not given) + attention DP")
    said = predicted(**{**run, "tp": 1}, dp=4, ep=4, notes="num_requests=3000")
    assert of(apart, "output_tokens_per_s") == pytest.approx(of(said, "output_tokens_per_s"))
    assert of(apart, "output_tokens_per_s") > 1.2 * of(together, "output_tokens_per_s")


def test_an_offline_run_has_the_requests_that_its_notes_count() -> None:
    run = {"scenario": "offline-max-throughput", "batch_or_concurrency": None, "output_tokens_per_s_total": 1e3}
    few, said = predicted(**run, notes="num_prompts=4"), predicted(**{**run, "batch_or_concurrency": 4.0})
    assert of(few, "output_tokens_per_s") == of(said, "output_tokens_per_s")
    assert of(predicted(**run), "output_tokens_per_s") > 2 * of(few, "output_tokens_per_s")


@pytest.mark.parametrize("notes", ["pp2048 at context depth 4096", "SUSPICIOUS prefill value"])
def test_a_prompt_on_top_of_another_has_no_time_to_the_first_token(notes: str) -> None:
    assert "ttft_s" in set(predicted(ttft_ms=100.0, notes="pp2048 at context depth 0")["quantity"])
    assert "ttft_s" not in set(predicted(ttft_ms=100.0, notes=notes)["quantity"])
