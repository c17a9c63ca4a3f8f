"""The scoreboard as text and as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

TITLES = {
    "group": "source or model",
    "model": "model",
    "accelerator": "accelerator",
    "precision": "precision",
    "experts": "experts",
    "software": "software",
    "mode": "serving mode",
}
# A cut with more lines than these is cut off, most rows first; --json has all.
MOST_LINES = 12
HEAD = ("kind", "quantity", "rows", "answered", "median", "mean of medians", "p90", "bias", "inside", "rank")
CUT = ("kind", "quantity", "value", "rows", "median", "bias", "p90", "inside")
WORST = ("id", "quantity", "measured", "predicted", "model", "accelerator")


def percent(value: float | None, *, sign: bool = False) -> str:
    """A fraction in percent.

    >>> percent(0.1234), percent(-0.02, sign=True), percent(None)
    ('12.3 %', '-2.0 %', '–')
    """
    return "–" if value is None else f"{100 * value:{'+' if sign else ''}.1f} %"


def head(board: Mapping[str, Any]) -> list[list[str]]:
    """The line of each quantity."""
    return [
        [
            *(str(entry[name]) for name in ("kind", "quantity", "rows", "answered")),
            percent(entry["median"]),
            percent(entry["mean_of_medians"]),
            percent(entry["p90"]),
            percent(entry["bias"], sign=True),
            percent(entry["inside"]),
            "–" if entry["spearman"] is None else f"{entry['spearman']:.3f}",
        ]
        for entry in board["quantities"]
    ]


def cut(board: Mapping[str, Any], name: str, most: int | None = None) -> list[list[str]]:
    """The lines of a cut, no more than ``most`` for each quantity."""
    seen: dict[tuple[str, str], int] = {}
    rows = []
    for entry in board["by"][name]:
        key = (entry["kind"], entry["quantity"])
        seen[key] = seen.get(key, 0) + 1
        if most is None or seen[key] <= most:
            numbers = [percent(entry["median"]), percent(entry["bias"], sign=True), percent(entry["p90"])]
            rows.append([*key, entry["value"], str(entry["rows"]), *numbers, percent(entry["inside"])])
    return rows


def worst(board: Mapping[str, Any]) -> list[list[str]]:
    """The rows that are furthest off."""
    return [
        [
            row["id"],
            row["quantity"],
            f"{row['measured']:.4g}",
            f"{row['predicted']:.4g}",
            row["model"],
            row["accelerator"],
        ]
        for row in board["worst"]
    ]


def remarks(board: Mapping[str, Any]) -> Iterator[str]:
    """What the numbers alone do not tell."""
    yield (
        f"{board['rows']:,} measured quantities, {board['answered']:,} answered, {board['scored']:,} in the score; "
        "errors are |predicted / measured − 1|"
    )
    if board["called_infeasible"]:
        yield f"{board['called_infeasible']:,} runs in the score were called infeasible, and answered with more memory"
    if board["substituted"]:
        yield (
            f"{board['substituted']:,} runs in the score had a layout or format that the model refuses, "
            "and are answered by the nearest that it takes"
        )
    memory = board["memory"]
    if memory["ran"] or memory["ran_out"]:
        yield (
            f"memory: {memory['ran_called_feasible']} of {memory['ran']} runs that ran are called feasible, "
            f"{memory['ran_out_called_infeasible']} of {memory['ran_out']} that ran out infeasible"
        )
    if board["impossible"]:
        yield f"{len(board['impossible']):,} measurements beat a physical bound and are refused"


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A plain table."""
    body = [list(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *body, strict=True)]
    for row in (header, ["─" * width for width in widths], *body):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    for row in (header, ["---"] * len(header), *rows):
        yield "| " + " | ".join(row) + " |"


def lines(board: Mapping[str, Any]) -> Iterator[str]:
    """Everything as text."""
    yield from remarks(board)
    yield ""
    yield from aligned(HEAD, head(board))
    for name, title in TITLES.items():
        yield f"\nBy {title}"
        yield from aligned(CUT, cut(board, name, MOST_LINES))
    if board["worst"]:
        yield "\nFurthest off"
        yield from aligned(WORST, worst(board))
