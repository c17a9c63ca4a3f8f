"""Each rule of the verdicts with a claim made for it, and what a claims file may hold."""

import json
import tomllib
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmsweep as ls
from llmsweep.api import open_catalog
from llmsweep.claims import judged
from llmsweep.claims.facts import Facts
from llmsweep.claims.interval import Interval
from llmsweep.claims.judge import Verdict
from llmsweep.claims.numerals import parse_number, parse_range
from llmsweep.claims.problem import Problem
from llmsweep.claims.registry import COMPUTED, QUANTITIES
from llmsweep.claims.rules import rules
from llmsweep.claims.subject import subject_of
from llmsweep.claims.units import parse_unit
from llmsweep.directories import shipped_catalog
from llmsweep.errors import DataError
from support import ROOT


@cache
def facts() -> Facts:
    return Facts(open_catalog())


@pytest.fixture
def one(tmp_path: Path) -> "type[One]":
    One.folder = tmp_path
    return One


class One:
    """Judges a claim that is given by its fields."""

    folder: Path

    def __new__(cls, **fields: object) -> Verdict:  # type: ignore[misc] # a function with a folder
        path = cls.folder / "one.json"
        path.write_text(json.dumps([{"id": "one", **fields}]), encoding="utf-8")
        return judged(path).verdicts[0]


DECODE = {"model": "llama2-70b", "phase": "decode", "quantity": "tokens_per_s", "unit": "tok/s", "precision": "fp8"}
WEIGHTS = {"model": "llama3.1-8b", "precision": "bf16", "quantity": "weight_memory", "unit": "GB"}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({**WEIGHTS, "value": 16}, "reproduced"),
        ({**WEIGHTS, "value": 60}, "wrong"),
        ({**WEIGHTS, "value": 128}, "unit-error"),
        ({**WEIGHTS, "value": 14.96}, "unit-error"),
        ({**WEIGHTS, "value": 14.96, "unit": "GiB"}, "reproduced"),
        ({**WEIGHTS, "value": 16, "statement": "target"}, "rhetorical"),
        ({**WEIGHTS, "value": 16, "says": "weights should take 16 GB"}, "rhetorical"),
        ({**WEIGHTS, "at_least": 15}, "reproduced"),
        ({**WEIGHTS, "at_least": 1}, "wrong"),
        ({**DECODE, "hardware": "h100-sxm-80", "value": 40}, "reproduced"),
        ({**DECODE, "hardware": "h100-sxm-80", "value": 60}, "infeasible"),
        ({**DECODE, "hardware": "h100-sxm-80", "value": 15}, "order-of-magnitude"),
        ({**DECODE, "hardware": "h100-sxm-80", "value": 2}, "wrong"),
        ({**DECODE, "hardware": "rtx-4090", "value": 10, "assumptions": {"devices": 1}}, "infeasible"),
        ({"quantity": "happiness", "value": 3, "unit": "x"}, "unverifiable"),
        ({"quantity": "weight_memory", "value": 3, "unit": "GB"}, "unverifiable"),
        ({"quantity": "tokens_per_request", "value": 500, "unit": "tokens"}, "rhetorical"),
        ({"quantity": "mfu", "says": "MFU is low"}, "rhetorical"),
        ({"quantity": "memory_bandwidth", "hardware": "H100 SXM", "value": 3.35, "unit": "TB/s"}, "reproduced"),
        ({"quantity": "memory_bandwidth", "hardware": "H100 SXM", "value": 3.35, "unit": "GB/s"}, "unit-error"),
        ({"quantity": "peak_flops", "hardware": "H100 SXM", "value": 1979, "unit": "TFLOPS"}, "unit-error"),
        ({"quantity": "mfu", "model": "70B", "hardware": "H100", "value": 110, "unit": "%"}, "infeasible"),
        ({"quantity": "fits", "model": "70B", "hardware": "1x H100", "precision": "fp16", "value": True}, "infeasible"),
        (
            {"quantity": "fits", "model": "70B", "hardware": "1x H100", "precision": "fp16", "value": False},
            "reproduced",
        ),
        ({"quantity": "fits", "model": "70B", "hardware": "2x H100", "precision": "fp16", "value": True}, "reproduced"),
        ({"quantity": "bottleneck", "phase": "decode", "hardware": "H100", "value": "memory"}, "reproduced"),
        ({"quantity": "bottleneck", "phase": "decode", "hardware": "H100", "value": "compute"}, "wrong"),
        ({"quantity": "memory_terms", "phase": "train", "value": ["weights", "gradients"]}, "reproduced"),
        ({"quantity": "memory_terms", "phase": "train", "value": ["weights", "kv cache"]}, "wrong"),
        ({"quantity": "train_request_flop_ratio", "phase": "both", "low": 1, "high": 1e10, "unit": "x"}, "wrong"),
    ],
)
def test_rules(one: type[One], fields: dict[str, object], verdict: str) -> None:
    found = one(**fields)
    assert found.verdict == verdict, found.why


