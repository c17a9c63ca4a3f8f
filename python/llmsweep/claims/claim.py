"""A claim as data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from llmsweep.claims.interval import Interval
from llmsweep.claims.numerals import parse_number, parse_range
from llmsweep.claims.problem import Problem
from llmsweep.claims.rules import rules
from llmsweep.claims.subject import CellProblem, Subject, subject_of
from llmsweep.claims.units import Unit, parse_unit

if TYPE_CHECKING:
    from llmsweep.claims.facts import Facts

Statement = Literal["fact", "requirement", "target", "advice", "workload"]
STATEMENTS: tuple[Statement, ...] = ("fact", "requirement", "target", "advice", "workload")
#: Names under which a field may stand; the first is the claims file's own, the others those of tables at large.
FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "says": ("says", "paraphrase_en", "claim", "text"),
    "quote": ("quote", "quote_zh"),
    "section": ("section",),
    "model": ("model",),
    "hardware": ("hardware", "accelerator"),
    "precision": ("precision",),
    "phase": ("phase",),
    "quantity": ("quantity",),
    "value": ("value",),
    "low": ("low", "claimed_low"),
    "high": ("high", "claimed_high"),
    "at_least": ("at_least",),
    "at_most": ("at_most",),
    "unit": ("unit",),
    "statement": ("statement",),
    "assumptions": ("assumptions",),
    "source": ("source",),
}
Row = Mapping[str, Any]
TRAINED = re.compile(r"(\d+(?:\.\d+)?)\s*(T|B|trillion|billion) tokens")
SCALES = {"T": 1e12, "trillion": 1e12, "B": 1e9, "billion": 1e9}
# Parameters of closed forms that a claim may assume, beside every axis of a sweep: what each one is.
PARAMETERS: dict[str, str] = {
    "tokens": "tokens: of the training run, of the request, or of a time per so many tokens",
    "devices": "accelerators",
    "utilisation": "MFU of the training run",
    "wall_time_s": "seconds of the training run",
    "device_hours": "accelerator hours of the training run",
    "parameters": "parameters, in place of the model's",
    "active_parameters": "active parameters, in place of the model's",
    "training_flop": "FLOPs of the training run",
    "bytes_per_parameter": "bytes per parameter, in place of the precision's",
    "syncs": "how often gradients cross in a step",
    "tokens_per_s": "tokens per second that a system answers",
    "tokens_per_s_per_user": "tokens per second of one reader",
    "fine_tuning_share": "FLOPs of fine-tuning over those of pre-training",
    "directions": "directions of a link that are counted together",
    "exposed_share": "share of a step that communication is exposed",
    "from": "value before, in the claim's unit or any number of the same kind as `to`",
    "to": "value after",
    "subject_value": "value of the first side of a ratio, in SI",
    "train_devices": "accelerators of the training side",
    "baseline": "value that a gain is measured from",
}


@dataclass(frozen=True)
class Where:
    """A file, and in it the line and the column of each field."""

    file: str
    line: int
    columns: Mapping[str, str]
    lines: Mapping[str, int]

    def of(self, field: str) -> str:
        """Line and column of a field, for a sentence."""
        line, column = self.lines.get(field, self.line), self.columns.get(field, field)
        return f"{self.file}, line {line}, column {column}"


@dataclass(frozen=True)
class Claim:
    """One statement: about what, which quantity, in which range.

    ``low`` and ``high`` are in ``unit``; one of them may be missing. ``value`` is a label, a list of terms or a yes.
    """

    id: str
    says: str
    quantity: str
    unit: Unit
    unit_text: str
    low: float | None
    high: float | None
    value: str | tuple[str, ...] | bool | None
    subject: Subject
    statement: Statement
    assumptions: Mapping[str, Interval | str]
    where: Where

    @property
    def numeric(self) -> bool:
        """Whether it has a number."""
        return self.low is not None or self.high is not None

    @property
    def over_decades(self) -> bool:
        """Whether it is a range whose ends differ tenfold or more."""
        if self.low is None or self.high is None or self.low <= 0:
            return False
        return self.high / self.low >= rules().tolerance("order")

    def assumed(self, name: str) -> Interval | None:
        """A number that the claim assumes."""
        found = self.assumptions.get(name)
        return found if isinstance(found, Interval) else None


def claim_of(row: Row, where: Where, facts: Facts, axes: Mapping[str, Any], number: int) -> Claim:
    """Reads one row.

    Raises:
        CellProblem: A cell can't be read.
    """
    cells = {
        field: next((row[name] for name in names if not _empty(row.get(name))), None) for field, names in FIELDS.items()
    }
    unit_text = _text(cells["unit"])
    low, high, value = _bounds(cells)
    unit = _in_cell("unit", parse_unit, unit_text)
    names = {name: _names(cells[name]) for name in ("model", "hardware", "precision", "phase")}
    statement = _text(cells["statement"]) or "fact"
    if statement not in STATEMENTS:
        raise CellProblem("statement", f'"{statement}" is no kind of statement; allowed: {", ".join(STATEMENTS)}')
    quantity = _text(cells["quantity"])
    assumptions = _assumptions(cells["assumptions"], axes)
    if (tokens := re.search(r"per (\d[\d,.]*\s*[kMBT]?) ?tokens", quantity)) and "tokens" not in assumptions:
        assumptions["tokens"] = Interval.point(_in_cell("quantity", parse_number, tokens[1].strip()))
    says = _text(cells["says"])
    if names["phase"].startswith("train") and (run := TRAINED.search(says)):
        assumptions.setdefault("tokens", Interval.point(float(run[1]) * SCALES[run[2]]))
    return Claim(
        _text(cells["id"]) or f"row {number}",
        says,
        quantity,
        unit,
        unit_text,
        low,
        high,
        value,
        subject_of(names, facts),
        statement,
        assumptions,
        where,
    )


def _empty(value: object) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip())
        or (isinstance(value, float) and math.isnan(value))
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _names(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, list | tuple) else _text(value)


def _in_cell(cell: str, reader: Any, text: str) -> Any:
    try:
        return reader(text)
    except Problem as problem:
        raise CellProblem(cell, str(problem)) from problem


def _number(cell: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    else:
        number = _in_cell(cell, parse_number, str(value))
    if not math.isfinite(number) or number < 0:
        raise CellProblem(cell, f'"{value}" must be a finite number and not negative')
    return number


def _bounds(cells: Row) -> tuple[float | None, float | None, str | tuple[str, ...] | bool | None]:
    low, high = _number("low", cells["low"]), _number("high", cells["high"])
    low = _number("at_least", cells["at_least"]) if low is None else low
    high = _number("at_most", cells["at_most"]) if high is None else high
    value = cells["value"]
    if isinstance(value, bool):
        return low, high, value
    if isinstance(value, list | tuple):
        return low, high, tuple(map(str, value))
    if isinstance(value, str):
        try:
            value = parse_number(value)
        except Problem:
            return low, high, str(value)
    if value is not None:
        low = high = _number("value", value)
    if low is not None and high is not None and low > high:
        count = float(low).is_integer() and float(high).is_integer() and parse_count(_text(cells["unit"]))
        if not count:
            raise CellProblem("low", f'"{cells["low"]}" is above high, "{cells["high"]}"; low must not exceed high')
    return low, high, None


def parse_count(unit: str) -> bool:
    """Whether a unit counts devices, so that 1,192 to 213 is a change and no range.

    >>> parse_count("GPUs"), parse_count("GB")
    (True, False)
    """
    try:
        return parse_unit(unit).dimension in {"device", "user"}
    except Problem:
        return False


def _assumptions(value: object, axes: Mapping[str, Any]) -> dict[str, Interval | str]:
    if value is None:
        return {}
    pairs: Mapping[str, Any]
    if isinstance(value, Mapping):
        pairs = {name: item for name, item in value.items() if item is not None}
    else:
        items = [item.strip() for item in str(value).split(";") if item.strip()]
        for item in items:
            if "=" not in item:
                raise CellProblem("assumptions", f'"{item}" must read key=value; items are separated by semicolons')
        pairs = {key.strip(): text.strip() for key, _, text in (item.partition("=") for item in items)}
    known = [*PARAMETERS, *axes]
    found: dict[str, Interval | str] = {}
    for key, item in pairs.items():
        if key not in known:
            from llmsweep.names import near

            raise CellProblem(
                "assumptions", f'"{key}" is no axis and no parameter{near(key, known, "llmsweep claims --quantities")}'
            )
        found[key] = _assumed(key, item, axes)
    return found


def _assumed(key: str, item: object, axes: Mapping[str, Any]) -> Interval | str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, list | tuple) and item and all(isinstance(end, int | float) for end in item):
        return Interval.hull(map(float, item))
    if isinstance(item, int | float):
        return Interval.point(float(item))
    text = str(item)
    label = key in axes and axes[key]["domain"]["kind"] in {
        "choice",
        "subset",
        "bool",
        "engine",
        "stack",
        "draft_model",
        "network",
    }
    if label:
        allowed = axes[key]["domain"].get("values")
        if allowed and axes[key]["domain"]["kind"] == "choice" and text not in allowed:
            raise CellProblem("assumptions", f'{key}: "{text}" is not known; allowed: {", ".join(allowed)}')
        return text
    return Interval(*vars(_in_cell("assumptions", parse_range, text)).values())
