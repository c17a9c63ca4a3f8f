"""Section 5: use of arithmetic (MFU, HFU), of memory bandwidth (MBU) and of time, which are three things."""

from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.durations import of
from llmsweep.compare.lines import Cell, cell, short, words


def section(answers: Answers) -> Section:
    """Model FLOPs over peak, bytes over bandwidth, and how much of the time and of the places is used."""
    made = Section("utilisation")
    trained, served = answers.trained, ["inference"]
    made.line("MFU", "%", percent(answers, {"mfu": trained}, "model FLOPs, causal / (time · devices · peak)"))
    made.line("HFU", "%", percent(answers, {"hfu": trained}, "with recomputation / (time · devices · peak)"))
    made.line("MFU of a prefill", "%", percent(answers, {"prefill_mfu": served}, "FLOPs of a prompt / (time · peak)"))
    made.line("MFU of a decode step", "%", percent(answers, {"decode_mfu": served}, "2·N·R FLOPs / (time · peak)"))
    made.line("MBU of a decode step", "%", percent(answers, {"mbu": served}, "weights + cache / (time · bandwidth)"))
    made.line("time that trains", "%", percent(answers, {"goodput": trained}, "training time / wall time"))
    row = answers.served
    if row and row["max_concurrency"]:
        made.line(
            "places taken",
            "%",
            {
                "inference": cell(
                    100 * row["running_requests"] * row["replicas"] / row["max_concurrency"],
                    "running requests / those that the cache holds",
                    f"{short(row['running_requests'] * row['replicas'])} / {short(row['max_concurrency'])}",
                )
            },
        )
    made.line(
        "communication waited for", "%", percent(answers, {"exposed_communication_fraction": trained}, "exposed / step")
    )
    made.line("pipeline bubble", "%", percent(answers, {"bubble_fraction": trained}, "waits of stages / step"))
    made.line("takes most of the time", "", {side: words(row["bottleneck"]) for side, row in answers.rows.items()})
    return made


def percent(answers: Answers, columns: dict[str, list[str]], formula: str) -> dict[str, Cell | None]:
    """Shares in per cent."""
    shares = of(answers, columns, formula)
    return {side: share and {**share, "value": 100 * (share["value"] or 0.0)} for side, share in shares.items()}
