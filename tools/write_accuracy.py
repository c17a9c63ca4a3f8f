"""Writes what measurements say about the model: intervals.toml, docs/accuracy.md and the README's scoreboard.

    write_accuracy.py training.parquet memory.parquet inference.parquet serving.parquet

The files of published measurements are not part of the project: `docs/accuracy.md` says what is in them.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.validate import intervals, stacks
from llmsweep.validate.run import validate
from llmsweep.validate.score import board
from llmsweep.validate.text import CUT, HEAD, TITLES, WORST, cut, head, markdown, percent, remarks, worst
from suspects import FAMILIES, FAR, cause, families

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs" / "accuracy.md", ROOT / "README.md"
# In the README, what stands between these is written by `make accuracy`.
SCOREBOARD = re.compile(r"(?<=<!-- scoreboard of: make accuracy FILES=… -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)
SCORES = ("", "measured", "median", "mean of medians", "p90", "bias", "inside")
NOTE = (
    "How far residuals of each class reach: predicted · exp(±1.2816 sigma) holds 80 % of them.",
    "A source (of deployments: a model) weighs as the root of its rows.",
    "Written by tools/write_accuracy.py from published measurements; `make accuracy FILES=…` does it anew.",
)
INTRODUCTION = """\
# Accuracy

<!-- Written by tools/write_accuracy.py; `make accuracy FILES=…` writes it anew. -->

Predictions against published measurements, as `llmsweep validate FILE.parquet…` makes them. The files are not shipped:
they quote 1,748 training runs, 249 memory figures, 3,072 inference runs and 3,406 deployments from their sources, and
`validate` takes your own in the same columns (`python/llmsweep/validate/kinds.py` lists them).
An extract of published rows with their sources is in `tests/validation/published.toml`.

No constant is fitted per row. What a source leaves unsaid is the default of its software and release
(`python/llmsweep/validate/defaults.py`). A row counts if it says
all that a prediction needs and beats no physical bound.

*mean of medians*: over sources, of deployments over models, so that none dominates. *inside*: share of measurements in
[p10, p90], with intervals that **the row's own source (model) had no part in**; 80 % is meant. *rank*: Spearman
correlation within families of model and accelerator. The model's constants were chosen with these rows in view.
"""

UNKNOWN = """
## Training on a stack that nobody has measured

The same rows with every stack's own constants taken away: physical defaults, and what the documentation of the stack's
release says that its launchers take where a row is silent. This is what to expect of another stack; its intervals are
those of classes without software.
"""


def page(rows: pl.DataFrame, strangers: pl.DataFrame) -> Iterator[str]:
    """The lines of docs/accuracy.md."""
    found, foreign = board(rows), board(strangers)
    yield INTRODUCTION
    yield from (f"- {remark}" for remark in remarks(found))
    yield ""
    yield from markdown(HEAD, head(found))
    yield UNKNOWN
    yield from markdown(HEAD, head(foreign))
    yield ""
    yield from markdown(CUT, cut(foreign, "group"))
    for name, title in TITLES.items():
        if name != "model":
            yield f"\n## By {title}\n"
            yield from markdown(CUT, cut(found, name))
    yield "\n## Furthest off\n"
    suspected = (cause(row["id"], row["quantity"]) for row in found["worst"])
    lines = ([*line, why] for line, why in zip(worst(found), suspected, strict=True))
    yield from markdown((*WORST, "suspected cause"), lines)
    yield f"\n## Training steps more than {FAR:.0%} off\n"
    yield from markdown(FAMILIES, families(rows))


def scoreboard(rows: pl.DataFrame, strangers: pl.DataFrame) -> Iterator[str]:
    """The README's tables: each quantity, and training steps by source."""
    known, foreign = board(rows), board(strangers)

    def lines(entries: Sequence[dict[str, Any]], stack: str) -> Iterator[list[str]]:
        for entry in entries:
            name = f"{entry['kind']}: `{entry['quantity']}`{stack}"
            errors = (percent(entry[column]) for column in ("median", "mean_of_medians", "p90"))
            bias = percent(entry["bias"], sign=True)
            yield [name, f"{entry['answered']:,}", *errors, bias, percent(entry["inside"])]

    of_training = [entry for entry in foreign["quantities"] if entry["kind"] == "training"]
    yield from markdown(SCORES, [*lines(of_training, ", unknown stack"), *lines(known["quantities"], "")])
    yield ""
    steps = (line for line in cut(known, "group") if line[0] == "training")
    yield from markdown(("training steps by source", *CUT[3:]), (line[2:] for line in steps))


def unknown(files: Sequence[str]) -> pl.DataFrame:
    """Training and its memory, predicted as if nobody had measured the stacks."""
    with tempfile.TemporaryDirectory(prefix="llmsweep-") as folder:
        (Path(folder) / "stacks").mkdir()
        (Path(folder) / "stacks" / "nameless.toml").write_text(stacks.nameless(stacks.read()), encoding="utf-8")
        return validate(files, catalog=[folder]).filter(pl.col("kind").is_in(["training", "memory"]))


def main(files: Sequence[str]) -> int:
    """Learns the intervals, then writes all three files."""
    if not files:
        print("usage: write_accuracy.py FILE.parquet…", file=sys.stderr)
        return 2
    rows = validate(files)
    strangers = unknown(files)
    intervals.FILE.write_text(intervals.dump(intervals.learn(rows, strangers), NOTE), encoding="utf-8")
    held_out = [intervals.held_out(frame, strangers) for frame in (rows, strangers)]
    PAGE.write_text("\n".join(page(*held_out)) + "\n", encoding="utf-8")
    tables = "\n".join(scoreboard(*held_out)) + "\n"
    README.write_text(SCOREBOARD.sub(lambda _: tables, README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{intervals.FILE}\n{PAGE}\n{README}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
