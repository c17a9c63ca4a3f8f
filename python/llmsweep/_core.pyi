"""The Rust core of llmsweep. Use the functions of :mod:`llmsweep`; this module is their foundation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, final

VERSION: str
DEBUG_BUILD: bool

class ArrowStreamExportable(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class LlmsweepError(Exception): ...
class SpecError(LlmsweepError, ValueError): ...
class CatalogError(LlmsweepError, ValueError): ...
class DataError(LlmsweepError, ValueError): ...

def registry() -> str:
    """Axes, columns, precisions, cache formats, reject reasons and other labels, as JSON."""

def schema() -> str:
    """The JSON Schema of a sweep specification."""

def pareto(
    table: ArrowStreamExportable,
    minimize: Sequence[str],
    maximize: Sequence[str],
    by: Sequence[str] = (),
    *,
    distinct: bool = False,
    epsilon: Sequence[float] = (),
) -> list[int]:
    """Positions of the rows on the Pareto front of an Arrow table, ascending.

    ``epsilon``: a number for each objective, minimized ones first, by which the front is thinned.
    """

def toml_from_hugging_face(config: str, id: str, *, file: str = "config.json") -> str:
    """A catalogue entry (TOML) read from the text of a Hugging Face ``config.json``."""

def laws() -> str:
    """Families of kernels with their inputs and coefficients, and the engines that laws are fitted to, as JSON."""

@final
class LawFit:
    """Timings of one family of kernels on one accelerator in one precision, ready to be fitted."""

    def __new__(
        cls, catalog: Catalog, family: str, accelerator: str, precision: str, table: ArrowStreamExportable
    ) -> LawFit:
        """Takes the inputs' columns of an Arrow table."""
    def times(self, coefficients: Sequence[float], *, warm: bool = True) -> bytes:
        """Predicted seconds of every row for these coefficients, as little-endian doubles.

        ``warm``: operands may sit in the second-level cache, as in a timing loop.
        """

@final
class Catalog:
    def __new__(cls, directories: Sequence[str]) -> Catalog:
        """Reads catalogue folders; an entry of a later folder replaces one of an earlier with the same id."""
    def list(self, kind: str, pattern: str = "*") -> str:
        """Entries of a kind (``models``, ``accelerators``, ``networks``) whose id matches a glob, as JSON."""
    def show(self, kind: str, id: str) -> str:
        """One entry in full, as JSON."""
    def operations(self) -> str:
        """How clusters are run (``systems/operations.toml``): constants by name, as JSON."""
    def kernels(self) -> str:
        """Every fitted law as JSON: accelerator, family, precision, engine, coefficients, rows, errors."""
    def relatives(self, accelerator: str) -> Sequence[str]:
        """Accelerators with fitted laws that stand in for one, nearest first."""

@final
class Result:
    """Rows of a sweep as an Arrow stream, and its statistics."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    @property
    def labels(self) -> dict[str, list[str]]:
        """Names by code of each label column."""
    @property
    def stats(self) -> str:
        """Counts as JSON: configurations, evaluated, feasible, rejected by reason, front, seconds."""

@final
class Batches:
    """Rows of a sweep, batch by batch in the order of their numbers, to be read once.

    An iterator of results, or one Arrow stream in which label columns are dictionaries of names.
    """

    def __iter__(self) -> Batches: ...
    def __next__(self) -> Result: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    @property
    def labels(self) -> dict[str, list[str]]:
        """Names by code of each label column."""
    @property
    def stats(self) -> str | None:
        """Counts as JSON once all batches were read; None before."""

@final
class Sweep:
    def __new__(cls, catalog: Catalog, spec: str | Mapping[str, object], *, file: str = "<spec>") -> Sweep:
        """Parses a specification (TOML text or a mapping) and compiles its plan."""
    @property
    def phase(self) -> str: ...
    @property
    def configurations(self) -> int: ...
    @property
    def pareto(self) -> dict[str, list[str]]:
        """``minimize``, ``maximize`` and ``by`` of the specification (or the phase's defaults)."""
    @property
    def fingerprint(self) -> str:
        """Hash of everything that a row depends on: specification, catalogue, version. Equal plans have equal rows."""
    def narrow(
        self,
        *,
        start: int = 0,
        stop: int | None = None,
        filters: Sequence[tuple[str, str, Sequence[float | str]]] = ...,
        prune: str = "auto",
    ) -> Sweep:
        """The same sweep, of which runs cover rows ``start`` to before ``stop`` that pass all ``filters``.

        A filter is a column, one of ``>=``, ``>``, ``<=``, ``<``, ``in``, and the values to compare with. ``prune``
        says what may be left out without a look at each row: ``off`` nothing, ``refused`` what one reason refuses,
        ``beaten`` also what the answer beats, ``auto`` that beyond ten million rows.
        """
    def run(
        self,
        keep: str,
        columns: Sequence[str] | None = None,
        *,
        against: Sequence[int] = ...,
        threads: int | None = None,
        progress: Callable[[int, int, int, int], None] | None = None,
    ) -> Result:
        """Evaluates the plan. ``keep``: ``all`` rows, ``feasible`` ones (constraints met), or the ``front``.

        ``against``: rows that keep others off the front as well. ``progress`` gets the rows done and in all, those of
        them that can run, and the size of the front.
        """
    def scouts(self) -> list[int]:
        """Rows to give to the runs of parts as ``against``: the front of some thousand rows."""
    def top(
        self,
        rows: int,
        column: str,
        *,
        descending: bool = False,
        columns: Sequence[str] | None = None,
        threads: int | None = None,
        progress: Callable[[int, int, int, int], None] | None = None,
    ) -> Result:
        """The ``rows`` best rows by one column, best first."""
    def stream(
        self,
        keep: str,
        columns: Sequence[str] | None = None,
        *,
        threads: int | None = None,
        progress: Callable[[int, int, int, int], None] | None = None,
    ) -> Batches:
        """Rows in batches, as they are made: what is in memory does not grow with the plan."""
    def rows(self, row_ids: Sequence[int], columns: Sequence[str] | None = None) -> Result:
        """Evaluates single rows by number."""
    def explain(self, row_id: int) -> str:
        """Every term of one row's time, memory and cost, with formula and numbers, as JSON."""

def evaluate(
    catalog: Catalog,
    phase: str,
    table: ArrowStreamExportable,
    columns: Sequence[str] | None = None,
    *,
    within: str | Mapping[str, object] | None = None,
    file: str = "<spec>",
) -> Result:
    """Evaluates one explicit configuration per row of an Arrow table whose columns are axes.

    Prices, operations, search and entries of the specification ``within`` hold for them.
    """
