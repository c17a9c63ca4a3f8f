"""Files of fitted laws: `kernels/<accelerator>.toml` of a catalogue folder."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from llmsweep.calibrate.families import Coefficient
from llmsweep.calibrate.task import Law
from llmsweep.cli.files import write_text

FOLDER = "kernels"
DIGITS = 5
NOTE = ("Laws of kernels, fitted to timings; `llmsweep calibrate ops` writes this file anew. Keys: docs/calibrate.md.",)


def text(laws: Sequence[Law], note: Iterable[str]) -> str:
    """The file of one accelerator's laws, in the order of families, precisions and engines."""
    lines = [f"# {line}" for line in note]
    lines.append(f'accelerator = "{laws[0].key.accelerator}"')
    for law in sorted(laws, key=lambda law: law.key):
        lines += [
            "",
            f"[[{law.key.family}]]",
            f'precision = "{law.key.precision}"',
            f'engine = "{law.key.engine}"',
        ]
        pairs = zip(law.family.coefficients, law.coefficients, strict=True)
        lines += [f"{entry.name} = {rounded(value, entry)}" for entry, value in pairs]
        lines.append(f"rows = {law.rows}")
        if law.error_median is not None and law.error_p90 is not None:
            # An error of nothing, as synthetic timings have, is no number that the catalogue takes.
            lines.append(f"error_median = {max(law.error_median, 1e-6):.3g}")
            lines.append(f"error_p90 = {max(law.error_p90, 1e-6):.3g}")
        lines.append(f"source = [{', '.join(quoted(key) for key in law.source)}]")
    return "\n".join(lines) + "\n"


def rounded(value: float, coefficient: Coefficient) -> str:
    """Five digits, without leaving the bounds, always a float of TOML.

    >>> rounded(3.4567891e-6, Coefficient("launch_s", "", 0.0, 1e-6, 1.0)), rounded(2, Coefficient("x", "", 0, 1, 2))
    ('3.4568e-06', '2.0')
    """
    short = float(f"{value:.{DIGITS}g}")
    if not coefficient.low <= short <= coefficient.high:
        short = min(max(value, coefficient.low), coefficient.high)
    written = repr(float(short))
    return written if math.isfinite(short) else "0.0"


def quoted(key: str) -> str:
    """Text of TOML."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def by_accelerator(laws: Iterable[Law]) -> dict[str, list[Law]]:
    """The laws of each accelerator, in the order of their ids."""
    found: dict[str, list[Law]] = {}
    for law in sorted(laws, key=lambda law: law.key.accelerator):
        found.setdefault(law.key.accelerator, []).append(law)
    return found


def write_file(laws: Sequence[Law], path: Path, note: Iterable[str]) -> None:
    """Writes the laws of one accelerator; the file appears whole or not at all."""
    write_text(text(laws, note), path)


def write_folder(laws: Iterable[Law], folder: Path, note: Sequence[str]) -> list[Path]:
    """Writes a file per accelerator into the `kernels` folder of a catalogue folder."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for accelerator, mine in by_accelerator(laws).items():
        path = target / f"{accelerator}.toml"
        write_file(mine, path, note)
        written.append(path)
    return written
