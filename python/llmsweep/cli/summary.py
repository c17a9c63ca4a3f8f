"""What a run says on stderr: how many rows, and why the others are not among them."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from llmsweep.errors import NothingFeasibleError


def counts_line(stats: Mapping[str, Any]) -> str:
    """The counts in one line; without the front where a run looked for none (``--top``).

    >>> stats = {"configurations": 12345678, "feasible": 4567890, "front": 31, "seconds": 0.414}
    >>> counts_line(stats)
    '12,345,678 configurations, 4,567,890 feasible, 31 on the front, 0.41 s'
    >>> counts_line({**stats, "pruned": 7000000})
    '12,345,678 configurations, 7,000,000 pruned, 4,567,890 of the rest feasible, 31 on the front, 0.41 s'
    """
    parts = [f"{stats['configurations']:,} configurations"]
    if pruned := stats.get("pruned", 0):
        parts += [f"{pruned:,} pruned", f"{stats['feasible']:,} of the rest feasible"]
    else:
        parts.append(f"{stats['feasible']:,} feasible")
    if stats.get("selected") is not None:
        parts.append(f"{stats['selected']:,} selected")
    if stats["front"] is not None:
        parts.append(f"{stats['front']:,} on the front")
    if seconds := stats.get("seconds"):
        parts.append(f"{seconds:.2f} s")
    return ", ".join(parts)


def reasons(stats: Mapping[str, Any]) -> list[tuple[int, str]]:
    """How many rows each reason took out, largest first."""
    counts = [(count, reason) for reason, count in stats["rejected"].items() if count]
    if missed := stats.get("constrained", 0):
        counts.append((missed, "constraints not met"))
    return sorted(counts, key=lambda entry: (-entry[0], entry[1]))


def rejected_lines(stats: Mapping[str, Any]) -> list[str]:
    """One line per reason, largest first, and one for feasible rows that no objective can rank.

    >>> rejected_lines({"rejected": {"few": 5, "many": 1200}, "constrained": 70, "unpriced": 0})
    ['rejected  1,200  many', 'rejected     70  constraints not met', 'rejected      5  few']
    """
    entries = [(f"{count:,}", "rejected", reason) for count, reason in reasons(stats)]
    if unpriced := stats.get("unpriced", 0):
        entries.append((f"{unpriced:,}", "unranked", "feasible, but an objective is unknown (no price?)"))
    width = max((len(count) for count, _, _ in entries), default=0)
    return [f"{kind}  {count.rjust(width)}  {reason}" for count, kind, reason in entries]


def no_rows(stats: Mapping[str, Any]) -> NothingFeasibleError:
    """Why there is nothing to show, as an error."""
    if stats["feasible"] == 0:
        why = ", ".join(f"{count:,} {reason}" for count, reason in reasons(stats))
        return NothingFeasibleError(f"none of {stats['configurations']:,} configurations is feasible: {why}")
    if stats.get("selected") == 0:
        return NothingFeasibleError(f"none of {stats['feasible']:,} feasible configurations meets --where")
    return NothingFeasibleError(
        f"none of {stats['feasible']:,} feasible configurations can be ranked: an objective is unknown for each"
    )


def with_memory(stats: Mapping[str, Any]) -> dict[str, Any]:
    """The counts and, where the system tells it, the peak memory of the process."""
    peak = peak_memory()
    return dict(stats) if peak is None else {**stats, "peak_rss_bytes": peak}


def peak_memory() -> int | None:
    """The most bytes that this process had in memory, or ``None`` where the system does not tell.

    >>> peak = peak_memory()
    >>> peak is None or peak > 1_000_000
    True
    """
    with suppress(OSError):
        # What `getrusage` tells on Linux is at least what the parent had when it started this process.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            name, _, size = line.partition(":")
            if name == "VmHWM":
                return int(size.split()[0]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def build_note() -> list[str]:
    """A warning where the core was built without optimisation."""
    from llmsweep._core import DEBUG_BUILD

    return ["note: this is a debug build, many times slower than a release build"] if DEBUG_BUILD else []


def echo_lines(lines: Iterable[str]) -> None:
    """Prints messages on stderr."""
    for line in lines:
        click.echo(line, err=True)
