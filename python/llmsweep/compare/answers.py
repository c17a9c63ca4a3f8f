"""What the sections of the table are made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmsweep import space
from llmsweep.choice import Row
from llmsweep.compare.lines import SIDES, TRAINED, Cell, Line
from llmsweep.compare.question import Question


@dataclass(frozen=True)
class Answers:
    """The best setup of each side, and what holds whatever the setup.

    Attributes:
        question: What was asked.
        model: The model's catalogue entry.
        hardware: The accelerators' catalogue entries by id.
        rows: Columns of each side's setup; a side without one is not in it.
        unsplit: The same of each way to train on one device, which need not hold it.
    """

    question: Question
    model: Mapping[str, Any]
    hardware: Mapping[str, Mapping[str, Any]]
    rows: Mapping[str, Row]
    unsplit: Mapping[str, Row]

    @property
    def trained(self) -> list[str]:
        """Training sides that have a setup."""
        return [side for side in TRAINED if side in self.rows]

    @property
    def served(self) -> Row | None:
        """The setup that serves."""
        return self.rows.get("inference")

    @property
    def request_tokens(self) -> int:
        """Prompt and answer of one request."""
        return self.question.input_tokens + self.question.output_tokens

    def tokens(self, side: str) -> float:
        """Tokens of a training side's whole run."""
        return (
            space.run_tokens(self.model, self.question.tokens)
            if side == "pretraining"
            else self.question.finetune_tokens
        )

    def accelerator(self, side: str) -> Mapping[str, Any]:
        """Catalogue entry of a side's accelerator."""
        return self.hardware[self.question.serve_on if side == "inference" else self.question.train_on]


class Section:
    """Lines under one heading; a line that no side has is left out."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[Line] = []

    def line(self, name: str, unit: str, cells: Mapping[str, Cell | None]) -> None:
        """Adds a line."""
        there = {side: cells[side] for side in SIDES if cells.get(side) is not None}
        kept = {side: found for side, found in there.items() if found is not None}
        if kept:
            self.lines.append({"section": self.title, "name": name, "unit": unit, "cells": kept})

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)
