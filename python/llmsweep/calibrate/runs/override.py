"""A catalogue folder that says otherwise: whole files of the catalogue in which a few numbers are replaced."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from llmsweep.calibrate.runs.terms import Term
from llmsweep.cli.files import write_text
from llmsweep.directories import catalog_directories
from llmsweep.errors import DataError

NOTE = (
    "A copy of a shipped file in which `llmsweep calibrate runs` replaced the constants that runs tell; it stands for",
    "the whole of that file.",
)


@cache
def source(file: str, folders: tuple[Path, ...]) -> tuple[str, str] | None:
    """The name and text of the strongest file: of an efficiency file, the one of the architecture."""
    kind, _, name = file.partition("/")
    for folder in reversed(catalog_directories(folders)):
        for path in sorted((folder / kind).glob("*.toml"), reverse=True):
            text = path.read_text(encoding="utf-8")
            if path.stem == name or (kind == "efficiency" and tomllib.loads(text).get("architecture") == name):
                return f"{kind}/{path.name}", text
    return None


def entry_files(kind: str, folders: tuple[Path, ...]) -> dict[str, str]:
    """The file of each training stack or serving engine, by its id; that of the strongest folder."""
    files = [path for folder in catalog_directories(folders) for path in sorted((folder / f"{kind}s").glob("*.toml"))]
    tables = ((path.stem, tomllib.loads(path.read_text(encoding="utf-8"))) for path in files)
    return {entry["id"]: f"{kind}s/{stem}" for stem, table in tables for entry in table.get(kind, [])}


def value(term: Term, folders: tuple[Path, ...]) -> float | None:
    """The number that stands in the catalogue, if it is there and above 0."""
    found = source(term.file, folders)
    item: object = tomllib.loads(found[1]) if found else {}
    for key in term.path:
        if isinstance(item, list):
            item = {entry["id"]: entry for entry in item}
        item = item.get(key, {}) if isinstance(item, dict) else {}
    return float(item) if isinstance(item, int | float) and item > 0 else None


def replaced(text: str, path: Sequence[str], number: float) -> str:
    r"""The text with one number replaced; everything else, comments too, stays.

    >>> replaced("a = 1.0 # one\n[b.c]\na = 2.0\n", ("b", "c", "a"), 3.0)
    'a = 1.0 # one\n[b.c]\na = 3.0\n'

    Of an array's tables, which begin with their ``id``, it is the second key.

    >>> replaced('[[s]]\nid = "x"\na = 1.0\n[[s]]\nid = "y"\na = 2.0\n', ("s", "y", "a"), 3.0)
    '[[s]]\nid = "x"\na = 1.0\n[[s]]\nid = "y"\na = 3.0\n'
    """
    table, array, lines = "", "", []
    done = False
    for line in text.splitlines(keepends=True):
        if head := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = head[1].strip()
        if head := re.match(r"\s*\[\[([^\[\]]+)\]\]", line):
            table = array = head[1].strip()
        if (name := re.match(r'\s*id\s*=\s*"([^"]+)"', line)) and table == array:
            table = f"{array}.{name[1]}"
        match = re.match(rf"(\s*{re.escape(path[-1])}\s*=\s*)([-+0-9.eE_]+)(.*)", line, re.DOTALL)
        if match and table == ".".join(path[:-1]) and not done:
            line = f"{match[1]}{number!r}{match[3]}"  # noqa: PLW2901 - the line as it will stand
            done = True
        lines.append(line)
    if not done:
        raise DataError(f'the catalogue\'s file has no line "{".".join(path)} = …" to replace')
    return "".join(lines)


def texts(values: Mapping[Term, float], folders: tuple[Path, ...], note: Iterable[str] = ()) -> dict[str, str]:
    """The files of a folder in which these terms have these values, by their names."""
    found: dict[str, str] = {}
    for term, number in values.items():
        original = source(term.file, folders)
        if original is None:
            raise DataError(f'the catalogue has no file "{term.file}.toml"')
        name, text = original
        found[name] = replaced(found.get(name, text), term.path, float(f"{number:.5g}"))
    head = "".join(f"# {line}\n" for line in note)
    return {name: head + text for name, text in found.items()}


def write(
    values: Mapping[Term, float], target: Path, folders: tuple[Path, ...], note: Iterable[str] = ()
) -> list[Path]:
    """Writes such a folder; each file appears whole or not at all."""
    written = []
    for name, text in texts(values, folders, note).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(text, path)
        written.append(path)
    return written
