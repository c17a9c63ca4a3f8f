"""Claims files: TOML, CSV, JSON and Parquet, with the place of every cell."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmsweep.claims.claim import FIELDS, Claim, Where, claim_of
from llmsweep.claims.subject import CellProblem
from llmsweep.errors import DataError
from llmsweep.places import Places, no_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmsweep.claims.facts import Facts

EXTENSIONS = (".toml", ".csv", ".json", ".parquet")
#: A field that a file may have beside those that are read; TOML is written for this command and may not.
Cells = dict[str, Any]


def read_claims(source: Path | Sequence[Cells], facts: Facts) -> list[Claim]:
    """Reads a claims file, or rows that are in memory; or nothing of them.

    Raises:
        DataError: The file or a cell of it can't be read; the sentence says where.
    """
    from llmsweep.registries import axes

    known = {axis["name"]: axis for axis in axes()}
    claims: list[Claim] = []
    seen: dict[str, int] = {}
    for number, (row, where) in enumerate(_rows(source), 1):
        try:
            claim = claim_of(row, where, facts, known, number)
        except CellProblem as problem:
            raise DataError(f"{where.of(problem.cell)}: {problem}") from problem
        if claim.id in seen:
            raise DataError(
                f'{where.of("id")}: "{claim.id}" is the id of the claim in line {seen[claim.id]} too; ids must differ'
            )
        seen[claim.id] = where.line
        claims.append(claim)
    if not claims:
        name = f'"{source}" has' if isinstance(source, Path) else "there is"
        raise DataError(f"{name} no claim")
    return claims


def _rows(path: Path | Sequence[Cells]) -> Iterator[tuple[Cells, Where]]:
    if not isinstance(path, Path):
        return ((row, _where(Path("<claims>"), row, number)) for number, row in enumerate(path, 1))
    suffix = path.suffix.lower()
    if suffix not in EXTENSIONS:
        raise DataError(f'"{path}" must end in {" or ".join(EXTENSIONS)}')
    if suffix == ".parquet":
        return _parquet(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f'"{path}" is not UTF-8 text') from error
    return {".toml": _toml, ".csv": _csv, ".json": _json}[suffix](path, text)


def _where(path: Path, row: Cells, line: int, lines: dict[str, int] | None = None) -> Where:
    columns = {field: next((name for name in names if name in row), names[0]) for field, names in FIELDS.items()}
    return Where(str(path), line, columns, lines or {})


def _csv(path: Path, text: str) -> Iterator[tuple[Cells, Where]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                _need(path, header)
                continue
            if len(cells) != len(header):
                raise DataError(f"{path}, line {line}: {len(cells)} cells, and the header has {len(header)}")
            row = dict(zip(header, cells, strict=True))
            yield row, _where(path, row, line)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV: {error}") from error


def _need(path: Path, header: list[str]) -> None:
    if "quantity" not in header:
        raise DataError(f'{path}, line 1: there is no column "quantity" among {", ".join(header)}')


def _parquet(path: Path) -> Iterator[tuple[Cells, Where]]:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f'"{path}" can\'t be read as parquet: {str(error).partition(chr(10))[0]}') from error
    _need(path, frame.columns)
    for line, row in enumerate(frame.iter_rows(named=True), 1):
        yield row, _where(path, row, line)


def _json(path: Path, text: str) -> Iterator[tuple[Cells, Where]]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}, line {error.lineno}, column {error.colno}: no JSON: {error.msg}") from error
    rows = whole.get("claim", whole.get("claims")) if isinstance(whole, dict) else whole
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f'"{path}" must hold a list of objects')
    decoder, position = json.JSONDecoder(), text.index("[") + 1
    for row in rows:
        start = text.index("{", position)
        _, position = decoder.raw_decode(text, start)
        lines = {
            field: text.count("\n", 0, start + found.start()) + 1
            for field, names in FIELDS.items()
            for name in names
            if (found := re.search(rf'"{re.escape(name)}"\s*:', text[start:position]))
        }
        _known(row, path, text.count("\n", 0, start) + 1)
        yield row, _where(path, row, text.count("\n", 0, start) + 1, lines)


def _toml(path: Path, text: str) -> Iterator[tuple[Cells, Where]]:
    try:
        whole = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(no_toml(str(path), error)) from error
    rows = whole.get("claim")
    if not isinstance(rows, list):
        raise DataError(f'"{path}" has no [[claim]]')
    places = Places.of(text)
    for number, row in enumerate(rows, start=1):
        table = f"[[claim]] {number}"
        line = places.line(table)
        lines = {field: places.line(table, name) for field, names in FIELDS.items() for name in names if name in row}
        _known(row, path, line)
        yield row, _where(path, row, line, lines)


# What published tables of claims have beside the fields; never looked at.
ANSWERS = (
    *("verdict", "tag", "why", "test_role", "tolerance", "recomputed_low", "recomputed_high", "formula_and_numbers"),
    *("primary_source", "source_status", "note"),
)


def _known(row: Cells, path: Path, line: int) -> None:
    from llmsweep.names import near

    allowed = [name for names in FIELDS.values() for name in names]
    for name in row:
        if name not in allowed and name not in ANSWERS:
            raise DataError(f'{path}, line {line}: there is no field "{name}"{near(name, list(FIELDS))}')
