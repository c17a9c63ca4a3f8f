"""Runs the command with parts of few rows, and notes in a file which parts it answers: `small_parts.py LOG ROWS …`."""

import sys
from pathlib import Path
from typing import Any

import llmsweep.cli.job
import llmsweep.parts.run
from llmsweep.cli import main
from llmsweep.parts.asked import Answer, Asked
from llmsweep.parts.spans import Span


def note(log: Path) -> None:
    """Writes down every span that is asked."""
    answer, frames = Asked.answer, Asked.frames

    def write(kind: str, span: Span) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{kind} {span[0]}\n")

    def noted_answer(self: Asked, span: Span, *args: Any) -> Answer:
        write("best", span)
        return answer(self, span, *args)

    def noted_frames(self: Asked, span: Span, *args: Any) -> Any:
        write("all", span)
        return frames(self, span, *args)

    Asked.answer = noted_answer  # type: ignore[assignment,method-assign]
    Asked.frames = noted_frames  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    rows = int(sys.argv[2])
    note(Path(sys.argv[1]))
    llmsweep.cli.job.BEST_ROWS = rows  # type: ignore[attr-defined]
    llmsweep.cli.job.part_rows = lambda _: rows  # type: ignore[assignment,attr-defined]
    sys.exit(main(sys.argv[3:]))
