"""The shape of what `llmsweep.compare` returns: lines of a table, a cell for each side."""

from typing import Any, TypedDict

#: Ways to train a model, and its use, in the order of the table.
TRAINED = ("pretraining", "full_finetuning", "lora", "qlora")
SIDES = (*TRAINED, "inference")


class Cell(TypedDict):
    """One quantity of one side: ``value`` is ``formula`` with ``numbers`` put in; ``text`` is what has no number."""

    value: float | None
    text: str
    formula: str
    numbers: str


class Line(TypedDict):
    """One quantity of all sides that have it; its unit is empty for counts and ratios."""

    section: str
    name: str
    unit: str
    cells: dict[str, Cell]


class Side(TypedDict):
    """What one side was answered with: the best setup found, in columns of its phase, or why there is none."""

    question: str
    phase: str
    setup: dict[str, Any] | None
    why_not: str


class Comparison(TypedDict):
    """Training beside inference."""

    model: str
    sides: dict[str, Side]
    lines: list[Line]


def cell(value: float | None, formula: str = "", numbers: str = "") -> Cell:
    """A cell with a number.

    >>> cell(2.0 * 3, "a · b", "2 · 3")["value"]
    6.0
    """
    return {"value": None if value is None else float(value), "text": "", "formula": formula, "numbers": numbers}


def words(text: str) -> Cell:
    """A cell without a number."""
    return {"value": None, "text": text, "formula": "", "numbers": ""}


def short(value: float) -> str:
    """A number as formulas show it.

    >>> short(2.16064e25), short(0.4), short(4096)
    ('2.161e+25', '0.4', '4096')
    """
    return f"{value:.4g}"


def product(*factors: float) -> tuple[float, str]:
    """A product and its factors in words.

    >>> product(6, 2.77e11, 13e12)
    (2.1606e+25, '6 · 2.77e+11 · 1.3e+13')
    """
    result = 1.0
    for factor in factors:
        result *= factor
    return result, " · ".join(map(short, factors))
