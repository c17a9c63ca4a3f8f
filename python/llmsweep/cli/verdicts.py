"""Verdicts on claims, and quantities that claims are about, as people read them."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from llmsweep.cli.table import GAP, Field, print_table, terminal_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmsweep.claims import Judged
    from llmsweep.claims.claim import Claim
    from llmsweep.claims.judge import Verdict

NARROWEST = 30
WIDEST_CLAIM = 24


def print_verdicts(found: Judged) -> None:
    """A table on stdout, contradictions below it; counts of verdicts on stderr."""
    whole = [(v.claim.id, v.verdict, claimed(v.claim), predicted(v), because(v)) for v in found.verdicts]
    titles = ("id", "verdict", "claim", "prediction", "why")
    widths = [max(map(len, column)) for column in list(zip(titles, *whole, strict=True))[:-1]]
    widths[2] = min(widths[2], WIDEST_CLAIM)
    widths.append(max(NARROWEST, terminal_width() - sum(widths) - len(GAP) * len(widths)))
    rows = [line for cells in whole for line in wrapped(cells, widths)]
    columns = zip(*rows, strict=True)
    print_table([Field(title, "", cells, right=False) for title, cells in zip(titles, columns, strict=True)])
    if found.contradictions:
        click.echo("\nContradictions between claims")
        for pair in found.contradictions:
            click.echo(textwrap.fill(pair.says, terminal_width(), initial_indent="  ", subsequent_indent="    "))
    counts = Counter(verdict.verdict for verdict in found.verdicts)
    parts = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    click.echo(f"{len(found.verdicts)} claims: {parts}", err=True)


def wrapped(cells: Sequence[str], widths: Sequence[int]) -> list[tuple[str, ...]]:
    """One row as lines in which every cell keeps its width.

    >>> wrapped(["a", "two words"], [3, 5])
    [('a', 'two'), ('', 'words')]
    """
    parts = [textwrap.wrap(c, w, break_on_hyphens=False) or [""] for c, w in zip(cells, widths, strict=True)]
    return list(zip_longest(*parts, fillvalue=""))


def claimed(claim: Claim) -> str:
    """The number, the range, the label or the terms of a claim."""
    from llmsweep.claims.interval import Interval
    from llmsweep.claims.text import span

    if isinstance(claim.value, tuple):
        return ", ".join(claim.value)
    if isinstance(claim.value, bool):
        return "yes" if claim.value else "no"
    if claim.value is not None:
        return claim.value
    unit = "" if claim.unit_text in {"-", ""} else f" {claim.unit_text}"
    if claim.low is None:
        return "–" if claim.high is None else f"up to {span(Interval.point(claim.high))}{unit}"
    if claim.high is None:
        return f"{span(Interval.point(claim.low))}+{unit}"
    return span(Interval(*sorted((claim.low, claim.high)))) + unit


def predicted(verdict: Verdict) -> str:
    """The interval in the claim's unit."""
    from llmsweep.claims.text import span

    return "–" if verdict.predicted is None else span(verdict.predicted)


def because(verdict: Verdict) -> str:
    """The reason, or how the prediction was found where there is nothing to say against the claim."""
    note = next(iter(verdict.notes), "")
    against = f" (contradicts {', '.join(verdict.contradicts)})" if verdict.contradicts else ""
    return (verdict.reason or note) + against


def print_quantities(*, as_json: bool) -> None:
    """The registry: a line per quantity, or all of it as JSON."""
    from llmsweep.claims.registry import QUANTITIES

    if as_json:
        fields = ("id", "doc", "kind", "units", "aliases", "slips", "interval", "bound")
        listed = [{name: getattr(quantity, name) for name in fields} for quantity in QUANTITIES]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    cells = [
        (q.id, " or ".join(dimension or "–" for dimension in q.units), q.kind, q.doc.rstrip(".")) for q in QUANTITIES
    ]
    titles = ("id", "unit", "kind", "meaning")
    print_table([Field(t, "", c, right=False) for t, c in zip(titles, zip(*cells, strict=True), strict=True)])
