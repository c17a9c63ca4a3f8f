"""Section 2: model state, activations and cache."""

from collections.abc import Mapping

from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.lines import Cell, cell, short
from llmsweep.registries import registry

#: Bytes of a weight in 16 bits, what training memory is held against.
PLAIN = 2.0


def section(answers: Answers) -> Section:
    """State of the whole model, its ratio to weights in 16 bits, and what the fullest device of each setup holds."""
    made = Section("memory")
    total = answers.model["parameters"]
    states = {side: state(row) for side, row in answers.unsplit.items()}
    served = weights_per_parameter(answers)
    width = served["value"] or 0.0
    weights = cell(width * total, "weights alone = N · bytes each", f"{short(total)} · {short(width)}")
    made.line(
        "model state, all devices",
        "B",
        {side: state_cell(answers.unsplit[side]) for side in states} | {"inference": weights},
    )
    made.line(
        "per parameter",
        "B",
        {side: cell(held / total, "state / N", f"{short(held)} / {short(total)}") for side, held in states.items()}
        | {"inference": served},
    )
    made.line(
        "over its weights in 16 bits",
        "",
        {
            side: cell(held / (PLAIN * total), "state / 2·N", f"{short(held)} / {short(PLAIN * total)}")
            for side, held in {**states, "inference": width * total}.items()
        },
    )
    made.line(
        "the same with gradients in 16 bits",
        "",
        {
            side: cell(narrow / (PLAIN * total), "(2 + 2 + optimizer) / 2", f"{short(narrow / total)} / {short(PLAIN)}")
            for side, row in answers.unsplit.items()
            for narrow in [state(row) - row["gradient_bytes"] * (1 - PLAIN / 4)]
            if row["gradient_precision"] == "fp32"
        },
    )
    for name, column, formula in (
        ("weights, fullest device", "weight_bytes", ""),
        ("gradients, fullest device", "gradient_bytes", ""),
        ("optimizer state, fullest device", "optimizer_bytes", ""),
        ("activations, fullest device", "activation_bytes", ""),
        ("in use, fullest device", "memory_bytes", "Σ, with buffers and what fragments"),
    ):
        made.line(name, "B", columns(answers, column, formula))
    made.line(
        "usable, each device",
        "B",
        {
            side: cell(row["memory_bytes"] + row["memory_headroom_bytes"], "in use + headroom")
            for side, row in answers.rows.items()
        },
    )
    cache(made, answers)
    return made


def cache(made: Section, answers: Answers) -> None:
    """Lines of the key-value cache: training has none, its keys and values are activations."""
    row = answers.served
    if row is None:
        return
    token, tokens = row["kv_bytes_per_token"], answers.request_tokens
    made.line("cache of a token", "B", {"inference": cell(token, "Σ layers of 2 · kv heads · head channels · bytes")})
    made.line(
        "cache of a request",
        "B",
        {"inference": cell(token * tokens, "cache of a token · tokens", f"{short(token)} · {tokens}")},
    )
    made.line("room for the cache, fullest device", "B", {"inference": cell(row["kv_cache_bytes"], "set aside")})


def state(row: Mapping[str, float]) -> float:
    """Weights, gradients and optimizer of an unsplit model."""
    return row["weight_bytes"] + row["gradient_bytes"] + row["optimizer_bytes"]


def state_cell(row: Mapping[str, float]) -> Cell:
    """The state, term by term."""
    terms = (row["weight_bytes"], row["gradient_bytes"], row["optimizer_bytes"])
    return cell(state(row), "weights + gradients + optimizer", " + ".join(map(short, terms)))


def weights_per_parameter(answers: Answers) -> Cell:
    """Bytes of a weight in the format that it is served in, shared scales counted."""
    precision = str(answers.question.own("inference", {"precision": answers.question.serve_precision})["precision"])
    bits = next(one["weight_bits"] for one in registry()["precisions"] if one["name"] == precision)
    return cell(bits / 8, "bits of the format / 8", f"{short(bits)} / 8")


def columns(answers: Answers, column: str, formula: str) -> dict[str, Cell | None]:
    """A column of all sides that have it."""
    return {side: cell(row[column], formula) for side, row in answers.rows.items() if row.get(column) is not None}
