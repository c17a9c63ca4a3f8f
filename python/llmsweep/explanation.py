"""The shape of what `llmsweep.explain` returns."""

from typing import TypedDict


class Term(TypedDict):
    """One quantity: ``value`` is ``formula`` with ``numbers`` put in; ``source`` says where they are from."""

    name: str
    value: float | None
    unit: str
    formula: str
    numbers: str
    source: str


class Section(TypedDict):
    """Terms that belong together, and their total where they add up."""

    title: str
    terms: list[Term]
    total: Term | None


class Explanation(TypedDict):
    """One setup: ``reject`` names why it can't run, ``reject_detail`` says so in a sentence; both null where it can."""

    title: str
    setup: dict[str, str | float | bool]
    feasible: bool
    reject: str | None
    reject_detail: str | None
    sections: list[Section]
