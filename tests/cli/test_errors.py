"""Wrong input: one sentence on stderr, the documented exit code, no traceback."""

import os
from pathlib import Path

import pytest

from support import Run


def refused(run: Run, code: int, *args: str | Path) -> str:
    done = run(*args)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if not line.startswith("rejected"))
    assert sentence.startswith("Error: ")
    return sentence


@pytest.mark.parametrize(
    ("args", "part"),
    [
        ((), "name a command"),
        (("rum",), 'did you mean "run"?'),
        (("catalog",), "llmsweep catalog --help"),
        (("catalog", "lst"), 'did you mean "list"?'),
        (("run",), "SWEEP.toml"),
        (("run", "missing.toml"), "missing.toml"),
        (("run", "serve.toml", "--tpo", "3"), "--top"),
        (("run", "serve.toml", "--top", "0"), "0"),
        (("run", "serve.toml", "--set", "network=nvlink4"), 'unknown network "nvlink4"'),
        (("run", "serve.toml", "--threads", "x"), "x"),
        (("run", "serve.toml", "--all"), "-o FILE"),
        (("run", "serve.toml", "-o", "out.xlsx"), ".parquet or .csv or .json"),
        (("run", "serve.toml", "-o", "no/such/out.csv"), "does not exist"),
        (("run", "serve.toml", "--stats", "stats.txt"), ".json"),
        (("run", "serve.toml", "--where", "tpot_s <"), "no SQL expression"),
        (("run", "serve.toml", "--where", "tpot < 1"), 'did you mean "tpot_s"?'),
        (("run", "serve.toml", "--by", "mfu_x"), "llmsweep columns --phase inference"),
        (("run", "serve.toml", "--by", "tpot_s:up"), "asc or desc"),
        (("run", "serve.toml", "--columns", "tpot_s,,ttft_s"), "empty name"),
        (("run", "serve.toml", "--columns", "tpots"), 'did you mean "tpot_s"?'),
        (("run", "serve.toml", "--set", "precision"), "axis=value"),
        (("run", "serve.toml", "--set", "precison=fp8"), "precision"),
        (("run", "serve.toml", "--set", "precision=fp9"), '"fp9"'),
        (("run", "serve.toml", "--set", "model=llama3.1-8c"), "llama3.1-8b"),
        (("run", "serve.toml", "--set", "tensor_parallel=-1"), "-1"),
        (("run", "serve.toml", "--catalog", "nowhere"), "nowhere"),
        (("explain", "serve.toml"), "ROW"),
        (("explain", "serve.toml", "84"), "84"),
        (("explain", "serve.toml", "0", "--set", "precision=fp8"), "--set"),
        (("explain", "--phase", "inference"), "--set"),
        (("explain", "--phase", "inference", "--set", "model=llama3.1-8b"), "accelerator"),
        (
            (
                *("explain", "--phase", "inference", "--set", "model=llama3.1-8b"),
                *("--set", "accelerator=l40s", "--set", "tensor_parallel=1,2"),
            ),
            "these values make 2",
        ),
        (("pareto", "serve.toml"), "--min COL"),
        (("pareto", "serve.toml", "--min", "a", "--epsilon", "1 pct"), "1% or 0.01, or COL=1%"),
        (("pareto", "serve.toml", "--min", "a", "--epsilon", "a=-1%"), "not be negative"),
        (("pareto", "serve.toml", "--min", "a", "--epsilon", "b=1%"), '"b" is no objective; these are a'),
        (("pareto", "serve.toml", "--min", "a", "--top", "0"), "0"),
        (("pareto", "serve.toml", "--min", "a", "--order", "a"), "give --top N too"),
        (("catalog", "list", "planets"), "planets"),
        (("catalog", "list", "models", "zzz*"), "zzz*"),
        (("catalog", "show", "l40ss"), "l40s"),
        (("catalog", "show", "planets", "l40s"), "planets"),
        (("catalog", "add", "config.json", "--id", "A B"), "lower-case"),
        (("columns", "--phase", "dreaming"), "dreaming"),
    ],
)
def test_usage_errors(llmsweep: Run, serve: Path, args: tuple[str, ...], part: str) -> None:
    (serve.parent / "config.json").write_text("{}")
    assert part in refused(llmsweep, 2, *args)


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ('"inference"', '"inferense"', "inferense"),
        ("schema = 1", "schema = 9", "9"),
        ("[axes]", "[axis]", "axis"),
        ("tensor_parallel", "tensor_paralel", 'did you mean "tensor_parallel"?'),
        ("[1, 2, 3]", "[]", "tensor_parallel"),
        ("[1, 2, 3]", "[1, 2.5]", "2.5"),
        ("[1, 2, 3]", "[1, 2", "serve.toml"),
        ('"bf16"', '"bf15"', 'did you mean "bf16"?'),
        ('"l40s"', '"l40ss"', 'did you mean "l40s"?'),
        ("input_tokens = 512", "input_tokens = 0", "input_tokens"),
        ("input_tokens = 512", "arrival_rate_per_s = nan", "arrival_rate_per_s must be a finite number"),
        ("input_tokens = 512", "arrival_rate_per_s = 2", "concurrency follows from arrival_rate_per_s"),
        ("input_tokens = 512", "slo_tpot_s = -0.1", "slo_tpot_s must be a finite number of at least 0"),
        ("input_tokens = 512\noutput_tokens = 128", 'lengths = "none.csv"', 'there is no file "none.csv"'),
        ('["usd_per_million_tokens"]', '["usd_per_million_token"]', "usd_per_million_tokens"),
    ],
)
def test_specification_errors_say_where(llmsweep: Run, serve: Path, before: str, after: str, part: str) -> None:
    text = serve.read_text()
    assert before in text
    serve.write_text(text.replace(before, after))
    sentence = refused(llmsweep, 2, "run", "serve.toml")
    assert "serve.toml:" in sentence
    assert part in sentence


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("many,20", 'input_tokens must be a number of tokens of at least 1, not "many"'),
        ("0,20", 'input_tokens must be a number of tokens of at least 1, not "0"'),
        ("12,-3", 'output_tokens must be a number of tokens of at least 1, not "-3"'),
    ],
)
def test_a_file_of_lengths_says_where(llmsweep: Run, serve: Path, line: str, part: str) -> None:
    (serve.parent / "lengths.csv").write_text(f"input_tokens,output_tokens\n30,20\n{line}\n")
    text = serve.read_text()
    serve.write_text(text.replace("input_tokens = 512\noutput_tokens = 128", 'lengths = "lengths.csv"'))
    sentence = refused(llmsweep, 2, "run", serve, "--set", "tensor_parallel=1")
    assert "lengths.csv:3:" in sentence
    assert part in sentence


