"""Reading and writing tables on behalf of commands."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmsweep.files import ObjectUrl, Target, put, write_beside

if TYPE_CHECKING:
    import polars as pl

#: Rows of a row group of Parquet: large enough to compress well, small enough that a reader skips most.
ROW_GROUP = 131_072


def write_frame(frame: "pl.DataFrame", path: Target, metadata: dict[str, str] | None = None) -> None:
    """Writes Parquet, which takes the metadata too, CSV or JSON (a list of objects) by the file's extension."""
    if isinstance(path, ObjectUrl):
        put(path, lambda url: frame.write_parquet(url, metadata=metadata))
        return
    match path.suffix.lower():
        case ".parquet":
            write_beside(path, lambda part: frame.write_parquet(part, metadata=metadata))
        case ".csv":
            write_beside(path, frame.write_csv)
        case _:
            write_beside(path, frame.write_json)


def write_parts(
    parts: Sequence[Path], path: Target, metadata: dict[str, str] | None = None, *, folder: Path | None = None
) -> None:
    """Writes the rows of Parquet files, one after the other, by the extension of the new file.

    Parquet and CSV go through memory row group by row group; JSON is one list and needs all rows in memory. The file is
    filled in ``folder``, or else beside where it is to appear.
    """
    import polars as pl

    rows = pl.scan_parquet(list(parts))

    def sink(part: Path | str) -> None:
        rows.sink_parquet(part, metadata=metadata, maintain_order=True, row_group_size=ROW_GROUP)

    if isinstance(path, ObjectUrl):
        put(path, sink)
        return
    suffix = path.suffix.lower()

    def write(part: Path) -> None:
        match suffix:
            case ".parquet":
                sink(part)
            case ".csv":
                rows.sink_csv(part, maintain_order=True)
            case _:
                rows.collect().write_json(part)

    write_beside(path, write, folder)


def write_text(text: str, path: Path) -> None:
    """Writes text."""
    write_beside(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(value: object, path: Path) -> None:
    """Writes one JSON value."""
    write_text(json.dumps(value, indent=2) + "\n", path)


def read_frame(path: Path) -> "pl.DataFrame":
    """Reads Parquet, CSV or JSON by the file's extension.

    Raises:
        DataError: The file is not what its extension says.
    """
    import polars as pl

    from llmsweep.errors import DataError

    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".parquet": pl.read_parquet,
        ".csv": pl.read_csv,
        ".json": pl.read_json,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f'"{path}" must end in {" or ".join(readers)}')
    try:
        return reader(path)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f'"{path}" can\'t be read as {path.suffix[1:]}: {reason}') from error
