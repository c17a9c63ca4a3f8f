"""Reading files of measurements: every column that is used has its type, or one sentence says why not."""

from pathlib import Path

import polars as pl

from llmsweep.errors import DataError
from llmsweep.validate.kinds import FLAG, INT, TEXT, Kind, recognise


def read(path: Path) -> tuple[Kind, pl.DataFrame]:
    """The kind of a Parquet file, and the columns that are used, absent ones as nulls.

    Raises:
        DataError: The file is no Parquet file, has no known kind, no rows, or text where numbers are needed.
    """
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f'"{path}" can\'t be read as parquet: {reason}') from error
    return tidy(frame, str(path))


def tidy(frame: pl.DataFrame, file: str) -> tuple[Kind, pl.DataFrame]:
    """The same of a frame; ``file`` is its name in sentences."""
    kind = recognise(frame.columns, file)
    if frame.is_empty():
        raise DataError(f'"{file}" has no rows')
    frame = frame.select(
        typed(frame, name, wanted, file) if name in frame.columns else pl.lit(None, wanted).alias(name)
        for name, wanted in kind.columns.items()
    )
    if frame["id"].null_count():
        raise DataError(f'"{file}": the column "id" has empty values')
    return kind, frame.with_columns(pl.col("scorable").fill_null(value=True))


def typed(frame: pl.DataFrame, name: str, wanted: type[pl.DataType], file: str) -> pl.Series:
    """A column in the type that is wanted, NaN and infinite numbers as nulls.

    Raises:
        DataError: It holds something else.
    """
    column = frame[name]
    kind = column.dtype
    if wanted is TEXT:
        if kind.is_nested():
            raise DataError(f'"{file}": the column "{name}" holds {kind} where text is needed')
        return column.cast(TEXT)
    if kind in (pl.String, pl.Categorical, pl.Enum) and column.null_count() < column.len():
        first = column.drop_nulls()[0]
        what = "true or false" if wanted is FLAG else "numbers"
        raise DataError(f'"{file}": the column "{name}" has text where {what} are needed: "{first}"')
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null, pl.String, pl.Categorical, pl.Enum)):
        raise DataError(f'"{file}": the column "{name}" holds {kind} where numbers are needed')
    if wanted is FLAG:
        return column.cast(FLAG, strict=False)
    number = column.cast(pl.Float64, strict=False)
    number = number.set(~number.is_finite(), None)
    return number.round().cast(INT, strict=False) if wanted is INT else number
