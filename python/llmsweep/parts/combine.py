"""The answer of several parts from their rows together."""

from collections.abc import Mapping, Sequence

import polars as pl

from llmsweep.pareto import pareto
from llmsweep.parts.question import Question


def combined(frame: pl.DataFrame, question: Question, objectives: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """The front in the order of its rows' numbers, or the best rows, best first; of equals the first.

    Args:
        frame: The answers of all parts, in any order.
        question: What was asked.
        objectives: ``minimize``, ``maximize`` and ``by``.
    """
    if question.best is not None:
        keys = list(dict.fromkeys([question.best.column, "row_id"]))
        down = [key == question.best.column and question.best.descending for key in keys]
        return frame.sort(keys, descending=down, nulls_last=True).head(question.best.rows)
    frame = frame.sort("row_id")
    if frame.is_empty():
        return frame
    return pareto(frame, objectives["minimize"], objectives["maximize"], objectives["by"], distinct=question.distinct)