def test_a_gain_of_bandwidth_needs_the_exposed_share(one: type[One]) -> None:
    gain = {"quantity": "utilisation_gain", "value": 5, "unit": "%"}
    found = one(**gain, assumptions={"from": 200, "to": 400})
    assert found.verdict == "unverifiable"
    assert "9.52 %" in found.why
    assert one(**gain, assumptions={"from": 200, "to": 400, "exposed_share": 0.095}).verdict == "reproduced"
    assert one(**gain, assumptions={"from": 200, "to": 400, "exposed_share": 0.4}).verdict == "order-of-magnitude"


def test_speculation_moves_the_bound(one: type[One]) -> None:
    fields = {**DECODE, "hardware": "h100-sxm-80", "value": 60}
    assert one(**fields).verdict == "infeasible"
    assert one(**fields, says="with speculative decoding").verdict == "reproduced"


def test_assumptions_are_said(one: type[One]) -> None:
    found = one(
        model="gpt4-rumour", hardware="25,000 A100", phase="train", quantity="training_time",
        low=90, high=100, unit="days",
        assumptions="utilisation=0.32-0.36; tokens=13T",
    )  # fmt: skip
    assert found.predicted is not None
    assert (round(found.predicted.low), round(found.predicted.high)) == (89, 100)
    assert "utilisation = 0.32 to 0.36 as the claim has it" in found.why


RUN = """id,model,hardware,phase,quantity,value,unit
flop,GPT-4,A100,train,training FLOP,2.15e25,FLOP
devices,GPT-4,A100,train,GPU count,"25,000",GPUs
mfu,GPT-4,"25,000 A100",train,MFU,34,%
time,GPT-4,"25,000 A100",train,wall time,95,days
"""


def test_a_run_closes_or_contradicts_itself(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(RUN)
    assert not judged(path).contradictions
    path.write_text(RUN.replace("95,days", "40,days"))
    (found,) = judged(path).contradictions
    assert found.ids == ("flop", "devices", "mfu", "time")


def test_one_claim_is_one_in_every_kind_of_file(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "model": "70B",
        "precision": "FP16",
        "quantity": "weight memory",
        "low": 130.0,
        "high": 131.0,
        "unit": "GB",
    }
    frame = pl.DataFrame([row])
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.json").write_text(json.dumps([row]))
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in row.items())
    (tmp_path / "a.toml").write_text(f"[[claim]]\n{text}\n")
    found = [ls.claims(tmp_path / f"a.{kind}") for kind in ("csv", "parquet", "json", "toml")]
    found += [ls.claims(frame), ls.claims([row])]
    assert found[0]["verdict"].to_list() == ["unit-error"]
    assert all(other.equals(found[0]) for other in found[1:])


