"""`llmsweep catalog`, `explain`, `pareto` and the listings through the installed command."""

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest

from support import Run

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 16,
    "vocab_size": 128256,
    "head_dim": 64,
    "tie_word_embeddings": True,
    "max_position_embeddings": 131072,
}


@pytest.mark.parametrize("kind", ["models", "accelerators", "networks", "prices"])
def test_list(llmsweep: Run, kind: str) -> None:
    done = llmsweep("catalog", "list", kind)
    assert done.returncode == 0, done.stderr
    entries = json.loads(llmsweep("catalog", "list", kind, "--json").stdout)
    assert len(entries) > 5
    assert len(done.stdout.splitlines()) >= len(entries) + 2


def test_list_takes_a_glob(llmsweep: Run) -> None:
    lines = llmsweep("catalog", "list", "accelerators", "h100*").stdout.splitlines()
    rule = next(number for number, line in enumerate(lines) if line.startswith("─"))
    ids = [line.split()[0] for line in lines[rule + 1 :]]
    assert "h100-sxm-80" in ids
    assert all(identifier.startswith("h100") for identifier in ids)


def test_show_finds_the_kind(llmsweep: Run) -> None:
    short = llmsweep("catalog", "show", "h200-sxm-141")
    assert short.returncode == 0, short.stderr
    assert "NVIDIA" in short.stdout
    assert llmsweep("catalog", "show", "accelerators", "h200-sxm-141").stdout == short.stdout
    entry = json.loads(llmsweep("catalog", "show", "h200-sxm-141", "--json").stdout)
    assert entry["id"] == "h200-sxm-141"


def test_an_added_model_can_be_swept(llmsweep: Run, serve: Path) -> None:
    (serve.parent / "config.json").write_text(json.dumps(CONFIG))
    added = llmsweep("catalog", "add", "config.json", "--id", "my-model")
    assert added.returncode == 0, added.stderr
    path = Path(added.stdout.strip())
    assert path.is_relative_to(serve.parent / "home")
    tomllib.loads(path.read_text())
    assert llmsweep("run", serve, "--set", "model=my-model").returncode == 0
    again = llmsweep("catalog", "add", "config.json", "--id", "my-model")
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert llmsweep("catalog", "add", "config.json", "--id", "my-model", "--force").returncode == 0


def test_a_catalogue_folder_can_be_named(llmsweep: Run, serve: Path) -> None:
    (serve.parent / "config.json").write_text(json.dumps(CONFIG))
    assert llmsweep("catalog", "add", "config.json", "--id", "my-model", "--to", "mine").returncode == 0
    assert llmsweep("run", serve, "--set", "model=my-model").returncode == 2
    assert llmsweep("run", serve, "--set", "model=my-model", "--catalog", "mine").returncode == 0


def test_explain_prints_terms(llmsweep: Run, serve: Path) -> None:
    told = llmsweep("explain", serve, "0")
    assert told.returncode == 0, told.stderr
    assert "llama3.1-8b" in told.stdout
    assert " = " in told.stdout
    setup = ["--phase", "inference", "--set", "model=llama3.1-8b", "--set", "accelerator=l40s"]
    assert llmsweep("explain", *setup).returncode == 0


def test_explain_says_why_a_setup_cannot_run(llmsweep: Run, serve: Path) -> None:
    llmsweep("run", serve, "--all", "--columns", "row_id,reject", "-o", "all.csv")
    rejected = pl.read_csv(serve.parent / "all.csv").drop_nulls("reject").row(0, named=True)
    told = llmsweep("explain", serve, str(rejected["row_id"]))
    assert told.returncode == 0
    assert f"infeasible: {rejected['reject']}" in told.stdout


def test_pareto_of_any_table(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("group,cost,speed\nx,1,1\nx,2,1\nx,2,2\ny,9,1\n")
    done = llmsweep("pareto", "a.csv", "--min", "cost", "--max", "speed", "--by", "group", "-o", "b.csv")
    assert done.returncode == 0, done.stderr
    assert pl.read_csv(tmp_path / "b.csv").rows() == [("x", 1, 1), ("x", 2, 2), ("y", 9, 1)]
    assert done.stderr == "4 rows, 3 on the front\n"


def test_pareto_thinned_and_cut(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("cost,speed\n100,1\n100.1,1.001\n100,1\n300,2\n900,3\n")
    front = ("pareto", "a.csv", "--min", "cost", "--max", "speed", "-o", "b.csv")

    def kept(*options: str) -> list[float]:
        done = llmsweep(*front, *options)
        assert done.returncode == 0, done.stderr
        return pl.read_csv(tmp_path / "b.csv")["cost"].to_list()

    assert kept() == [100.0, 100.1, 100.0, 300.0, 900.0]
    assert kept("--distinct") == [100.0, 100.1, 300.0, 900.0]
    assert kept("--epsilon", "5%") == kept("--epsilon", "9%", "--epsilon", "speed=0.05", "--epsilon", "cost=5%")
    assert len(kept("--epsilon", "5%")) == 3
    assert kept("--top", "2") == [100.0, 100.0]
    assert kept("--top", "1", "--order", "speed") == [900.0]
    assert llmsweep(*front, "--top", "1").stderr == "5 rows, 1 kept of the front\n"


def test_listings(llmsweep: Run) -> None:
    for name in ("columns", "axes"):
        both = json.loads(llmsweep(name, "--json").stdout)
        training = json.loads(llmsweep(name, "--phase", "training", "--json").stdout)
        assert len(training) < len(both)
        assert f"\n{both[-1]['name']}" in llmsweep(name).stdout


def test_version(llmsweep: Run) -> None:
    assert llmsweep("--version").stdout.split() == ["llmsweep", "0.1.0"]
