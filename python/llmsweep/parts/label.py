"""What a file of rows says of itself, in its metadata: which part of which question it answers."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.errors import DataError, data_error_of
from llmsweep.parts.question import Best, Question
from llmsweep.parts.spans import Span

KEY = "llmsweep"


@dataclass(frozen=True)
class Label:
    """The question, the plan, and the rows that were asked.

    Attributes:
        fingerprint: Hash of the plan, from `_core.Sweep.fingerprint`.
        rows: Rows of the whole plan.
        span: Rows that this file answers for.
        question: What was asked.
        objectives: ``minimize``, ``maximize`` and ``by``.
        stats: Counts of the run.
    """

    fingerprint: str
    rows: int
    span: Span
    question: Question
    objectives: dict[str, list[str]]
    stats: dict[str, Any]

    def metadata(self) -> dict[str, str]:
        """As Parquet metadata; without the time, so that a run that was stopped leaves the file of one that was not."""
        stats = {name: value for name, value in self.stats.items() if name != "seconds"}
        return {KEY: json.dumps(asdict(replace(self, stats=stats)), sort_keys=True)}

    def same_question(self, other: "Label") -> bool:
        """Whether both belong together."""
        return (self.fingerprint, self.question) == (other.fingerprint, other.question)

    @classmethod
    def read(cls, path: Path) -> "Label | None":
        """Of a Parquet file; ``None`` where it has none.

        Raises:
            DataError: It is no Parquet file.
        """
        try:
            text = pl.read_parquet_metadata(path).get(KEY)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise data_error_of(f'"{path}" can\'t be read as parquet', error) from error
        if text is None:
            return None
        try:
            fields = json.loads(text)
            asked = fields["question"]
            best = asked["best"]
            columns = asked["columns"]
            question = Question(
                **{
                    **asked,
                    "best": None if best is None else Best(**best),
                    "columns": None if columns is None else tuple(columns),
                    "order": tuple(asked["order"]),
                }
            )
            start, stop = fields["span"]
            return cls(**{**fields, "question": question, "span": (start, stop)})
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f'"{path}" was written by another version of llmsweep: its label can\'t be read') from error
