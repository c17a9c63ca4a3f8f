"""A file appears whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_beside(path: Path, write: Callable[[Path], object], folder: Path | None = None) -> None:
    """Lets ``write`` fill a file in the same folder and renames it to ``path``.

    Args:
        path: The file that is to appear.
        write: Gets the path of the file to fill.
        folder: Another folder of the same file system in which it is filled.

    Raises:
        DataError: The system refuses: no room, no permission.
    """
    from polars.exceptions import PolarsError

    from llmsweep.errors import DataError

    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=folder or path.parent)
        os.close(handle)
        part = Path(name)
        write(part)
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(path)
    except OSError as error:
        raise DataError(f'"{path}" can\'t be written: {error.strerror or error}') from error
    except PolarsError as error:
        reason = str(error).partition("\n")[0].rpartition("error: ")[2].partition(" (os error")[0]
        raise DataError(f'"{path}" can\'t be written: {reason}') from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
