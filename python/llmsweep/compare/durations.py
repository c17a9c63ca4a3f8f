"""Section 4: how long a step, a run and a request take, beside the bounds of physics."""

from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.lines import Cell, cell, short


def section(answers: Answers) -> Section:
    """Step and run; time to the first token, between tokens, and of a request; bounds; the ratio."""
    made = Section("time")
    rows = answers.rows
    made.line("a step, a token", "s", of(answers, {"step_time_s": answers.trained, "tpot_s": ["inference"]}))
    made.line(
        "its bound",
        "s",
        of(
            answers,
            {"step_time_s_bound": answers.trained, "tpot_s_bound": ["inference"]},
            "FLOPs at peak, or bytes at full bandwidth",
        ),
    )
    made.line("time to the first token", "s", of(answers, {"ttft_s": ["inference"]}))
    made.line("the run, a request", "s", of(answers, {"time_to_train_s": answers.trained, "e2e_s": ["inference"]}))
    request = answers.served["e2e_s"] if answers.served else None
    if request:
        made.line(
            "run over request",
            "",
            {
                side: cell(run / request, "time of the run / of a request", f"{short(run)} / {short(request)}")
                for side in answers.trained
                for run in [rows[side]["time_to_train_s"]]
            },
        )
    made.line(
        "tokens per second",
        "tokens/s",
        of(answers, {"tokens_per_s": list(rows)}, "trained, or answered"),
    )
    made.line("tokens per second, a device", "tokens/s", of(answers, {"tokens_per_s_per_device": list(rows)}))
    return made


def of(answers: Answers, columns: dict[str, list[str]], formula: str = "") -> dict[str, Cell | None]:
    """Columns by the sides whose they are."""
    return {
        side: cell(answers.rows[side][column], formula)
        for column, sides in columns.items()
        for side in sides
        if side in answers.rows and answers.rows[side][column] is not None
    }
