"""Documentation says what the code does."""

import doctest
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

from generate_docs import BLOCK, PAGES, command_paths, output_of, stale
from llmsweep.cli import COMMANDS, group
from llmsweep.registries import axes, columns, registry
from support import ROOT, Run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [name for name in PAGES if name != "README.md"])
def test_generated_pages_are_fresh(page: str) -> None:
    assert not stale([page]), "run `make docs`"


@pytest.mark.parametrize("block", [pytest.param(match, id=match["command"]) for match in BLOCK.finditer(README)])
def test_readme_output_is_real(block: re.Match[str]) -> None:
    assert block["output"] == f"$ {block['command']}\n{output_of(block['command'])}", "run `make docs`"


@pytest.mark.parametrize("code", fenced("python"))
def test_readme_python_runs(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - our own README
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", ["engine.md", "pareto.md", "sensitivity.md"])
def test_sessions_of_pages_run(page: str) -> None:
    done = doctest.testfile(str(ROOT / "docs" / page), module_relative=False, encoding="utf-8")
    assert done.attempted
    assert not done.failed


def scripts(language: str) -> list[str]:
    """Blocks of the page on large sweeps."""
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="shells")
@pytest.mark.parametrize("language", ["bash", "slurm", "kubernetes"])
def test_scripts_for_large_sweeps_run(language: str, serve: Path) -> None:
    bin_folder = sysconfig.get_path("scripts")
    jobs: dict[str, list[dict[str, str]]] = {
        "bash": [{}],
        "slurm": [{"SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "3"} for task in (1, 2, 3)],
        "kubernetes": [{"JOB_COMPLETION_INDEX": str(index)} for index in range(100)],
    }
    serve.rename(serve.with_name("sweep.toml"))
    for script in scripts(language):
        for variables in [jobs[language][0], jobs[language][-1]]:
            done = subprocess.run(
                ["bash", "-e", "-c", script],  # noqa: S607
                cwd=serve.parent,
                env={**os.environ, **variables, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in (0, 3), done.stderr
    written = {path.name for path in serve.parent.glob("*.parquet")}
    last = {"bash": "front", "slurm": "part-3", "kubernetes": "part-100"}[language]
    assert f"{last}.parquet" in written


@pytest.mark.parametrize("spec", fenced("toml"))
def test_readme_sweep_runs(spec: str, llmsweep: Run, tmp_path: Path) -> None:
    tomllib.loads(spec)
    (tmp_path / "readme.toml").write_text(spec, encoding="utf-8")
    done = llmsweep("run", "readme.toml")
    assert done.returncode == 0, done.stderr


def test_readme_quotes_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"make ([a-z-]+)", "\n".join((*fenced("bash"), README)))
    assert {"run", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), f"make {target} has no help or does not exist"


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not link.startswith(("http:", "https:")):
                assert (page.parent / link).exists(), f"{page.relative_to(ROOT)} links to {link}"


def test_every_registry_entry_has_a_sentence() -> None:
    known: dict[str, Any] = {**registry()}
    for entries in known.values():
        assert entries
        names = [entry["name"] for entry in entries]
        assert len(names) == len(set(names))
        assert all(entry["doc"].strip() for entry in entries)


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("axes.md", ["axes"]),
        ("columns.md", ["columns"]),
        ("precisions.md", ["precisions", "kv_precisions"]),
        ("rejects.md", ["rejects", "bottlenecks", "provenances"]),
    ],
)
def test_every_registry_entry_is_in_its_page(page: str, kinds: list[str]) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    known: dict[str, Any] = {**registry()}
    for kind in kinds:
        for entry in known[kind]:
            assert f"| `{entry['name']}` |" in text


def test_every_formula_is_a_section_of_the_model() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "model.md").read_text(encoding="utf-8"), re.MULTILINE)
    sections = {heading.strip().lower() for heading in headings}
    missing = {column["formula"] for column in registry()["columns"]} - sections
    assert not missing


@pytest.mark.parametrize("path", [pytest.param(path, id=" ".join(path) or "llmsweep") for path in command_paths(group)])
def test_every_command_has_help_and_a_section(path: tuple[str, ...]) -> None:
    command = Path(sysconfig.get_path("scripts")) / "llmsweep"
    for flag in ("-h", "--help"):
        done = subprocess.run([command, *path, flag], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"Usage: {' '.join(('llmsweep', *path))} ")
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"## `{' '.join(('llmsweep', *path))}`\n" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_is_the_first_sentence_of_the_long(name: str) -> None:
    from click import Context

    command = group.get_command(Context(group), name)
    assert command is not None
    assert command.help is not None
    first = command.help.partition("\n")[0]
    assert first.split(":")[0].split(",")[0].split(";")[0].rstrip(".") in COMMANDS[name] or COMMANDS[name] == first


# Training axes that no launcher takes: hardware, software, prices and what-ifs.
NOT_LAUNCHED = {
    "model",
    "stack",
    "accelerator",
    "network",
    "nics_per_device",
    "pod_devices",
    "oversubscription",
    "expert_imbalance",
    "tokens",
    "tokens_per_parameter",
    "device_mtbf_hours",
    "checkpoint_interval_s",
    "spare_devices",
}


def test_a_row_has_what_a_launcher_needs() -> None:
    section = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8").partition("## What a launcher needs")[2]
    named = [
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    of_training = {axis["name"] for axis in axes("training")}
    assert len(named) == len(set(named))
    assert set(named) <= of_training | {column["name"] for column in columns("training")}
    what_if = {name for name in of_training if name.endswith("_scale")}
    assert of_training - NOT_LAUNCHED - what_if == of_training & set(named)


def test_the_scoreboard_is_that_of_the_accuracy_page() -> None:
    accuracy = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    board = README.partition("<!-- scoreboard of: make accuracy FILES=… -->\n")[2].partition("<!-- end -->")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in board.splitlines()]
    quantities = [line for line in lines if re.fullmatch(r"\w+: `\w+`(, unknown stack)?", line[0])]
    known, _, strangers = accuracy.partition("## Training on a stack that nobody has measured")
    sources = [line for line in lines if "/" in line[0]]
    assert len(quantities) > 5
    assert len(sources) > 5
    for name, answered, *errors in quantities:
        kind, quantity, *unknown = re.split(": |, ", name.replace("`", ""))
        numbers = re.escape(" | ".join([answered.replace(",", ""), *errors]))
        assert re.search(rf"\| {kind} \| {quantity} \| \d+ \| {numbers} \|", strangers if unknown else known), name
    for line in sources:
        assert f"| training | step_time_s | {' | '.join(line)} |" in accuracy, line
