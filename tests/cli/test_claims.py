"""`llmsweep claims` through its real entry point."""

import json
from pathlib import Path

import polars as pl

from support import Run

CLAIMS = """\
id,paraphrase_en,model,hardware,precision,phase,quantity,claimed_low,claimed_high,unit
a,70B INT4 on one B200 at 274 tok/s,70B,1x B200,INT4,decode b=1,tokens/s,274,274,tok/s
b,70B INT4 on one B200 at 0.68 ms,70B,1x B200,INT4,decode b=1,latency per token,0.68,0.68,ms
c,7B FP16 weights,7B,-,FP16,inference,weight memory,14,14,GB
"""
KEYS = ["id", "verdict", "claimed_low", "claimed_high", "predicted_low", "predicted_high", "bound", "unit", "why"]


def test_shipped_claims_in_a_table(llmsweep: Run) -> None:
    done = llmsweep("claims")
    assert done.returncode == 0, done.stderr
    assert all(len(line) <= 120 for line in done.stdout.splitlines())
    assert "S1-12   infeasible" in done.stdout
    assert "Contradictions between claims" in done.stdout
    assert done.stderr.startswith("85 claims: ")
    assert "reproduced" in done.stderr


def test_own_claims_as_json_and_as_files(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(CLAIMS)
    done = llmsweep("claims", "own.csv", "--json", "-o", "own.parquet")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["verdict"] for row in rows] == ["infeasible", "infeasible", "reproduced"]
    assert all(list(row)[: len(KEYS)] == KEYS for row in rows)
    assert rows[0]["contradicts"] == ["b"]
    assert pl.read_parquet(tmp_path / "own.parquet")["bound"].to_list() == [row["bound"] for row in rows]
    for name in ("own.json", "verdicts.csv"):
        assert llmsweep("claims", "own.csv", "-o", name).returncode == 0
        assert (tmp_path / name).exists()


def test_quantities_are_listed(llmsweep: Run) -> None:
    done = llmsweep("claims", "--quantities")
    assert done.returncode == 0
    assert "weight_memory" in done.stdout
    listed = json.loads(llmsweep("claims", "--quantities", "--json").stdout)
    assert {"id", "units", "interval", "slips"} <= set(listed[0])


def test_a_bad_row_ends_with_a_sentence_and_nothing_is_judged(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(CLAIMS.replace("14,14", "14,abc"))
    done = llmsweep("claims", "own.csv", "-o", "verdicts.parquet")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith('Error: own.csv, line 4, column claimed_high: "abc" is no number')
    assert not (tmp_path / "verdicts.parquet").exists()
    assert llmsweep("claims", "none.csv").returncode == 2
    assert llmsweep("claims", "--quantities", "own.csv").returncode == 2


def test_a_catalogue_of_ones_own_counts(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "more" / "accelerators").mkdir(parents=True)
    (tmp_path / "more" / "accelerators" / "x.toml").write_text(
        '[[accelerator]]\nid = "x-9"\npeak_flops_per_s = { bf16 = 1e15 }\nmemory_bytes = 1e11\n'
        "memory_bandwidth_bytes_per_s = 5e12\n"
    )
    (tmp_path / "own.toml").write_text(
        '[[claim]]\nid = "a"\nhardware = "x-9"\nquantity = "memory_bandwidth"\nvalue = 5\nunit = "TB/s"\n'
    )
    assert llmsweep("claims", "own.toml").returncode == 4
    done = llmsweep("claims", "own.toml", "--catalog", "more", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["verdict"] == "reproduced"
