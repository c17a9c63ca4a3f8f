"""Fits the shipped laws of kernels to a folder of timings, and writes docs/kernels.md.

    write_kernels.py FOLDER

The timings are not part of the project: docs/kernels.md says what is in them.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from llmsweep.api import open_catalog
from llmsweep.calibrate import kernel_files, report
from llmsweep.calibrate.layouts import recognise, vidur
from llmsweep.calibrate.ops import ROWS, Calibration, calibrate
from llmsweep.calibrate.read import Key, files, read
from llmsweep.calibrate.task import Bound, Law
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
MOST_NEAR = 0.9

ATTENTION = ("prefill_attention", "decode_attention", "latent_prefill", "latent_decode")
# What was aimed at, by what it is of: families whose errors are put together, and the goal.
HELD_OUT_GOALS = (
    ("multiplication", ("gemm",), 0.06),
    ("grouped multiplication of experts", ("grouped_gemm",), 0.11),
    ("attention to prompts", ("prefill_attention",), 0.08),
    ("attention in decoding", ("decode_attention",), 0.09),
    ("latent attention (MLA)", ("latent_prefill", "latent_decode"), 0.09),
    ("collectives of the library (NCCL)", ("all_reduce", "all_gather", "reduce_scatter", "all_to_all"), 0.05),
    ("engines' own all-reduce", ("engine_all_reduce",), 0.05),
    ("exchange with experts", ("dispatch", "combine"), 0.11),
)
TRANSFER_GOALS = (("multiplication", ("gemm",), 0.15, 0.07), ("attention", ATTENTION, 0.20, None))
INTRODUCTION = """\
# Kernels

<!-- Written by tools/write_kernels.py; `make kernels OPS=…` writes it anew. -->

How far the laws of [model.md](model.md) are from measured kernels: |predicted / measured − 1| over shapes that the fit
**did not see**: two groups of shapes in five, chosen by a hash; of collectives every other message size. The timings
are published ones (ai-dynamo/aiconfigurator, Apache-2.0; microsoft/vidur, MIT), which are not shipped;
`llmsweep calibrate ops` fits your own ([calibrate.md](calibrate.md)). A fit takes at most 3,000 timings. `any` is one
law to all engines' median time of each shape (training uses it), `fastest` one to the fastest engine's (serving uses it
for multiplications, for engines share libraries and tune; training for grouped ones).
"""


def goals(found: Calibration) -> Iterator[list[str]]:
    """A line per goal: what it is of, how many laws, what was reached, what was aimed at, whether that is met."""
    for name, families, goal in HELD_OUT_GOALS:
        if laws := [law for law in found.laws if law.key.family in families and law.held_out]:
            yield [name, "median of shapes held out", f"{len(laws)}", *reached(pooled(laws), goal)]
            if families == ("gemm",):
                share = near(laws, goal)
                limit = f"{100 * NEAR * goal:.0f} %"
                score = (percent(share), f"≥ {100 * MOST_NEAR:.0f} %", "yes" if share >= MOST_NEAR else "no")
                yield [name, f"share of laws whose median is at most {limit}", f"{len(laws)}", *score]
    for name, families, goal, refitted_goal in TRANSFER_GOALS:
        if moved := [item for item in found.transfers if item.key.family in families]:
            medians = float(np.median([item.error_median for item in moved]))
            yield [name, "accelerator left out: law of its relative", f"{len(moved)}", *reached(medians, goal)]
            if refitted_goal:
                medians = float(np.median([item.refitted_median for item in moved]))
                title = f"the same after a fit to {TIMINGS} timings"
                yield [name, title, f"{len(moved)}", *reached(medians, refitted_goal)]


def reached(error: float, goal: float) -> tuple[str, str, str]:
    """An error, what was aimed at, and whether that is met."""
    return percent(error), aim(goal), "yes" if error <= goal else "no"


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


GOAL = ("of", "error", "laws", "reached", "goal", "met")
SUMMARY = (
    *("family", "laws", "timings", "median", "goal", "p90", "laws near goal"),
    *("accelerator left out", "goal", f"with {TIMINGS} timings", "goal"),
)
SCORES = (
    *("accelerator", "precision", "engine", "timings", "used", "outliers", "median", "p90"),
    *("relative", "its law", f"with {TIMINGS}"),
)
CHECK = ("accelerator", "law", "fitted to them", "timings", "median", "p90")


def scores(laws: Sequence[Law], moved: Mapping[Key, Transfer]) -> Iterator[list[str]]:
    """The line of each law of a family, and how far its relative's law is from its timings."""
    for law in sorted(laws, key=lambda law: law.key):
        numbers = (f"{count:,}" for count in (law.available, law.rows, law.outliers))
        line = [*law.key[1:], *numbers, percent(law.error_median), percent(law.error_p90)]
        other = moved.get(law.key)
        yield [
            *line,
            *((other.relative, percent(other.error_median), percent(other.refitted_median)) if other else ("",) * 3),
        ]


def check(found: Calibration, folder: Path) -> Iterator[list[str]]:
    """Vidur's multiplications by the law of each engine, most of which did not see them."""
    catalog = open_catalog()
    known = [entry["id"] for entry in json.loads(catalog.list("accelerators"))]
    for path, _ in files([folder]):
        columns = pl.scan_parquet(path).collect_schema().names() if path.suffix == ".parquet" else ()
        if recognise(columns) is not vidur:
            continue
        timings = read([path], catalog, known, ROWS, vidur.SOURCES)
        for own in timings.all_keys():
            table = timings.of(own)
            for law in found.laws:
                if law.key._replace(engine=own.engine) == own:
                    errors = Bound.of(catalog, law.key, table).errors(law.coefficients)
                    fitted = "yes" if law.key == own else "no"
                    quantiles = map(percent, map(float, np.quantile(errors, (0.5, 0.9))))
                    yield [law.key.accelerator, law.key.engine, fitted, f"{table.height:,}", *quantiles]


def page(found: Calibration, folder: Path) -> Iterator[str]:
    """The lines of docs/kernels.md."""
    yield INTRODUCTION
    yield "## Goals\n"
    yield from markdown(GOAL, goals(found))
    yield "\n## Families\n"
    yield "Over all held-out shapes, laws counting alike; *near*: a law's own median at most a third above the goal.\n"
    yield from markdown(SUMMARY, summary(found))
    moved = {item.key: item for item in found.transfers}
    yield "\nBelow, a table per family. *median*, *p90*: shapes held out of a fit to the accelerator's own timings."
    yield "*its law*: the accelerator left out, its timings predicted by the law of its nearest *relative*;"
    yield f"*with {TIMINGS}*: by that law after a fit to {TIMINGS} of the timings (medians)."
    for family in dict.fromkeys(law.key.family for law in found.laws):
        yield f"\n## {family}\n"
        laws = [law for law in found.laws if law.key.family == family]
        yield f"{laws[0].family.doc}\n"
        yield from markdown(SCORES, scores(laws, moved))
    if checks := list(check(found, folder)):
        yield "\n## Another source\n"
        yield "Multiplications timed by Vidur (PyTorch) against the laws in 16 bits: the engines' did not see them.\n"
        yield from markdown(CHECK, checks)
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
