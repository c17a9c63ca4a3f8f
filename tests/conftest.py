"""Fixtures: the installed command, and small sweeps over the shipped catalogue."""

import os
import signal
import subprocess
import sysconfig
from pathlib import Path

import pytest
from hypothesis import settings

from support import Run

# The machines that run tests are shared, so a deadline would measure them; CI must not find new examples by chance.
settings.register_profile("house", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("house")

# A runner that starts its jobs in the background has them ignore Ctrl-C, which children inherit; the tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

SERVE = """\
schema = 1
phase = "inference"
[axes]
model = ["llama3.1-8b"]
accelerator = ["h100-sxm-80", "l40s"]
precision = ["bf16", "fp8"]
tensor_parallel = [1, 2, 3]
concurrency = { geometric = [1, 64, 2] }
[workload]
input_tokens = 512
output_tokens = 128
[pareto]
minimize = ["usd_per_million_tokens"]
maximize = ["tokens_per_s_per_user"]
"""

TRAIN = """\
schema = 1
phase = "training"
[axes]
model = ["llama3.1-8b"]
accelerator = ["h100-sxm-80"]
tensor_parallel = [1, 2, 4]
pipeline_parallel = [1, 2]
zero_stage = [0, 1, 2, 3]
recompute = ["none", "full"]
[workload]
devices = 64
global_batch = 256
sequence_length = 4096
tokens = 1_000_000_000_000
"""


@pytest.fixture
def llmsweep(tmp_path: Path) -> Run:
    """Runs the installed command in an empty folder, with a home of its own."""
    command = Path(sysconfig.get_path("scripts")) / "llmsweep"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LLMSWEEP", "XDG"))}
    env |= {"HOME": str(tmp_path / "home"), "COLUMNS": "120"}

    def run(*args: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *args],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=tmp_path,
            env=env | variables,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def serve(tmp_path: Path) -> Path:
    """A small inference sweep: 84 configurations, some of them impossible (three devices)."""
    path = tmp_path / "serve.toml"
    path.write_text(SERVE, encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """A small training sweep: 48 configurations."""
    path = tmp_path / "train.toml"
    path.write_text(TRAIN, encoding="utf-8")
    return path
