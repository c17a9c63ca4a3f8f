"""A file appears whole or not at all, on a disk or in an object store."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

#: Object stores that Polars writes to.
SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss")


@dataclass(frozen=True)
class ObjectUrl:
    """A file of an object store, such as ``s3://bucket/rows.parquet``.

    Credentials are those that the store's own tools take from the environment.

    Attributes:
        url: Scheme, bucket and key.
    """

    url: str

    @property
    def name(self) -> str:
        """The last part of the key.

        >>> ObjectUrl("s3://bucket/runs/rows.parquet").name
        'rows.parquet'
        """
        return PurePosixPath(self.url).name

    def __str__(self) -> str:
        return self.url


Target = Path | ObjectUrl


def put(target: ObjectUrl, write: Callable[[str], object]) -> None:
    """Lets ``write`` send an object, which a store keeps whole or not at all.

    Raises:
        DataError: The store refuses or does not answer.
    """
    from polars.exceptions import PolarsError

    from llmsweep.errors import DataError

    try:
        write(target.url)
    except (OSError, PolarsError) as error:
        reason = str(error).partition("\n")[0].removeprefix("object-store error: ")
        raise DataError(f'"{target}" can\'t be written: {reason}') from error


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
