"""What a calibration with runs found, as text and as plain values."""

from collections.abc import Iterator
from typing import Any

from llmsweep.calibrate.runs.session import Runs
from llmsweep.validate.text import aligned, percent

HEAD = ("constant", "shipped", "fitted", "known to", "meaning")


def as_json(found: Runs) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "constants": [
            {
                "file": f"{item.term.file}.toml",
                "key": ".".join(item.term.path),
                "shipped": item.shipped,
                "value": item.value,
                "narrowed": item.narrowed,
                "kept": item.kept,
            }
            for item in found.constants
        ],
        "measurements": found.measurements,
        "sources": found.sources,
        "left_out": found.folds,
        "before": {"median": found.before[0], "p90": found.before[1]},
        "after": {"median": found.after[0], "p90": found.after[1]},
    }


def lines(found: Runs) -> Iterator[str]:
    """Everything as text."""
    yield f"{found.measurements:,} measurements of {found.sources:,} sources"
    yield ""
    yield from aligned(
        HEAD,
        (
            [
                item.term.name,
                f"{item.shipped:.4g}",
                "kept" if item.kept else f"{item.value:.4g}",
                "not told by these runs" if item.kept else percent(item.narrowed * item.term.width),
                item.term.doc,
            ]
            for item in found.constants
        ),
    )
    yield ""
    before, after = ("median {}, p90 {}".format(*map(percent, pair)) for pair in (found.before, found.after))
    yield f"|predicted / measured − 1| with shipped constants: {before}"
    yield f"with fitted ones, {found.folds} left out: {after}"
    if found.after[0] >= found.before[0]:
        yield "the shipped constants are as good for runs left out: more runs are needed to gain by fitted ones"
