"""Section 3: what devices send each other, what of it is waited for, and the bandwidth that it takes."""

from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.lines import cell, short

GROUPS = (
    ("tensor", "tensor-parallel ranks"),
    ("expert", "experts and back"),
    ("context", "context-parallel ranks"),
    ("pipeline", "neighbouring stages"),
    ("data", "data-parallel ranks"),
)
#: A token travels as a number of four bytes between a user and an engine.
TOKEN_BYTES = 4


def section(answers: Answers) -> Section:
    """Bytes of a device by the ranks that it sends to, exposed time, mean rate; hand-over and traffic of serving."""
    made = Section("communication")
    for group, ranks in GROUPS:
        sent = {side: answers.rows[side][f"{group}_message_bytes"] for side in answers.trained}
        if not any(sent.values()):
            continue
        made.line(f"to {ranks}, a step", "B", {side: cell(count) for side, count in sent.items()})
        made.line(
            f"to {ranks}, waited for",
            "s",
            {side: cell(answers.rows[side][f"{group}_communication_s"], "exposed in a step") for side in sent},
        )
        made.line(
            f"to {ranks}, mean rate",
            "B/s",
            {
                side: cell(count / step, "bytes / step", f"{short(count)} / {short(step)}")
                for side, count in sent.items()
                for step in [answers.rows[side]["step_time_s"]]
            },
        )
    serving(made, answers)
    links(made, answers)
    return made


def serving(made: Section, answers: Answers) -> None:
    """Lines of the serving side."""
    row = answers.served
    if row is None:
        return
    per_token, running, step = row["message_bytes_per_token"], row["running_requests"], row["decode_step_s"]
    made.line(
        "to ranks and experts, a token",
        "B",
        {"inference": cell(per_token, "layers · 2 sums · 2·(t − 1)/t · h · bytes")},
    )
    made.line(
        "to ranks and experts, decode's rate",
        "B/s",
        {
            "inference": cell(
                per_token * running / step,
                "bytes · running requests / step",
                f"{short(per_token)} · {short(running)} / {short(step)}",
            )
        },
    )
    token, prompt, rate = row["kv_bytes_per_token"], answers.question.input_tokens, row["requests_per_s"]
    made.line(
        "hand-over of a prompt's cache",
        "B",
        {"inference": cell(token * prompt, "cache of a token · prompt", f"{short(token)} · {prompt}")},
    )
    made.line(
        "hand-over if pools are apart, a device",
        "B/s",
        {
            "inference": cell(
                token * prompt * rate / row["device_count"],
                "cache of a prompt · requests per second / devices",
                f"{short(token * prompt)} · {short(rate)} / {row['device_count']}",
            )
        },
    )
    both = rate * answers.request_tokens
    made.line(
        "tokens in and out",
        "B/s",
        {"inference": cell(TOKEN_BYTES * both, "4 B · tokens per second", f"{TOKEN_BYTES} · {short(both)}")},
    )


def links(made: Section, answers: Answers) -> None:
    """What each device has for it, in one direction."""
    for name, tier in (("link inside the node", 0), ("link of the network", -1)):
        made.line(
            name,
            "B/s",
            {
                side: cell(
                    answers.accelerator(side)["fabric"][tier]["bandwidth_bytes_per_s"], "one direction, per device"
                )
                for side in answers.rows
            },
        )