HEAD = "id,says,model,hardware,precision,phase,quantity,low,high,unit\n"


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        (
            "a.csv",
            f"{HEAD}a,,70B,H100,FP16,decode,tokens/s,abc,5,tok/s\n",
            ("line 2, column low", '"abc" is no number'),
        ),
        ("a.csv", f"{HEAD}\na,,70B,H100,FP16,decode,tokens/s,5,5,tokz/s\n", ("line 3, column unit", 'mean "tok/s"?')),
        ("a.csv", f"{HEAD}a,,lama2-70b,H100,,decode,tokens/s,5,5,tok/s\n", ("column model", 'mean "llama2-70b"?')),
        ("a.csv", f"{HEAD}a,,70B,H1000,,decode,tokens/s,5,5,tok/s\n", ("column hardware", '"H1000"', 'mean "h100"?')),
        ("a.csv", f"{HEAD}a,,70B,H100,FP17,decode,tokens/s,5,5,tok/s\n", ("column precision", 'mean "fp16"?')),
        ("a.csv", f"{HEAD}a,,70B,H100,,decodee,tokens/s,5,5,tok/s\n", ("column phase", 'mean "decode"?')),
        ("a.csv", f"{HEAD}a,,70B,H100,,decode,tokens/s,50,5,tok/s\n", ("column low", "low must not exceed high")),
        ("a.csv", f"{HEAD}a,,70B,H100,,decode,tokens/s,-5,5,tok/s\n", ("column low", "not negative")),
        ("a.csv", f"{HEAD}a,,70B\n", ("line 2: 3 cells, and the header has 10",)),
        ("a.csv", "id,claim\na,b\n", ('no column "quantity"',)),
        ("a.csv", HEAD, ("has no claim",)),
        ("a.csv", f"{HEAD}a,,,,,,mfu,1,1,%\na,,,,,,mfu,1,1,%\n", ("line 3, column id", "line 2 too")),
        ("a.txt", "", ("must end in .toml",)),
        ("a.json", "[{]", ("line 1, column 3", "no JSON")),
        ("a.json", "[1]", ("list of objects",)),
        ("a.json", '[\n{"quantity": "mfu",\n"low": "x"}]', ("line 3, column low", '"x" is no number')),
        ("a.toml", "[[claim]\n", ("a.toml:1:8: no TOML: ",)),
        ("a.toml", "[[claim]]\nmodell = 'x'\n", ("line 1", 'no field "modell"; did you mean "model"?')),
        ("a.toml", "[[claim]]\nquantity='mfu'\nvalue=1\nunit='GB'\n", ("line 4, column unit", "is no unit of mfu")),
        ("a.toml", "[[claim]]\nquantity='mfu'\nassumptions={tokenz=1}\n", ("line 3", 'did you mean "tokens"?')),
        ("a.toml", "[[claim]]\nquantity='mfu'\nassumptions={tokens='lots'}\n", ('"lots" is no number',)),
        ("a.toml", "[[claim]]\nquantity='mfu'\nstatement='wish'\n", ("column statement", "requirement")),
        ("a.toml", "[[claim]]\nquantity='mfu'\nvalue='high'\n", ("line 3, column value", "mfu takes one")),
        ("a.parquet", "PAR", ("can't be read as parquet",)),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, name: str, text: str, parts: tuple[str, ...]) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as error:
        judged(tmp_path / name)
    assert "\n" not in str(error.value)
    for part in (name, *parts):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("cell", "chips", "devices"),
    [
        ("25,000 A100", {"a100-pcie-40", "a100-pcie-80", "a100-sxm-40", "a100-sxm-80"}, (25000, 25000)),
        ("64-256 A100-SXM4-80GB", {"a100-sxm-80"}, (64, 256)),
        ("8xH100 SXM", {"h100-sxm-80"}, (8, 8)),
        ("RTX 4090 x 2", {"rtx-4090"}, (2, 2)),
        ("4090", {"rtx-4090"}, None),
        ("NVIDIA H100 80GB HBM3", {"h100-pcie-80", "h100-sxm-80"}, None),
        ("2x GB200 NVL72", {"gb200-nvl72"}, (144, 144)),
        ("h200-sxm-141", {"h200-sxm-141"}, None),
        ("Intel Gaudi 3", {"gaudi3"}, None),
        ("B200/H200", {"b200-sxm", "h200-nvl-141", "h200-sxm-141"}, None),
        ("a toaster", set(), None),
    ],
)
def test_hardware_in_words(cell: str, chips: set[str], devices: tuple[int, int] | None) -> None:
    subject = subject_of({"hardware": cell}, facts())
    assert set(subject.chips) == chips
    counted = next((part.devices for part in subject.hardware if part.devices), None)
    assert counted == (None if devices is None else Interval(*devices))


