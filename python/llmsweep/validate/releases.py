"""Releases of software in the catalogue: training stacks and serving engines, found by name, release and date."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmsweep.directories import catalog_directories

# Later than any release.
ALWAYS = "9999-12"


def read(kind: str, folders: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The entries of a kind in the shipped catalogue, the user's and further folders.

    A later one replaces one of the same id.
    """
    files = [file for folder in catalog_directories(folders) for file in sorted((folder / f"{kind}s").glob("*.toml"))]
    tables = (tomllib.loads(file.read_text(encoding="utf-8")) for file in files)
    return list({entry["id"]: entry for table in tables for entry in table.get(kind, [])}.values())


def month(date: str | None) -> str:
    """The last month that a date may mean.

    >>> [month(date) for date in ("2024-08-14", "2023", "2023-2024", None)]
    ['2024-08', '2023-12', '2024-12', '9999-12']
    """
    if not date:
        return ALWAYS
    if found := re.fullmatch(r"(?:\d{4}-)?(\d{4})", date):
        return f"{found[1]}-12"
    return date[:7]


def chosen(
    entries: Sequence[Mapping[str, Any]], names: str, name: str, release: str, date: str | None
) -> Mapping[str, Any] | None:
    """The entry of a name's release: the most particular, then the latest; ``names`` is the key of its names."""
    when = month(date)
    fitting = [
        entry
        for entry in entries
        if name in entry.get(names, ())
        and re.search(entry.get("release", ""), release)
        and entry.get("since", "") <= when
    ]
    return max(fitting, key=lambda entry: ("release" in entry, entry.get("since", "")), default=None)
