"""Training beside inference: the published figures of the table, and what holds for every model."""

import json
from pathlib import Path

import polars as pl
import pytest

import llmsweep as ls
from llmsweep.compare import frame
from llmsweep.compare.lines import SIDES, Comparison
from support import Run


def value(comparison: Comparison, section: str, name: str, side: str) -> float:
    (line,) = (line for line in comparison["lines"] if (line["section"], line["name"]) == (section, name))
    found = line["cells"][side]["value"]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def llama() -> Comparison:
    """Llama 2 70B, two trillion tokens, requests of a hundred tokens."""
    return ls.compare(
        "llama2-70b", train_on="a100-sxm-80", serve_on="h100-sxm-80", tokens=2e12, input_tokens=50, output_tokens=50
    )


def test_compute_is_6nd_against_2nt(llama: Comparison) -> None:
    """8.28e23 FLOP against 1.38e13: 3·D/T = 6e10."""
    assert value(llama, "compute", "FLOP of the run, of a request", "pretraining") == pytest.approx(8.28e23, rel=1e-3)
    assert value(llama, "compute", "FLOP of the run, of a request", "inference") == pytest.approx(1.38e13, rel=1e-3)
    assert value(llama, "compute", "run over request", "pretraining") == pytest.approx(6e10, rel=1e-12)
    assert value(llama, "compute", "answered for as many FLOP", "pretraining") == pytest.approx(3 * 2e12, rel=1e-12)


def test_attention_adds_half_of_what_the_full_square_does(llama: Comparison) -> None:
    """12·L·h·s FLOP per token at 4k: 7.8 % of 6·N for Llama 2 70B (Narayanan et al. 2021), half of it if causal."""
    plain = value(llama, "compute", "FLOP per token", "pretraining")
    counted = value(llama, "compute", "the same with attention", "pretraining")
    # The model's own count leaves out the table of inputs, 0.26 G of 69 G parameters.
    assert counted / (plain * (1 - 0.262144 / 68.98)) - 1 == pytest.approx(0.078 / 2, abs=1e-3)


def test_training_state_is_eight_times_the_weights(llama: Comparison) -> None:
    """16 bytes per parameter with gradients in 16 bits, 1,104 GB, against 2; 18 with gradients in 32."""
    assert value(llama, "memory", "the same with gradients in 16 bits", "pretraining") == pytest.approx(8, rel=1e-6)
    assert value(llama, "memory", "per parameter", "pretraining") == pytest.approx(18, rel=1e-6)
    state = value(llama, "memory", "model state, all devices", "pretraining")
    assert state * 16 / 18 == pytest.approx(1104e9, rel=1e-3)
    assert value(llama, "memory", "per parameter", "qlora") < 0.6
    assert value(llama, "memory", "model state, all devices", "inference") == pytest.approx(138e9, rel=1e-3)
    assert value(llama, "memory", "over its weights in 16 bits", "inference") == 1


def test_llama_2_70b_caches_327680_bytes_a_token(llama: Comparison) -> None:
    assert value(llama, "memory", "cache of a token", "inference") == 327_680
    assert "pretraining" not in next(line for line in llama["lines"] if line["name"] == "cache of a token")["cells"]


def test_one_request_is_far_from_a_run_in_time_and_flop(llama: Comparison) -> None:
    ratio = value(llama, "time", "run over request", "pretraining")
    assert 1e5 < ratio < 1e8
    assert value(llama, "time", "a step, a token", "inference") > value(llama, "time", "its bound", "inference")


def test_uses_are_shares_and_kept_apart(llama: Comparison) -> None:
    for line in llama["lines"]:
        if line["unit"] == "%":
            assert all(0 <= (cell["value"] or 0) <= 100 for cell in line["cells"].values()), line
    assert {"MFU", "HFU", "MBU of a decode step", "time that trains"} <= {line["name"] for line in llama["lines"]}


