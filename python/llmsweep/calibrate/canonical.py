"""The canonical table of timings: a row per kernel, its shape in the columns of its family, its time in seconds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from llmsweep.calibrate.families import ANY, engines, families, precisions
from llmsweep.errors import DataError
from llmsweep.names import near

REQUIRED = ("family", "accelerator", "precision", "latency_s")
LATENCY = "latency_s"
# Whether operands may sit in the second-level cache, as where a timing loop replays the same buffers; so it is unless
# a table says otherwise.
WARM = "warm"


def inputs() -> tuple[str, ...]:
    """Inputs of all families, in the order of the core."""
    return tuple(dict.fromkeys(name for family in families().values() for name in family.inputs))


def is_canonical(columns: Collection[str]) -> bool:
    """Whether a table means to be canonical: most of what it needs is there."""
    return sum(name in columns for name in REQUIRED) >= len(REQUIRED) - 1


def typed(frame: pl.DataFrame, file: str) -> pl.DataFrame:
    """The columns that are used, in their types; columns that are missing and not required are null.

    Raises:
        DataError: A column is missing or holds something else.
    """
    for name in REQUIRED:
        if name not in frame.columns:
            unused = [column for column in frame.columns if column not in (*REQUIRED, *inputs())]
            raise DataError(f'"{file}" lacks the column "{name}"{near(name, unused) if unused else ""}')
    numbers = [name for name in (LATENCY, *inputs()) if name in frame.columns]
    for name in numbers:
        if not (frame[name].dtype.is_numeric() or frame[name].dtype == pl.Null):
            values = frame[name].cast(pl.Float64, strict=False)
            wrong = (values.is_null() & frame[name].is_not_null()).arg_true()
            if len(wrong):
                row = int(wrong[0])
                raise DataError(f'"{file}" row {row + 1}: {name} is "{frame[name][row]}", but must be a number')
    absent = [name for name in inputs() if name not in frame.columns]
    engine = pl.col("engine").cast(pl.String).fill_null(ANY) if "engine" in frame.columns else pl.lit(ANY)
    return frame.select(
        *(pl.col(name).cast(pl.String) for name in ("family", "accelerator", "precision")),
        engine.alias("engine"),
        warmth(frame, file),
        *(pl.col(name).cast(pl.Float64) for name in numbers),
        *(pl.lit(None, pl.Float64).alias(name) for name in absent),
    )


def warmth(frame: pl.DataFrame, file: str) -> pl.Expr:
    """The column that says whether the cache was warm.

    Raises:
        DataError: It holds something else.
    """
    if WARM not in frame.columns:
        return pl.lit(value=True).alias(WARM)
    if frame[WARM].dtype not in (pl.Boolean, pl.Null):
        raise DataError(f'"{file}": {WARM} holds {frame[WARM].dtype} where true or false is needed')
    return pl.col(WARM).cast(pl.Boolean).fill_null(value=True)


def allowed_names(accelerators: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """What each text column may say."""
    return {
        "family": list(families()),
        "accelerator": accelerators,
        "precision": precisions(),
        "engine": engines(),
    }


def unusable(accelerators: Sequence[str]) -> dict[str, pl.Expr]:
    """Why a row can't be used, as a condition per reason; reasons read after "whose"."""
    reasons = {
        f"{name} is not known": ~pl.col(name).is_in(list(allowed)).fill_null(value=False)
        for name, allowed in allowed_names(accelerators).items()
    }
    latency = pl.col(LATENCY)
    reasons[f"{LATENCY} is not above 0"] = ~(latency.is_finite() & (latency > 0)).fill_null(value=False)
    for family in families().values():
        lacks = pl.any_horizontal(
            ~(pl.col(name).is_finite() & (pl.col(name) >= 0)).fill_null(value=False) for name in family.inputs
        )
        reasons[f"{', '.join(family.inputs)} are not all given"] = (pl.col("family") == family.name) & lacks
    return reasons


def check(frame: pl.DataFrame, file: str, accelerators: Sequence[str]) -> None:
    """Refuses a table with its first wrong row.

    Raises:
        DataError: The sentence names row, column, value and what is allowed.
    """
    wrong = frame.with_row_index("_row").filter(pl.any_horizontal(unusable(accelerators).values())).head(1)
    if wrong.is_empty():
        return
    row = wrong.row(0, named=True)
    place = f'"{file}" row {row["_row"] + 1}'
    for name, allowed in allowed_names(accelerators).items():
        if row[name] not in allowed:
            if row[name] is None:
                raise DataError(f"{place}: {name} is empty")
            see = {"accelerator": "llmsweep catalog list accelerators", "precision": "docs/precisions.md"}.get(name, "")
            raise DataError(f'{place}: there is no {name} "{row[name]}"{near(row[name], allowed, see)}')
    latency = row[LATENCY]
    if latency is None:
        raise DataError(f"{place}: {LATENCY} is empty")
    if not 0 < latency < float("inf"):
        raise DataError(f'{place}: {LATENCY} is "{latency}", but must be above 0')
    check_inputs(frame, file, place, row)


def check_inputs(frame: pl.DataFrame, file: str, place: str, row: Mapping[str, Any]) -> None:
    """Refuses a row whose family needs an input that it does not have."""
    for name in families()[row["family"]].inputs:
        if row[name] is None and frame[name].is_null().all():
            raise DataError(f'"{file}" lacks the column "{name}", which rows of {row["family"]} need')
        if row[name] is None:
            raise DataError(f"{place}: {row['family']} needs {name}, which is empty")
        if not 0 <= row[name] < float("inf"):
            raise DataError(f'{place}: {name} is "{row[name]}", but must be at least 0')


def usable(frame: pl.DataFrame, accelerators: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """The rows that can be used, and a sentence per reason for which others can't: public tables are not all clean."""
    left_out = []
    for reason, condition in unusable(accelerators).items():
        count = int(frame.select(condition.sum()).item() or 0)
        if count:
            left_out.append(f"{count:,} rows whose {reason}")
            frame = frame.filter(~condition)
    return frame, left_out
