"""What a calibration found, as frames and as text."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from llmsweep.calibrate.ops import Calibration
from llmsweep.validate.text import aligned, percent

HEAD = ("family", "accelerator", "precision", "engine", "timings", "used", "outliers", "median", "p90", "start")
TRANSFER = ("family", "accelerator", "precision", "engine", "relative", "median", "p90", "with 40", "p90 with 40")
# More sentences than these are counted, not printed; --json and --report have all.
MOST_SENTENCES = 20


def laws(found: Calibration) -> pl.DataFrame:
    """A row per law; errors are fractions."""
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        **dict.fromkeys(("family", "accelerator", "precision", "engine"), pl.String),
        **dict.fromkeys(("available", "rows", "outliers"), pl.Int64),
        **dict.fromkeys(("error_median", "error_p90"), pl.Float64),
        "started_from": pl.String,
        "source": pl.List(pl.String),
    }
    rows = [
        {
            **law.key._asdict(),
            "available": law.available,
            "rows": law.rows,
            "outliers": law.outliers,
            "error_median": law.error_median,
            "error_p90": law.error_p90,
            "started_from": law.started_from,
            "source": list(law.source),
        }
        for law in found.laws
    ]
    transfers = pl.DataFrame(
        [
            {
                **item.key._asdict(),
                "relative": item.relative,
                "transfer_median": item.error_median,
                "transfer_p90": item.error_p90,
                "refitted_median": item.refitted_median,
                "refitted_p90": item.refitted_p90,
            }
            for item in found.transfers
        ]
    )
    frame = pl.DataFrame(rows, schema=schema)
    if transfers.is_empty():
        return frame
    return frame.join(transfers, on=["family", "accelerator", "precision", "engine"], how="left", maintain_order="left")


def as_json(found: Calibration) -> dict[str, Any]:
    """Everything as plain values."""
    coefficients = [
        dict(zip((entry.name for entry in law.family.coefficients), law.coefficients, strict=True))
        for law in found.laws
    ]
    rows = laws(found).to_dicts()
    return {
        "laws": [{**row, "coefficients": values} for row, values in zip(rows, coefficients, strict=True)],
        "left_out": [{"file": item.file, "reason": item.reason} for item in found.left_out],
    }


def head(found: Calibration) -> list[list[str]]:
    """The line of each law."""
    return [
        [
            *law.key,
            f"{law.available:,}",
            f"{law.rows:,}",
            f"{law.outliers:,}",
            percent(law.error_median),
            percent(law.error_p90),
            law.started_from,
        ]
        for law in found.laws
    ]


def transfer(found: Calibration) -> list[list[str]]:
    """The line of each accelerator left out."""
    return [
        [
            *item.key,
            item.relative,
            *(percent(value) for value in (item.error_median, item.error_p90, item.refitted_median, item.refitted_p90)),
        ]
        for item in found.transfers
    ]


def lines(found: Calibration) -> Iterator[str]:
    """Everything as text."""
    yield "Errors are |predicted / measured − 1| of shapes that the fit did not see"
    yield ""
    yield from aligned(HEAD, head(found))
    if found.transfers:
        yield "\nAccelerators left out: predicted by the relative's law, and by it after a fit to 40 timings"
        yield from aligned(TRANSFER, transfer(found))
    if found.left_out:
        yield "\nLeft out"
        yield from sentences(found)


def sentences(found: Calibration, most: int = MOST_SENTENCES) -> Sequence[str]:
    """What was left out, and why."""
    said = [f'"{item.file}": {item.reason}' if item.file else item.reason for item in found.left_out]
    return said if len(said) <= most else [*said[: most - 1], f"… and {len(said) - most + 1:,} more (--json has all)"]
