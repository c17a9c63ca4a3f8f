"""Ranks hardware for one model."""

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, TypedDict

from llmsweep.api import open_catalog
from llmsweep.choice import Row
from llmsweep.fleet.promises import check
from llmsweep.select.candidates import candidates, refusals
from llmsweep.select.reasons import against, break_even, money, speed, times
from llmsweep.select.verdict import verdict
from llmsweep.select.want import Purpose, Want


class Place(TypedDict):
    """One accelerator: its best setup, why it stands there, and its runner-up, another layout or format of it."""

    rank: int
    accelerator: str
    name: str
    setup: dict[str, Any]
    reason: str
    runner_up: dict[str, Any] | None
    break_even_usd_per_device_hour: float | None


class Selection(TypedDict):
    """Accelerators for one model, best first; those that can't have their reasons."""

    purpose: str
    model: str
    decides: str
    places: list[Place]
    impossible: dict[str, str]
    verdict: str


def select(purpose: Purpose, model: str, *, catalog: Iterable[str | PathLike[str]] = (), **options: Any) -> Selection:
    """Ranks hardware for training or serving one model, each with layout and format, reason and runner-up.

    Args:
        purpose: ``"training"`` or ``"inference"``.
        model: Model of the catalogue.
        catalog: Further catalogue folders.
        options: Further fields of `llmsweep.select.want.Want`: ``accelerators``, ``precisions``, ``by``,
            ``budget_usd``, ``days``, ``ttft_s``, ``tpot_s``, ``slo`` …

    Returns:
        Places, best first by cost or the column ``by``; those whose column is unknown (no price) last, with the rental
        at which they would be as cheap as the first; the accelerators that can't, with the reason; and a verdict.

    Raises:
        SpecError: There is no such model, accelerator, format or column.
        TypeError: There is no such option.

    Example:
        170 B parameters take 340 GB in 16 bits and 85 in four: one H200 of 141 GB serves them in four bits alone.

        >>> import llmsweep as ls
        >>> one = {"tensor_parallel": 1, "pipeline_parallel": 1}
        >>> found = ls.select("inference", "class-170b", accelerators=["h200-sxm-141"], settings=one)
        >>> found["places"][0]["setup"]["precision"]
        'w4a16'
    """
    want = Want(purpose, model, **options)
    check(want.promises)
    folders = list(catalog)
    core = open_catalog(folders)
    entry = json.loads(core.show("models", model))
    known = {one["id"]: one["name"] for one in json.loads(core.list("accelerators"))}
    asked = [one for one in known if any(fnmatch.fnmatch(one, pattern) for pattern in want.accelerators)]
    found = candidates(want, want.spec(entry, want.accelerators), folders)
    places = [place(want, found.pairs, rank, known) for rank in range(1, len(found.pairs) + 1)]
    placed = {one["accelerator"] for one in places}
    impossible = refusals(want, entry, [one for one in asked if one not in placed], folders)
    plain = None if found.plain is None else (known[found.plain["accelerator"]], found.plain)
    return {
        "purpose": purpose,
        "model": model,
        "decides": want.decides,
        "places": places,
        "impossible": impossible,
        "verdict": verdict(want, entry["name"], places, (impossible, plain)),
    }


def place(want: Want, pairs: Sequence[tuple[Row, Row | None]], rank: int, names: Mapping[str, str]) -> Place:
    """The accelerator of a rank, held against the first, and the first against the second."""
    row, second = pairs[rank - 1]
    first = rank == 1
    others = pairs[1:2] if first else pairs[:1]
    return {
        "rank": rank,
        "accelerator": row["accelerator"],
        "name": names[row["accelerator"]],
        "setup": dict(row),
        "reason": reason(want, row, others[0][0]) if others else "the only one that will do",
        "runner_up": dict(second) if second else None,
        "break_even_usd_per_device_hour": None if first else break_even(row, pairs[0][0], want.decides),
    }


def reason(want: Want, row: Row, other: Row) -> str:
    """Why a setup stands before or behind another."""
    own, theirs = row[want.decides], other[want.decides]
    if want.by is not None:
        return f"{times(own / theirs)} the {want.by} of {other['accelerator']}" if own and theirs else "not known"
    if own is None:
        return f"no rental is known; {times(speed(row) / speed(other))} the tokens per device of {other['accelerator']}"
    ratio = f"{money(own)} against {money(theirs)} of {other['accelerator']}" if theirs else f"{money(own)}"
    return f"{ratio}: {against(row, other)}"
