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
        progress(done, 1_000_000)
    lines = terminal.getvalue().split("\r\x1b[K")
    assert lines[-1] == "100 %  1,000,000 of 1,000,000 configurations, 0 s left"
    assert len(lines) < 100, "draws far less often than it is called"
    progress.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO, False), (Terminal, True)])
def test_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], quiet: bool) -> None:
    output = stream()
    monkeypatch.setattr(sys, "stderr", output)
    progress = Progress(quiet=quiet)
    progress(5, 10)
    progress.clear()
    assert output.getvalue() == ""
