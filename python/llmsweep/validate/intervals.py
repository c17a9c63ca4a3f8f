"""The interval around a prediction: how far residuals of its class reach."""

import polars as pl

Z = 1.2816


def add(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col('predicted').alias('predicted_p10'), pl.col('predicted').alias('predicted_p90'))
