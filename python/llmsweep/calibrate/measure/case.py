"""What a measurement needs of a backend."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Case:
    """One kernel: its family, its precision and its shape."""

    family: str
    precision: str
    inputs: Mapping[str, int] = field(hash=False)


class UnsupportedError(Exception):
    """The GPU or the library has no such kernel; the message says why."""


class TooLargeError(Exception):
    """The operands do not fit the memory."""


class Backend(Protocol):
    """A device that can time kernels."""

    def name(self) -> str:
        """The device's name as its driver prints it."""

    def memory_bytes(self) -> int:
        """Memory of the device."""

    def formats(self) -> tuple[str, ...]:
        """Formats in which it multiplies matrices."""

    def times(self, case: Case, *, repeats: int, cold: bool) -> list[float]:
        """Seconds of single launches after warm-up; ``cold``: with the second-level cache full of other data.

        Raises:
            UnsupportedError: There is no such kernel.
            TooLargeError: The operands do not fit.
        """
