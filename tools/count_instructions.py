"""Counts the instructions of the engine's hot paths and compares them with those checked in: `make instructions`.

The example `kernels` runs each path a few times; two runs of different length differ by the rows alone, so start-up
does not count. A count depends on the compiler, and on the C library, which picks its routines by the processor: it
is compared with some tolerance. Wall time on a shared machine says less.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BASELINE = ROOT / "tests" / "bench" / "instructions.toml"
KERNELS = ("objectives-training", "objectives-inference", "table-training", "table-inference", "archive")
HEADER = """\
# Instructions per row of the engine's hot paths, on one thread of an x86-64 machine: `make instructions` compares.
# Written by tools/count_instructions.py --bless.
"""
REPEATS = (1, 3)


def build() -> Path:
    """The example, built as releases are."""
    command = ["cargo", "build", "--release", "--locked", "--quiet", "-p", "llmsweep-engine", "--example", "kernels"]
    subprocess.run(command, cwd=ROOT, check=True)
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    metadata = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = re.search(r'"target_directory":"([^"]+)"', metadata.stdout)
    if found is None:
        sys.exit("cargo does not say where it builds")
    return Path(found[1]) / "release" / "examples" / "kernels"


def instructions(binary: Path, kernel: str, repeats: int) -> tuple[int, int]:
    """Instructions of a whole run, and rows of one repeat."""
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        run = subprocess.run(
            [*tool, str(binary), kernel, str(repeats)], cwd=ROOT, check=True, capture_output=True, text=True
        )
    found = re.search(r"Collected : (\d+)", run.stderr)
    if found is None:
        sys.exit(f"valgrind counted nothing of {kernel}: {run.stderr[-500:]}")
    return int(found[1]), int(run.stdout)


def per_row(binary: Path, kernel: str) -> float:
    """Instructions of one row."""
    (short, rows), (long, _) = (instructions(binary, kernel, repeats) for repeats in REPEATS)
    return (long - short) / ((REPEATS[1] - REPEATS[0]) * rows)


def compare(counts: dict[str, float], known: dict[str, float], tolerance: float) -> list[str]:
    """One sentence for each kernel that does more than was checked in."""
    bless = "tools/count_instructions.py --bless accepts it"
    grown = []
    for kernel, count in counts.items():
        before = known.get(kernel)
        if before is None:
            grown.append(f"{kernel} is not in {BASELINE.relative_to(ROOT)}: {bless}")
        elif count > before * (1 + tolerance):
            more = f"{count / before - 1:.0%} more than {before:.0f}"
            grown.append(f"{kernel} takes {count:.0f} instructions per row, {more}: {bless}")
    return grown


def main() -> None:
    """Counts, prints, compares or blesses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bless", action="store_true", help="write the counts down as those to compare with")
    bless = parser.parse_args().bless
    if shutil.which("valgrind") is None:
        print("instructions are not counted: valgrind is missing")
        sys.exit(bless)
    known: dict[str, Any] = (
        tomllib.loads(BASELINE.read_text()) if BASELINE.exists() else {"tolerance": 0.1, "per_row": {}}
    )
    binary = build()
    counts = {}
    for kernel in KERNELS:
        counts[kernel] = per_row(binary, kernel)
        before = known["per_row"].get(kernel)
        change = "" if before is None else f"{counts[kernel] / before - 1:+8.1%}"
        print(f"{kernel:24} {counts[kernel]:10.0f} instructions per row {change}", flush=True)
    if bless:
        lines = [f"{kernel} = {count:.0f}" for kernel, count in counts.items()]
        text = "\n".join([f"tolerance = {known['tolerance']}", "", "[per_row]", *lines])
        BASELINE.write_text(f"{HEADER}{text}\n")
        return
    grown = compare(counts, known["per_row"], known["tolerance"])
    if grown:
        sys.exit("\n".join(grown))


if __name__ == "__main__":
    main()
