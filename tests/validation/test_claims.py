"""Shipped claims: verdicts found by rule agree with an independent recomputation."""

import csv
import random
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llmsweep.api import open_catalog
from llmsweep.claims import Judged, judged, shipped_claims
from llmsweep.claims.engine import Engine
from llmsweep.claims.facts import Facts
from llmsweep.claims.judge import VERDICTS, Verdict, judge
from support import ROOT

EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "tests" / "validation" / "claims.toml").read_text("utf-8"))
REFUTED = {"wrong", "unit-error", "infeasible"}
ANSWERS = ("role", "test_role", "verdict", "recomputed")


@cache
def shipped() -> Judged:
    return judged()


@cache
def verdicts() -> dict[str, Verdict]:
    return {verdict.claim.id: verdict for verdict in shipped().verdicts}


@cache
def sources() -> tuple[Facts, Engine]:
    return Facts(open_catalog()), Engine()


def again(verdict: Verdict, low: float, high: float) -> Verdict:
    """The same claim with other numbers, after the claims that stood before it."""
    claims = [other.claim for other in shipped().verdicts]
    before = claims[: [claim.id for claim in claims].index(verdict.claim.id)]
    changed = replace(verdict.claim, low=verdict.claim.low and low, high=verdict.claim.high and high)
    return judge(changed, *sources(), before=tuple(before))


def scaled(identifier: str, factor: float) -> Verdict:
    verdict = verdicts()[identifier]
    return again(verdict, (verdict.claim.low or 0) * factor, (verdict.claim.high or 0) * factor)


def agrees(identifier: str) -> bool:
    verdict, role = verdicts()[identifier].verdict, EXPECTED[identifier]["role"]
    return verdict == "reproduced" if role == "P" else verdict in REFUTED


def test_all_claims_are_shipped_and_judged() -> None:
    assert list(verdicts()) == list(EXPECTED)
    assert len(EXPECTED) == 85
    assert all(verdict.verdict in VERDICTS and verdict.why for verdict in verdicts().values())


def test_verdicts_agree_with_the_roles() -> None:
    roles = {name: entry["role"] for name, entry in EXPECTED.items() if entry["role"] in {"P", "N"}}
    assert len(roles) == 56
    apart = [name for name in roles if not agrees(name)]
    assert len(apart) <= 2
    assert all("argument" in EXPECTED[name] for name in apart)
    assert [name for name, entry in EXPECTED.items() if "argument" in entry] == apart


def test_no_answer_is_shipped() -> None:
    for path in shipped_claims():
        for claim in tomllib.loads(path.read_text(encoding="utf-8"))["claim"]:
            assert not [key for key in claim if key.startswith(ANSWERS)], path.name


@pytest.mark.parametrize(
    ("identifier", "low", "high"),
    [
        ("S1-02", 2.16e25, 2.17e25),
        ("S1-04", 88.6, 100.5),
        ("S4-04", 42.4, 46.3),
        ("S1-06", 2.40e24, 2.44e24),
        ("S3-06", 13.6, 13.6),
        ("S3-03", 32.0, 32.0),
        ("S5-08", 82.1, 82.2),
        ("S6-02", 1.0, 2.0),
    ],
)
def test_published_numbers_close(identifier: str, low: float, high: float) -> None:
    predicted = verdicts()[identifier].predicted
    assert predicted is not None
    assert low * 0.999 <= predicted.low <= predicted.high <= high * 1.001


def test_training_memory_is_eight_times_fp16_inference_per_parameter() -> None:
    verdict = verdicts()["S2-04"]
    assert "mixed precision over fp16 inference is 8" in verdict.why
    assert verdict.expected == "predicted 4, 8 to 9, 16 to 18, 32 to 36 x"


