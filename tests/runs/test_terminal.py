"""The progress line on a real terminal."""

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import large_sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")

LINE = re.compile(
    r"( \d|\d\d| \d\d|100) %  [\d,]+ of 8,\d\d\d,\d\d\d configurations, [\d.e+]+ % feasible, \d+ on the front, "
    r"[\d.]+ [kM]/s, \d+ s left"
)


def seen_on_a_terminal(*command: str | Path) -> str:
    """What a person at a terminal of 100 columns sees of stderr."""
    import pty

    mine, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            if select.select([mine], [], [], 0.1)[0]:
                text += os.read(mine, 65_536)
            elif process.poll() is not None:
                break
    except OSError:
        pass  # Linux says so where the other side is closed.
    finally:
        os.close(mine)
        process.kill()
        process.wait()
    return text.decode()


def test_the_line_says_how_far_it_is(tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, 8_000_000)
    text = seen_on_a_terminal(sys.executable, "-m", "llmsweep", "run", sweep, "--no-prune")
    *drawn, rest = text.split("\r\x1b[K")
    shares = [int(match[1]) for line in drawn if (match := LINE.fullmatch(line))]
    assert len(shares) >= 3, text
    assert shares == sorted(shares)
    # The line is gone when the counts come.
    assert re.match(r"8,\d+,\d+ configurations, ", rest), rest


def test_a_quiet_run_draws_nothing(tmp_path: Path) -> None:
    text = seen_on_a_terminal(sys.executable, "-m", "llmsweep", "run", large_sweep(tmp_path, 8_000_000), "-q")
    assert "\x1b" not in text
    assert "%" not in text