def test_gpt_4s_leak_closes_at_2_16e25_flop() -> None:
    """277 B active parameters and 13 T tokens (the leak); 280 B with embeddings."""
    leak = ls.compare("gpt4-rumour", train_on="a100-sxm-80", serve_on="h100-sxm-80", train_devices=25_000)
    assert value(leak, "compute", "FLOP of the run, of a request", "pretraining") == pytest.approx(2.16e25, rel=0.015)
    assert value(leak, "bill", "devices", "pretraining") == 25_000


def test_formulas_hold_with_their_numbers(llama: Comparison) -> None:
    """Products that a line shows multiply to its value."""
    checked = 0
    for line in llama["lines"]:
        for cell in line["cells"].values():
            factors = cell["numbers"].split(" · ")
            if cell["numbers"] and all(part.replace(".", "").replace("e+", "").isdigit() for part in factors):
                result = 1.0
                for part in factors:
                    result *= float(part)
                assert cell["value"] == pytest.approx(result, rel=2e-3), line["name"]
                checked += 1
    assert checked > 5


def test_frame_has_a_row_for_each_cell(llama: Comparison) -> None:
    table = frame(llama)
    assert table.height == sum(len(line["cells"]) for line in llama["lines"])
    assert set(table["side"].unique()) == set(SIDES)
    assert table.filter(pl.col("value").is_null() & (pl.col("text") == "")).is_empty()


def test_a_side_without_a_setup_says_why() -> None:
    found = ls.compare(
        "class-170b",
        train_on="rtx-4090",
        serve_on="h200-sxm-141",
        settings={"tensor_parallel": 1, "pipeline_parallel": 1},
    )
    assert found["sides"]["inference"]["setup"] is None
    assert "weights of the fullest device exceed" in found["sides"]["inference"]["why_not"]
    assert not any("inference" in line["cells"] for line in found["lines"] if line["section"] == "time")


def test_the_command_prints_writes_and_refuses(llmsweep: Run, tmp_path: Path) -> None:
    asked = ["compare", "--model", "llama2-7b", "--train-on", "a100-sxm-80", "--serve-on", "rtx-4090"]
    done = llmsweep(*asked, "-o", "both.parquet")
    assert done.returncode == 0, done.stderr
    assert "6·N·D" in done.stdout
    assert "MBU of a decode step" in done.stdout
    assert pl.read_parquet(tmp_path / "both.parquet")["section"].n_unique() == 6
    brief = llmsweep(*asked, "--brief", "--sections", "compute,time")
    assert "6·N·D" not in brief.stdout
    assert "FLOP of the run" in brief.stdout
    assert "utilisation" not in brief.stdout
    both = json.loads(llmsweep(*asked, "--json").stdout)
    assert both["sides"]["inference"]["setup"]["accelerator"] == "rtx-4090"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--model", "llama2-70"], 'unknown model "llama2-70": did you mean "llama2-70b"?'),
        (["--train-on", "a100"], 'unknown accelerator "a100": did you mean "a100-'),
        (["--set", "precisoin=fp8"], 'no phase has an axis "precisoin"; did you mean "precision"?'),
        (["--serve-precision", "fp9"], 'unknown precision "fp9"'),
        (["--days", "0"], '"0" must be a number above 0'),
        (["--sections", "memry"], 'there is no section "memry"; did you mean "memory"?'),
        (["-o", "both.txt"], '"both.txt" must end in'),
    ],
)
def test_wrong_input_is_one_sentence(llmsweep: Run, change: list[str], sentence: str) -> None:
    asked = {"--model": "llama2-7b", "--train-on": "a100-sxm-80", "--serve-on": "rtx-4090"}
    asked |= {change[0]: change[1]}
    done = llmsweep("compare", *(word for pair in asked.items() for word in pair))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout


def test_nothing_at_all_is_exit_code_3(llmsweep: Run) -> None:
    done = llmsweep(
        "compare", "--model", "llama3.1-405b", "--train-on", "rtx-4090", "--serve-on", "rtx-4090",
        "--days", "0.001", "--finetune-days", "0.001", "--tpot", "1e-6",
    )  # fmt: skip
    assert done.returncode == 3
    assert "no side has a setup" in done.stderr
