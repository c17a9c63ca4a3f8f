"""House rules that a machine can keep."""

import ast
import inspect
import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest

from llmsweep import _core
from support import ROOT

SOURCES = ("*.py", "*.pyi", "*.rs", "*.md", "Makefile", "*.toml")
# Lists of data and texts of law have no room to be cut into; the equations are one page, found by their sections.
UNBOUNDED = (
    "Cargo.lock",
    "python/llmsweep/catalog/",
    "LICENSE",
    "tests/validation/",
    "docs/columns.md",
    "docs/axes.md",
    "docs/cli.md",
    "docs/model.md",
    "docs/kernels.md",
)
MOST_LINES = 500


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if not name.startswith(UNBOUNDED)]


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in tracked() if (lines := count(path)) > MOST_LINES}
    assert not long


def count(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n") if path.exists() else 0


def test_nothing_is_left_to_do() -> None:
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|to" + r"do!|unim" + r"plemented!)")
    assert not [str(path) for path in tracked() if path.exists() and words.search(path.read_text(encoding="utf-8"))]


def test_the_stub_names_all_of_the_core_and_no_more() -> None:
    tree = ast.parse((ROOT / "python" / "llmsweep" / "_core.pyi").read_text(encoding="utf-8"))
    named = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    named |= {
        node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    named.discard("ArrowStreamExportable")  # a protocol, for type checkers only
    assert named == {name for name in dir(_core) if not name.startswith("_")}


def test_the_core_is_documented() -> None:
    for name in dir(_core):
        value = getattr(_core, name)
        if not name.startswith("_") and (inspect.isclass(value) or callable(value)):
            assert inspect.getdoc(value), name


def test_the_schema_accepts_the_shipped_sweeps() -> None:
    import tomllib

    schema = json.loads(_core.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    sweeps = sorted((ROOT / "sweeps").glob("*.toml"))
    assert len(sweeps) >= 4
    for path in sweeps:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("#"), f"{path.name} says what it is for in its first line"
        jsonschema.validate(tomllib.loads(text), schema)


def test_the_published_schema_is_that_of_the_core() -> None:
    published = json.loads((ROOT / "docs" / "sweep.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(_core.schema())


def test_the_core_is_a_release_build() -> None:
    assert not _core.DEBUG_BUILD, "a debug build is many times slower: maturin develop --release"
