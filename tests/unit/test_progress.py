"""The progress line."""

import io
import sys

import pytest

from llmsweep.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_draws_over_itself_and_wipes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress(quiet=False)
    progress(0, 0)
    assert terminal.getvalue() == ""
    for done in range(0, 1_000_001, 1000):
        progress(done, 1_000_000, done // 4, 12)
    lines = terminal.getvalue().split("\r\x1b[K")
    assert lines[-1].startswith("100 %  1,000,000 of 1,000,000 configurations, 25 % feasible, 12 on the front, ")
    assert lines[-1].endswith(" M/s, 0 s left")
    assert len(lines) < 100, "draws far less often than it is called"
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_resumed_run_counts_its_own_speed() -> None:
    progress = Progress(quiet=False)
    progress(900, 1000)
    assert progress.line(950, 1000, 0, 0, 5.0) == " 95 %  950 of 1,000 configurations, 10/s, 5 s left"


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO, False), (Terminal, True)])
def test_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], quiet: bool) -> None:
    output = stream()
    monkeypatch.setattr(sys, "stderr", output)
    progress = Progress(quiet=quiet)
    progress(5, 10)
    progress.clear()
    assert output.getvalue() == ""
