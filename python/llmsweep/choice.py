"""The best setup of a sweep by one column, or why there is none."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmsweep.api import compile_sweep
from llmsweep.frame import to_frame
from llmsweep.registries import registry

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """A row, or the sentence that says why no row of ``configurations`` will do."""

    row: Row | None
    configurations: int
    why_not: str


def best(
    spec: Mapping[str, Any], by: str, *, descending: bool = False, catalog: Iterable[Any] = (), where: str = "<spec>"
) -> Choice:
    """The row of a sweep that meets its constraints and has the best value of a column.

    Args:
        spec: A specification.
        by: The column.
        descending: Whether more is better.
        catalog: Further catalogue folders.
        where: What errors call the specification.

    Raises:
        SpecError: The specification is wrong.

    Example:
        >>> setup = {"model": "llama2-70b", "accelerator": "rtx-4090", "precision": ["fp16", "w4a16"]}
        >>> best({"schema": 1, "phase": "inference", "axes": setup}, "tpot_s").why_not
        'the weights of the fullest device exceed its usable memory (2 of 2 setups)'
    """
    sweep = compile_sweep(spec, catalog, file=where)
    result = sweep.top(1, by, descending=descending)
    frame = to_frame(result)
    if frame.height:
        return Choice(frame.row(0, named=True), sweep.configurations, "")
    return Choice(None, sweep.configurations, why_not(json.loads(result.stats), by))


def why_not(stats: Mapping[str, Any], by: str) -> str:
    """The reason of those setups that came nearest to an answer: too slow for the constraints, or refused last."""
    if stats["unpriced"]:
        return f"{stats['unpriced']:,} setups will do, but the catalogue has no price or power for their {by}"
    if stats["constrained"]:
        return f"none of the {stats['constrained']:,} setups that run meets the constraints"
    # The registry has reasons in the order in which they are looked for.
    refused = [reject for reject in registry()["rejects"] if reject["name"] in stats["rejected"]]
    last = refused[-1]
    sentence, count = last["doc"].rstrip("."), stats["rejected"][last["name"]]
    return f"{sentence[0].lower()}{sentence[1:]} ({count:,} of {stats['configurations']:,} setups)"