def test_what_is_refused_says_why() -> None:
    assert "weights_do_not_fit" in verdicts()["S2-10"].why
    assert "340 GB in fp16" in verdicts()["S2-10"].why
    assert verdicts()["S1-12"].bound == pytest.approx(228.6, rel=0.03)
    assert verdicts()["S4-09"].bound == pytest.approx(4.375, rel=0.03)
    assert "186 tokens/s" in verdicts()["S1-13"].why, "what 47 % more than H100 implies of H100"


def test_slow_software_is_named_with_the_share_that_it_implies() -> None:
    for identifier in ("S1-10", "S4-08"):
        verdict = verdicts()[identifier]
        assert verdict.verdict == "wrong"
        assert verdict.software_limited
        assert "MBU" in verdict.why
    assert not any(v.software_limited for v in verdicts().values() if v.verdict != "wrong")


def test_slips_are_named() -> None:
    slips = {name: verdict.slip for name, verdict in verdicts().items() if verdict.slip}
    assert set(slips) == {name for name, verdict in verdicts().items() if verdict.verdict == "unit-error"}
    assert slips["S3-07"] == "bits for bytes: 8 times too high"
    assert slips["S1-08"] == "a prefix of 1,000: 1,000 times too high"
    assert (slips["S1-07"] or "").startswith("per parameter for in total")


def test_contradictions_are_found() -> None:
    pairs = {contradiction.ids[:2] for contradiction in shipped().contradictions}
    speeds, shares, flops, ratios = ("S1-12", "S4-09"), ("S5-04", "S5-05"), ("S1-08", "S6-06"), ("S0-01", "S6-07")
    assert pairs == {speeds, shares, flops, ratios, ("S2-04", "S2-02"), ("S2-04", "S2-03"), ("S2-04", "S6-03")}
    assert "S5-05" in verdicts()["S5-04"].contradicts


@pytest.mark.parametrize("identifier", [name for name, entry in EXPECTED.items() if entry["role"] == "P"])
def test_a_thousand_times_a_reproduced_claim_is_not(identifier: str) -> None:
    if verdicts()[identifier].claim.numeric and verdicts()[identifier].verdict == "reproduced":
        assert scaled(identifier, 1000).verdict != "reproduced"


@pytest.mark.parametrize("identifier", ["S3-01", "S3-05", "S7-02", "S2-05a", "S2-05b", "S6-04"])
@pytest.mark.parametrize("factor", [8, 1 / 8])
def test_bits_for_bytes_is_a_slip(identifier: str, factor: float) -> None:
    found = scaled(identifier, factor)
    assert found.verdict == "unit-error"
    assert "bits for bytes" in (found.slip or "")


@pytest.mark.parametrize("identifier", ["S1-10", "S1-12", "S3-10", "S4-08"])
@pytest.mark.parametrize("beyond", [1.2, 10, 1000])
def test_a_throughput_beyond_its_bound_is_infeasible(identifier: str, beyond: float) -> None:
    bound = verdicts()[identifier].bound
    assert bound is not None
    assert again(verdicts()[identifier], bound * beyond, bound * beyond).verdict == "infeasible"


@pytest.mark.parametrize("identifier", ["S4-09", "S6-08", "S1-04"])
def test_a_time_below_its_bound_is_infeasible(identifier: str) -> None:
    bound = verdicts()[identifier].bound
    assert bound is not None
    assert again(verdicts()[identifier], bound / 3, bound / 3).verdict == "infeasible"


@pytest.mark.parametrize("identifier", ["S1-12", "S4-09", "S2-01", "S3-06", "S6-08", "S1-04", "S3-07", "S1-11"])
def test_what_is_predicted_is_reproduced(identifier: str) -> None:
    predicted = verdicts()[identifier].predicted
    assert predicted is not None
    assert again(verdicts()[identifier], predicted.low, predicted.low).verdict == "reproduced"


