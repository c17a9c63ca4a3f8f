"""From the core's Arrow stream to a Polars frame."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl


class Stream(Protocol):
    """Rows as an Arrow stream, and the names behind the codes of its label columns."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The PyCapsule of the stream."""

    @property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """Names by code."""


def to_frame(result: Stream) -> pl.DataFrame:
    """Takes over the core's buffers without a copy and names the codes of label columns.

    Args:
        result: Rows from the core. Label columns hold 8- or 16-bit codes; a null stays a null.

    Returns:
        A frame in which each label column is a `polars.Enum`.

    Raises:
        DataError: A code has no name.
    """
    frame = pl.DataFrame(result)
    named = [pl.col(name).cat.to(pl.Enum(names)) for name, names in result.labels.items() if name in frame.columns]
    try:
        return frame.with_columns(named)
    except pl.exceptions.ComputeError as error:
        from llmsweep._core import DataError

        raise DataError("a label column of the core holds a code without a name") from error
