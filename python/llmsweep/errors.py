"""Exit codes of the command line, and the error that each one stands for.

====  ===========================================  ==========================================
code  meaning                                      raised as
====  ===========================================  ==========================================
0     done
2     usage, specification or catalogue error      `click.UsageError`, `SpecError`, `CatalogError`
3     nothing feasible; the reasons are printed    `NothingFeasibleError`
4     data error: a frame or file can't be used    `DataError`, `OSError`, Polars' own errors
5     a package or a device is missing             `UnavailableError`
130   interrupted                                  `KeyboardInterrupt`
====  ===========================================  ==========================================
"""

from enum import IntEnum

from llmsweep._core import CatalogError, DataError, LlmsweepError, SpecError

__all__ = [
    "CatalogError",
    "DataError",
    "ExitCode",
    "LlmsweepError",
    "NothingFeasibleError",
    "SpecError",
    "UnavailableError",
    "data_error_of",
    "exit_code",
]


class ExitCode(IntEnum):
    """What the process returns."""

    DONE = 0
    USAGE = 2
    NOTHING_FEASIBLE = 3
    DATA = 4
    UNAVAILABLE = 5
    INTERRUPTED = 130


class NothingFeasibleError(LlmsweepError):
    """No row of the sweep is worth showing; the sentence says why."""


class UnavailableError(LlmsweepError):
    """A package or a device that a command needs is not there; the sentence says how to get it."""


def data_error_of(what: str, error: Exception) -> DataError:
    r"""An error of another library as a `DataError` of one sentence.

    >>> str(data_error_of("it can't be read", ValueError("no such column\nmore")))
    "it can't be read: no such column"
    """
    return DataError(f"{what}: {str(error).strip().partition(chr(10))[0]}")


def exit_code(error: BaseException) -> ExitCode:
    """The exit code that an error stands for.

    >>> exit_code(KeyboardInterrupt()).value
    130
    """
    match error:
        case SpecError() | CatalogError():
            return ExitCode.USAGE
        case NothingFeasibleError():
            return ExitCode.NOTHING_FEASIBLE
        case UnavailableError():
            return ExitCode.UNAVAILABLE
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED
        case _:
            return ExitCode.DATA
