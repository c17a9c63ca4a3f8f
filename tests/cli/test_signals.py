"""Pipes that close early and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and signals")
@pytest.mark.parametrize("command", [["columns"], ["schema"], ["catalog", "list", "models", "--json"]])
def test_a_reader_that_goes_away_is_no_error(command: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "llmsweep", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    message = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert message == b""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and signals")
def test_ctrl_c_stops_at_once(serve: Path) -> None:
    # Enough configurations to run for minutes, were they let; all of their axes are cheap ones, which fill no tables.
    axes = [f"{name}={{ linear = [1, 1000, 1] }}" for name in ("input_tokens", "output_tokens", "price_scale")]
    settings = [part for axis in axes for part in ("--set", axis)]
    process = subprocess.Popen(
        [sys.executable, "-m", "llmsweep", "run", serve, *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLMSWEEP_THREADS": "1"},
    )
    time.sleep(3.0)
    assert process.poll() is None, "the sweep ended before it could be interrupted"
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, message = process.communicate(timeout=30)
    assert time.monotonic() - started < 2.0
    assert process.returncode == 130
    assert message.decode().strip() == "Error: interrupted"
