"""A comparison as a frame."""

import polars as pl

from llmsweep.compare.lines import SIDES, Comparison

SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "section": pl.String,
    "quantity": pl.String,
    "unit": pl.String,
    "side": pl.Enum(SIDES),
    "value": pl.Float64,
    "text": pl.String,
    "formula": pl.String,
    "numbers": pl.String,
}


def frame(comparison: Comparison) -> pl.DataFrame:
    """One row per quantity and side: section, quantity, unit, side, value (SI), text, formula and numbers.

    Args:
        comparison: From `llmsweep.compare`.
    """
    rows = [
        {"section": line["section"], "quantity": line["name"], "unit": line["unit"], "side": side, **cell}
        for line in comparison["lines"]
        for side, cell in line["cells"].items()
    ]
    return pl.DataFrame(rows, schema=SCHEMA)