@pytest.mark.parametrize(
    ("cell", "first", "least", "most"),
    [
        ("Llama 2 70B", "llama2-70b", 68.9e9, 69e9),
        ("7B", "llama2-7b", 6.7e9, 7.0e9),
        ("LLaMA 65B", "llama1-65b", 65e9, 65.3e9),
        ("GPT-4 (as leaked)", "gpt4-rumour", 1.83e12, 1.84e12),
        ("GPT-3", "gpt3-175b", 174e9, 175e9),
        ("Llama 3 405B", "llama3.1-405b", 405e9, 406e9),
        ("deepseek-v3", "deepseek-v3", 671e9, 672e9),
        ("170B", "class-170b", 169e9, 171e9),
    ],
)
def test_models_in_words(cell: str, first: str, least: float, most: float) -> None:
    (side,) = subject_of({"model": cell}, facts()).models
    assert side[0].ids[0] == first
    assert least <= side[0].parameters.low <= side[0].parameters.high <= most


def test_constants_have_sources() -> None:
    folder = shipped_catalog() / "claims"
    known = tomllib.loads((folder / "sources.toml").read_text())["sources"]
    table = tomllib.loads((folder / "rules.toml").read_text())
    used = {
        key for name, part in table.items() for entry in (part if name == "slip" else [part]) for key in entry["source"]
    }
    assert used == set(known)


def test_the_claim_of_the_page_is_judged(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    (tmp_path / "page.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    (verdict,) = judged(tmp_path / "page.toml").verdicts
    assert verdict.verdict == "infeasible"


def test_every_quantity_is_computed_and_every_slip_known() -> None:
    assert {q.id for q in QUANTITIES if q.kind != "requirement"} == set(COMPUTED)
    for quantity in QUANTITIES:
        assert quantity.doc.endswith(".")
        for slip in quantity.slips:
            assert rules().slip(slip).factor > 1
        for unit in quantity.units:
            assert unit in {"", "device·s"} or parse_unit(unit).dimension


@given(st.floats(1e-9, 1e30), st.sampled_from(["{:g}", "{:e}", "{:.3f}", "~{:g}"]))
def test_numbers_are_read_as_they_are_written(value: float, pattern: str) -> None:
    text = pattern.format(value)
    assert parse_number(text) == pytest.approx(float(text.lstrip("~")))


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_intervals_meet_or_have_a_gap(a: float, b: float, c: float, d: float) -> None:
    one, other = Interval(min(a, b), max(a, b)), Interval(min(c, d), max(c, d))
    assert one.meets(other) == other.meets(one)
    assert (one.gap(other) == 1.0) == (one.meets(other) or one.gap(other) == 1.0)
    assert one.gap(other) == other.gap(one) >= 1.0
    assert Interval.hull([one, other]).meets(one)


@pytest.mark.parametrize("text", ["", "five", "1..2", "1e", "nan", "inf", "--3"])
def test_no_numbers(text: str) -> None:
    with pytest.raises(Problem):
        parse_number(text)
    with pytest.raises(Problem):
        parse_range("9-3")


@pytest.mark.parametrize(
    ("text", "dimension", "factor"),
    [
        ("Gbps", "B/s", 1.25e8), ("GiB", "B", 2.0**30), ("PFLOPS", "FLOP/s", 1e15), ("TFLOPs", "FLOP", 1e12),
        ("days", "s", 86400.0), ("GPU-hours", "device·s", 3600.0), ("M GPU hours", "device·s", 3.6e9), ("%", "", 0.01),
        ("KB/token", "B/token", 1e3), ("B params", "parameter", 1e9),
        ("$/M tokens", "USD/token", 1e-6), ("ms/token", "s", 1e-3),
        ("tok/s/GPU", "token/s/device", 1.0), ("USD/h", "USD/s", 1 / 3600),
    ],
)  # fmt: skip
def test_units(text: str, dimension: str, factor: float) -> None:
    unit = parse_unit(text)
    assert unit.dimension == dimension
    assert unit.factor == pytest.approx(factor)
