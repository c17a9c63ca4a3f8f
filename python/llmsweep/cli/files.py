"""Reading and writing tables; a file appears whole or not at all."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def write_beside(path: Path, write: Callable[[Path], object]) -> None:
    """Lets ``write`` fill a file in the same folder and renames it to ``path``.

    Raises:
        DataError: The system refuses.
    """
    from llmsweep.errors import DataError

    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        part = Path(name)
        write(part)
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(path)
    except OSError as error:
        raise DataError(f'"{path}" can\'t be written: {error.strerror or error}') from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def write_frame(frame: "pl.DataFrame", path: Path) -> None:
    """Writes Parquet, CSV or JSON (a list of objects) by the file's extension."""
    match path.suffix.lower():
        case ".parquet":
            write_beside(path, frame.write_parquet)
        case ".csv":
            write_beside(path, frame.write_csv)
        case _:
            write_beside(path, frame.write_json)


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
