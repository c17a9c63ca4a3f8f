"""The commands of docs/calibrate.md do what it says."""

import re
from pathlib import Path

from support import ROOT, Run
from synthetic import timings

PAGE = (ROOT / "docs" / "calibrate.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"^ *```bash\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines()]


def test_a_chip_is_brought_in_by_forty_timings(llmsweep: Run, tmp_path: Path) -> None:
    timings((2e-6, 0.75), accelerator="h200-sxm-141", engine="any", rows=40).write_parquet(tmp_path / "timings.parquet")
    wanted = [line for line in commands() if "measure" not in line and "runs" not in line]
    assert len(wanted) == 2
    for line in wanted:
        done = llmsweep(*line.split()[1:])
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-catalog" / "kernels" / "h200-sxm-141.toml").exists()


def test_every_command_is_one() -> None:
    assert [line.split()[:3] for line in commands() if "calibrate" in line] == [
        ["llmsweep", "calibrate", "measure"],
        ["llmsweep", "calibrate", "ops"],
        ["llmsweep", "calibrate", "runs"],
    ]
