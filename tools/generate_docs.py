"""Writes the pages that must not drift from the code: the command line, the registries, the README's output.

`generate_docs.py` writes them, `generate_docs.py --check` only tells which are stale. Run it from the repository's root
or anywhere else; paths are taken from this file.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from click import Command, Context, Group
from click.testing import CliRunner

from claims_page import claims_page
from llmsweep import _core
from llmsweep.cli import group
from llmsweep.cli.listing import domain_text, fallback_text
from llmsweep.registries import registry

ROOT = Path(__file__).parents[1]
NOTE = "<!-- Written by tools/generate_docs.py; `make docs` writes it anew. -->\n\n"
# On the pages of `WITH_OUTPUT`, what stands between these is the output of the command.
BLOCK = re.compile(r"(<!-- output of: (?P<command>.+?) -->\n```text\n)(?P<output>.*?)(```\n<!-- end -->)", re.DOTALL)
WITH_OUTPUT = ("docs/fleet.md", "README.md", "docs/training-vs-inference.md")
WIDTH = 110


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def code(names: Iterable[str]) -> str:
    """Names in code type, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def command_paths(command: Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group, by the words that call it."""
    if not isinstance(command, Group):
        return [path]
    context = Context(command)
    children = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return [
        path,
        *(found for name, child in children.items() if child for found in command_paths(child, (*path, name))),
    ]


def cli_page() -> str:
    """docs/cli.md: the help of every command."""
    parts = ["# Command line\n\n", NOTE]
    for path in command_paths(group):
        done = CliRunner().invoke(group, [*path, "--help"], prog_name="llmsweep", terminal_width=100)
        title = " ".join(("llmsweep", *path))
        parts.append(f"## `{title}`\n\n```text\n{done.stdout}```\n\n")
    return "".join(parts).rstrip() + "\n"


def columns_page() -> str:
    """docs/columns.md: every result column."""
    rows = [
        [f"`{c['name']}`", c["unit"], c["kind"], ", ".join(c["phases"]), c["doc"], c["formula"]]
        for c in registry()["columns"]
    ]
    return (
        f"# Columns\n\n{NOTE}"
        "What a sweep computes. Every axis ([axes.md](axes.md)) is a column too, under its own name. Units are SI;\n"
        "a quantity that does not exist is null, never NaN. The last column names the section\n"
        "of [model.md](model.md) with the formula.\n\n"
        + table(["name", "unit", "kind", "phases", "meaning", "formula"], rows)
    )


def axes_page() -> str:
    """docs/axes.md: everything that a sweep can vary."""
    rows = [
        [
            f"`{a['name']}`",
            ", ".join(a["phases"]),
            domain_text(a["domain"]),
            fallback_text(a["fallback"]),
            a["unit"],
            "yes" if a["workload"] else "",
            a["level"],
            a["doc"],
        ]
        for a in registry()["axes"]
    ]
    return (
        f"# Axes\n\n{NOTE}"
        "What a sweep can vary, in the order in which rows are numbered: the last axis of the phase runs fastest. An\n"
        "axis that a sweep does not name takes its default. Those marked may stand in `[workload]` as well as in\n"
        "`[axes]`. The level says which part of the plan an axis touches; rows share the work of earlier\n"
        "levels.\n\n" + table(["name", "phases", "values", "default", "unit", "workload", "level", "meaning"], rows)
    )


def precisions_page() -> str:
    """docs/precisions.md: formats of weights, arithmetic and cache."""
    weights = [
        [f"`{p['name']}`", f"{p['weight_bits']:g}", f"{p['activation_bits']:g}", code(p["compute"]), p["doc"]]
        for p in registry()["precisions"]
    ]
    cache = [[f"`{p['name']}`", f"{p['bits']:g}", p["doc"]] for p in registry()["kv_precisions"]]
    return (
        f"# Precisions\n\n{NOTE}"
        "## Weights and arithmetic\n\nThe axis `precision`. Bits count the shared scales. Of the compute formats, the\n"
        "first that the accelerator has sets the peak rate.\n\n"
        + table(["name", "bits per weight", "bits per activation", "computes in", "meaning"], weights)
        + "\n## Key-value cache\n\nThe axis `kv_precision`.\n\n"
        + table(["name", "bits per value", "meaning"], cache)
    )


def rejects_page() -> str:
    """docs/rejects.md: the labels of reject, bottleneck and provenance."""
    known = registry()
    rejects = [[f"`{r['name']}`", ", ".join(r["phases"]), r["doc"]] for r in known["rejects"]]
    bottlenecks = [[f"`{b['name']}`", b["doc"]] for b in known["bottlenecks"]]
    provenances = [[f"`{p['name']}`", p["doc"]] for p in known["provenances"]]
    return (
        f"# Labels\n\n{NOTE}"
        "## `reject`: why a setup can't run\n\nNull where it can.\n\n"
        + table(["name", "phases", "meaning"], rejects)
        + "\n## `bottleneck`: what binds it\n\n"
        + table(["name", "meaning"], bottlenecks)
        + "\n## `provenance`: where its efficiencies come from\n\n"
        + table(["name", "meaning"], provenances)
    )


def laws_page() -> str:
    """docs/laws.md: families of kernels with the columns of their timings and their coefficients."""
    sections = []
    for family in json.loads(_core.laws())["families"]:
        inputs = [[f"`{entry['name']}`", entry["doc"]] for entry in family["inputs"]]
        coefficients = [
            [f"`{c['name']}`", c["doc"], *(f"{c[key]:g}" for key in ("low", "start", "high"))]
            for c in family["coefficients"]
        ]
        sections.append(
            f"\n## `{family['name']}`\n\n{family['doc']}\n\n"
            + table(["column", "what it holds"], inputs)
            + "\n"
            + table(["coefficient", "meaning", "least", "default", "most"], coefficients)
        )
    return (
        f"# Laws\n\n{NOTE}"
        "Families of kernels and collectives, whose equations are in [model.md](model.md#kernels). Columns are those\n"
        "of a table of timings ([calibrate.md](calibrate.md)), coefficients the keys of `kernels/` and `efficiency/`\n"
        "([catalog.md](catalog.md)). A default is the physical guess that a fit starts at and that stands where\n"
        "nothing was measured.\n" + "".join(sections)
    )


def output_of(command: str) -> str:
    """What a command of a page prints on stdout, run in the repository's root."""
    name, *args = re.findall(r'"[^"]*"|\S+', command)
    program = Path(sysconfig.get_path("scripts")) / name
    done = subprocess.run(
        [program, *(arg.strip('"') for arg in args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(WIDTH)},
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{command}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def page_with_output(name: str) -> str:
    """A page with the output of its commands put in."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return BLOCK.sub(lambda block: f"{block[1]}$ {block['command']}\n{output_of(block['command'])}{block[4]}", text)


PAGES: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli_page,
    "docs/columns.md": columns_page,
    "docs/axes.md": axes_page,
    "docs/precisions.md": precisions_page,
    "docs/rejects.md": rejects_page,
    "docs/laws.md": laws_page,
    "docs/claims.md": claims_page,
    **{name: partial(page_with_output, name) for name in WITH_OUTPUT},
}


def stale(pages: Iterable[str] = PAGES) -> dict[str, str]:
    """The pages that differ from what the code says, with their right text."""
    wrong = {}
    for name in pages:
        right, path = PAGES[name](), ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != right:
            wrong[name] = right
    return wrong


def main(args: Sequence[str]) -> int:
    """Writes stale pages, or only names them."""
    found = False
    for name in PAGES:
        for page, right in stale([name]).items():
            found = True
            print(page)
            if "--check" not in args:
                (ROOT / page).write_text(right, encoding="utf-8")
    return 1 if found and "--check" in args else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