FREE = (
    "id",
    "paraphrase_en",
    "model",
    "hardware",
    "precision",
    "phase",
    "quantity",
    "claimed_low",
    "claimed_high",
    "unit",
)
TABLE = """\
S1-06,Llama 3 405B: 1T tokens ~6e23 FLOP,Llama 3 405B,any,-,train,training FLOP per 1T tokens,6e+23,6e+23,FLOP,wrong
S1-10,7B INT8 on RTX 4090: 5-15 tok/s,7B,RTX 4090,INT8,decode b=1,tokens/s,5,15,tok/s,wrong
S1-12,70B INT4 on one B200: 274 tok/s,70B,1x B200,INT4,decode b=1,tokens/s,274,274,tok/s,infeasible
S1-13,47% more than H100,70B,B200 vs H100,INT4,decode b=1,speedup,1.47,1.47,x,infeasible
S2-06,"70B FP16 in PyTorch needs 130 GB+",70B,-,FP16,inference,weight memory,130,,GB,reproduced
S2-10,one 144GB GPU runs 170B at full precision,170B,1x H200,FP32/FP16,inference,fits? (GB needed),144,144,GB,infeasible
S2-11,training memory includes KV cache,any,-,-,train,formula,,,-,wrong
S3-01,instance bandwidth 400 Gbps in 2020,-,AWS P4d (an instance),-,train,instance network,400,400,Gbps,unverifiable
S3-02,12.8 Tbps in 2024,-,AWS Trn2 UltraServer,-,train,instance network,12.8,12.8,Tbps,unverifiable
S3-03,32x in 4 years,-,AWS EC2,-,-,growth,32,32,x,reproduced
S3-07,NDR 400G yields ~300 GB/s,-,InfiniBand NDR,-,train,port bandwidth,300,300,GB/s,unit-error
S3-08,bandwidth utilisation must be 80%+,-,IB NDR,-,train,utilisation,80,,%,rhetorical
S3-10,GB300: 1.1M tok/s per rack,Llama-2-70B,72x GB300,FP4,offline serving,tokens/s,1.1e6,1.1e6,tok/s,reproduced
S3-11,compute is the bottleneck in inference,any,H100,FP16,decode,arithmetic intensity,,,FLOP/B,wrong
S4-01,GPT-4 training 90-100 days,GPT-4,"25,000 A100",bf16,train,wall time,90,100,days,reproduced
S4-12,human turn gap ~200-300 ms,human,-,-,-,latency,200,300,ms,unverifiable
S5-02,"MegaScale 55.2% on 12,288 GPUs",175B,"12,288 A100 (Ampere)",bf16,train,MFU,55.2,55.2,%,reproduced
S5-07,"H20 count 1,192 -> 213",tens of models 1.8B-72B,H20,-,multi-model serving,GPU count,1192,213,GPUs,unverifiable
S5-08,82% fewer,-,H20,-,multi-model serving,saving,82,82,%,reproduced
S6-01,GPU count ratio 1e4-1e5,GPT-4 vs 70B,A100 vs H100,-,both,GPU ratio,10000.0,100000.0,x,reproduced
S6-08,70B ~1 s per 100 tokens,70B,1x H100 INT4,INT4,decode b=1,time per 100 tokens,1,1,s,reproduced
S7-07,INT8/INT4 lets 70B run on consumer GPU,70B,RTX 4090 24GB,INT8/INT4,inference,memory,35,70,GB,infeasible
"""


def test_a_table_in_words_is_judged_alike_whatever_answers_stand_in_it(tmp_path: Path) -> None:
    rows = list(csv.reader(TABLE.splitlines()))
    answers = [(random.Random(seed).choice(sorted(VERDICTS)), seed, "N") for seed in range(len(rows))]  # noqa: S311
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*FREE, "verdict", "recomputed_low", "test_role"])
        writer.writerows([*row[: len(FREE)], *answer] for row, answer in zip(rows, answers, strict=True))
    found = judged(path).verdicts
    assert {v.claim.id: v.verdict for v in found} == {row[0]: row[-1] for row in rows}
