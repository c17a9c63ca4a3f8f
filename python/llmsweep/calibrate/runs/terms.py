"""The constants that runs can tell: where each stands, and how far it may move."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

# Factors either way that a year's software or another host make, as widths of a logarithm.
TIME, SHARE, CLOCK = 0.5, 0.3, 0.1


@dataclass(frozen=True)
class Term:
    """A constant: the catalogue's file, the path of keys to it, what it is, the width of its prior, its bounds."""

    file: str
    path: tuple[str, ...]
    doc: str
    width: float
    low: float = 0.0
    high: float = float("inf")

    @property
    def name(self) -> str:
        """File and keys, as sentences name it."""
        return f"{self.file}: {'.'.join(self.path)}"


TRAINING = (
    Term("systems/training", ("host_launch_s",), "host time per kernel launch", TIME),
    Term("systems/training", ("tensor_exposed_overlapped",), "exposed share of tensor traffic", TIME, 0.0, 1.0),
    Term("systems/training", ("expert_all_to_all_ratio",), "share of the links that token exchange reaches", SHARE),
    Term("systems/training", ("expert_layer_floor_s",), "least time of a layer of experts", TIME),
    Term("systems/collectives", ("between_nodes", "efficiency"), "share of the network reached", SHARE, 0.0, 1.0),
)
SERVING = (
    Term("systems/serving", ("host_step_s",), "host time per step", TIME),
    Term("systems/serving", ("host_request_s",), "host time per step and request", TIME),
    Term("systems/serving", ("first_token_s",), "fixed time to the first token", TIME),
    Term("systems/serving", ("kernel_start_s",), "start of a kernel inside a captured graph", TIME),
)


def terms(
    rows: pl.DataFrame, architectures: dict[str, str], stacks: dict[str, str], engines: dict[str, str]
) -> Iterator[Term]:
    """The terms that rows may tell: those of their phases, engines and architectures.

    Args:
        rows: What `validate` answered, with ``engine``.
        architectures: Architecture by accelerator.
        stacks: The catalogue's file of each training stack.
        engines: The catalogue's file of each serving engine.
    """
    training = rows.filter(pl.col("kind") == "training")
    serving = rows.filter(pl.col("kind").is_in(["inference", "serving"]))
    if training.height:
        yield from TRAINING
        yield from of_software(training, "stack", stacks, TRAINING)
        yield from clocks(training, architectures, "training_clock")
    if serving.height:
        yield from SERVING
        yield from of_software(serving, "engine", engines, SERVING)
        yield from clocks(serving, architectures, "serving_clock")


def of_software(rows: pl.DataFrame, kind: str, files: dict[str, str], shared: Iterable[Term]) -> Iterator[Term]:
    """The same constants as the rows' stacks or engines have them; no value stands where one takes the default."""
    for name in sorted(set(rows[kind].drop_nulls()) & files.keys()):
        for term in shared:
            if term.file in ("systems/training", "systems/serving"):
                doc = f"{term.doc} of {name}"
                yield Term(files[name], (kind, name, *term.path), doc, term.width, term.low, term.high)


def clocks(rows: pl.DataFrame, architectures: dict[str, str], key: str) -> Iterable[Term]:
    """The sustained clock of each architecture: of the slowest device, since the others wait for it."""
    found = {architectures[name] for name in rows["accelerator"].drop_nulls() if name in architectures}
    return (
        Term(f"efficiency/{name}", (key,), f"sustained clock of {name}, stragglers included", CLOCK, 0.0, 1.0)
        for name in sorted(found)
    )
