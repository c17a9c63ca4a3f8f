"""Fits the shipped laws of kernels to a folder of timings, and writes docs/kernels.md.

    write_kernels.py FOLDER

The timings are not part of the project: docs/kernels.md says what is in them.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from llmsweep.calibrate import kernel_files, report
from llmsweep.calibrate.ops import Calibration, calibrate
from llmsweep.calibrate.task import Law
from llmsweep.calibrate.transfer import TIMINGS, Transfer
from llmsweep.directories import shipped_catalog
from llmsweep.validate.text import markdown, percent

PAGE = Path(__file__).parents[1] / "docs" / "kernels.md"
NOTE = (
    "Laws of kernels, fitted to published timings; `make kernels OPS=…` writes this file anew.",
    "Keys: docs/calibrate.md; errors: docs/kernels.md.",
)
# Median error aimed at: over held-out shapes, of an accelerator left out, and of the same with forty timings.
GOALS = {
    "gemm": (0.06, 0.15, 0.07),
    "grouped_gemm": (0.11, None, None),
    "prefill_attention": (0.08, 0.20, None),
    "decode_attention": (0.09, 0.20, None),
    "latent_prefill": (0.09, 0.20, None),
    "latent_decode": (0.09, 0.20, None),
    "all_reduce": (0.05, None, None),
    "all_gather": (0.05, None, None),
    "reduce_scatter": (0.05, None, None),
    "all_to_all": (0.05, None, None),
    "engine_all_reduce": (0.05, None, None),
    "dispatch": (0.11, None, None),
    "combine": (0.11, None, None),
}
NO_GOAL = (None, None, None)
# Of one law, a median as far off as this is still near.
NEAR = 4 / 3
INTRODUCTION = """\
# Kernels

<!-- Written by tools/write_kernels.py; `make kernels OPS=…` writes it anew. -->

How far the laws of [model.md](model.md) are from measured kernels: |predicted / measured − 1| over shapes that the fit
**did not see** (two in five, chosen by a hash of the shape). The timings are published ones
(ai-dynamo/aiconfigurator, Apache-2.0; microsoft/vidur, MIT), which are not shipped; `llmsweep calibrate ops` fits your
own ([calibrate.md](calibrate.md)). A fit takes at most 3,000 timings. `any` is one law to all
engines, at their median; `fastest` one to the fastest engine's time of each shape.
"""


def summary(found: Calibration) -> Iterator[list[str]]:
    """A line per family against what was aimed at; each law counts the same."""
    for family in dict.fromkeys(law.key.family for law in found.laws):
        laws = [law for law in found.laws if law.key.family == family and law.held_out]
        if not laws:
            continue
        goal, transfer_goal, refitted_goal = GOALS.get(family, NO_GOAL)
        moved = [item for item in found.transfers if item.key.family == family]
        yield [
            family,
            f"{len(laws):,}",
            f"{sum(law.available for law in laws if law.key.engine not in law.family.pools):,}",
            percent(pooled(laws)),
            aim(goal),
            percent(float(np.quantile([value for law in laws for value in law.held_out], 0.9))),
            "–" if goal is None else percent(near(laws, goal)),
            percent(middle([item.error_median for item in moved])),
            aim(transfer_goal),
            percent(middle([item.refitted_median for item in moved])),
            aim(refitted_goal),
        ]


def pooled(laws: Sequence[Law]) -> float:
    """Median of all held-out errors."""
    return float(np.median([value for law in laws for value in law.held_out]))


def near(laws: Sequence[Law], goal: float) -> float:
    """Share of the laws whose own median is near what was aimed at."""
    return sum((law.error_median or 0.0) <= NEAR * goal for law in laws) / len(laws)


def middle(values: Sequence[float]) -> float | None:
    """Their median, if there are any."""
    return float(np.median(values)) if values else None


def aim(goal: float | None) -> str:
    """What was aimed at."""
    return "" if goal is None else f"≤ {100 * goal:.0f} %"


SUMMARY = (
    *("family", "laws", "timings", "median", "goal", "p90", "laws near goal"),
    *("accelerator left out", "goal", f"with {TIMINGS} timings", "goal"),
)
SCORES = ("accelerator", "precision", "engine", "timings", "used", "outliers", "median", "p90")
MOVED = ("accelerator", "precision", "engine", "relative", "median", "p90", f"with {TIMINGS}", f"p90 with {TIMINGS}")


def scores(laws: Sequence[Law]) -> Iterator[list[str]]:
    """The line of each law of a family."""
    for law in sorted(laws, key=lambda law: law.key):
        numbers = (f"{count:,}" for count in (law.available, law.rows, law.outliers))
        yield [*law.key[1:], *numbers, percent(law.error_median), percent(law.error_p90)]


def moved(transfers: Sequence[Transfer]) -> Iterator[list[str]]:
    """The line of each law of a family, its accelerator left out."""
    for item in sorted(transfers, key=lambda item: item.key):
        errors = (item.error_median, item.error_p90, item.refitted_median, item.refitted_p90)
        yield [*item.key[1:], item.relative, *map(percent, errors)]


def page(found: Calibration, folder: Path) -> Iterator[str]:
    """The lines of docs/kernels.md."""
    yield INTRODUCTION
    yield "## Summary\n"
    yield "Over all held-out shapes, laws counting alike; *near*: a law's own median at most a third above the goal.\n"
    yield from markdown(SUMMARY, summary(found))
    for family in dict.fromkeys(law.key.family for law in found.laws):
        yield f"\n## {family}\n"
        laws = [law for law in found.laws if law.key.family == family]
        yield f"{laws[0].family.doc}\n"
        yield from markdown(SCORES, scores(laws))
        transfers = [item for item in found.transfers if item.key.family == family]
        if transfers:
            yield (
                "\nAccelerators left out: predicted by the law of the nearest relative, and by that law after a fit to "
                f"{TIMINGS} timings.\n"
            )
            yield from markdown(MOVED, moved(transfers))
    yield "\n## Left out\n"
    for sentence in report.sentences(found, sys.maxsize):
        yield f"- {sentence.replace(f'{folder}{os.sep}', '')}"


def write_laws(laws: Sequence[Law], folder: Path) -> None:
    """Writes the laws, and removes those of accelerators that are no longer timed."""
    written = kernel_files.write_folder(laws, folder, NOTE)
    for path in (folder / kernel_files.FOLDER).glob("*.toml"):
        if path not in written and path.stem != "sources":
            path.unlink()


def main(args: Sequence[str]) -> int:
    """Fits, then writes the laws and the page."""
    if len(args) != 1:
        print("usage: write_kernels.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(args[0])
    found = calibrate([folder], fresh=True, check_transfer=True, jobs=os.cpu_count() or 1)
    write_laws(found.laws, shipped_catalog())
    PAGE.write_text("\n".join(page(found, folder)) + "\n", encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