def test_a_length_that_a_file_gives_too(llmsweep: Run, serve: Path) -> None:
    (serve.parent / "lengths.csv").write_text("input_tokens,output_tokens\n30,20\n")
    text = serve.read_text()
    serve.write_text(text.replace("input_tokens = 512\noutput_tokens = 128", 'lengths = "lengths.csv"'))
    sentence = refused(llmsweep, 2, "run", serve, "--set", "input_tokens=5")
    assert '"input_tokens" follows from the file of lengths' in sentence


def test_nothing_feasible(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, "--set", "tensor_parallel=3", "--stats", "stats.json")
    assert done.returncode == 3
    *reasons, sentence = done.stderr.splitlines()
    assert reasons
    assert all(line.startswith("rejected") for line in reasons)
    assert sentence.startswith("Error: none of 28 configurations is feasible: 28 ")
    assert done.stdout == ""
    assert (serve.parent / "stats.json").exists()


def test_where_that_nothing_meets(llmsweep: Run, serve: Path) -> None:
    assert "meets --where" in refused(llmsweep, 3, "run", serve, "--where", "tpot_s < 0")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files, even from root")
def test_a_folder_that_takes_no_files(llmsweep: Run, serve: Path) -> None:
    assert "can't be written" in refused(llmsweep, 4, "run", serve, "-o", "/proc/front.csv")


def test_a_file_that_is_read_only(llmsweep: Run, serve: Path) -> None:
    target = serve.parent / "front.csv"
    target.write_text("kept")
    target.chmod(0o444)
    if os.access(target, os.W_OK):
        pytest.skip("root may write everything")
    assert "permission denied" in refused(llmsweep, 2, "run", serve, "-o", target)
    assert target.read_text() == "kept"


@pytest.mark.parametrize("name", ["broken.parquet", "broken.json"])
def test_frames_that_cannot_be_read(llmsweep: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a table")
    assert name in refused(llmsweep, 4, "pareto", name, "--min", "x")


def test_unknown_extension_of_a_frame(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("")
    assert ".parquet" in refused(llmsweep, 4, "pareto", "a.xlsx", "--min", "x")


def test_objective_that_is_no_column_or_no_number(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("cost,name\n1,a\n2,b\n")
    assert '"cots"' in refused(llmsweep, 4, "pareto", "a.csv", "--min", "cots")
    assert '"name"' in refused(llmsweep, 4, "pareto", "a.csv", "--min", "name")


def test_where_of_wrong_type(llmsweep: Run, serve: Path) -> None:
    assert "--where" in refused(llmsweep, 4, "run", serve, "--where", "tpot_s + 1")


def test_catalogue_folder_of_the_environment(llmsweep: Run, serve: Path) -> None:
    done = llmsweep("run", serve, LLMSWEEP_CATALOG="/no/such/folder")
    assert done.returncode == 2
    assert done.stderr.startswith('Error: the catalogue folder "/no/such/folder" does not exist')


def test_config_that_is_no_model(llmsweep: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{")
    assert "mine.json: this is not JSON" in refused(llmsweep, 2, "catalog", "add", "mine.json", "--id", "mine")
    assert not (tmp_path / "home").exists()
