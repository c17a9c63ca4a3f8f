"""Section 1: FLOPs of training and of a request, and how many requests a run is worth."""

from llmsweep.compare.answers import Answers, Section
from llmsweep.compare.lines import SIDES, Cell, cell, product, short

#: Forward, and backward to inputs and weights (Kaplan et al. 2020, arXiv:2001.08361, section 2.1).
FORWARD, BACKWARD = 2, 4
#: Frozen weights need no gradient of their own: backward to the inputs alone.
BACKWARD_TO_INPUTS = 2


def section(answers: Answers) -> Section:
    """Parameters, FLOP per token, tokens, FLOP of all, and the ratio to one request."""
    made = Section("compute")
    total, active = answers.model["parameters"], answers.model["active_parameters"]["with_embeddings"]
    made.line("parameters", "parameters", dict.fromkeys(SIDES, cell(total)))
    if active != total:
        made.line("active parameters, N", "parameters", dict.fromkeys(SIDES, cell(active, "that one token meets")))
    counted = ((side, flop_per_token(answers, side, active)) for side in SIDES)
    per_token = {side: found for side, found in counted if found is not None}
    made.line("FLOP per token", "FLOP", per_token)
    made.line(
        "the same with attention",
        "FLOP",
        {
            side: cell(
                row["model_flops"] / (row["global_batch"] * row["sequence_length"]),
                "model FLOPs of a step / its tokens, causal",
                f"{short(row['model_flops'])} / ({row['global_batch']} · {row['sequence_length']})",
            )
            for side in answers.trained
            for row in [answers.rows[side]]
        },
    )
    tokens = {side: answers.tokens(side) for side in SIDES[:-1]} | {"inference": float(answers.request_tokens)}
    made.line(
        "tokens of the run, of a request",
        "tokens",
        {side: cell(count, "prompt + answer" if side == "inference" else "D") for side, count in tokens.items()},
    )
    in_all = {side: (found["value"] or 0.0) * tokens[side] for side, found in per_token.items()}
    made.line(
        "FLOP of the run, of a request",
        "FLOP",
        {
            side: cell(flop, formula(side), " · ".join((per_token[side]["numbers"], short(tokens[side]))))
            for side, flop in in_all.items()
        },
    )
    made.line(
        "run over request",
        "",
        {
            side: cell(
                in_all[side] / in_all["inference"],
                "3·D/T" if trains_all(side) else "FLOP of the run / FLOP of a request",
                f"{short(in_all[side])} / {short(in_all['inference'])}",
            )
            for side in per_token
            if side != "inference"
        },
    )
    made.line(
        "answered for as many FLOP",
        "tokens",
        {
            side: cell(flop / (FORWARD * active), "FLOP of the run / 2·N", f"{short(flop)} / {short(FORWARD * active)}")
            for side, flop in in_all.items()
            if side != "inference"
        },
    )
    return made


def trains_all(side: str) -> bool:
    """Whether all parameters train."""
    return side in ("pretraining", "full_finetuning")


def formula(side: str) -> str:
    """FLOP of a whole run or request."""
    if side == "inference":
        return "2·N·T"
    return "6·N·D" if trains_all(side) else "(4·N + 6·A)·D"


def flop_per_token(answers: Answers, side: str, active: float) -> Cell | None:
    """FLOP of one token, without attention's scores.

    Six per parameter in training (two forward, four backward), two in serving; frozen weights four, and six per
    parameter of their adapters, A, which a side has that has a setup.
    """
    if side == "inference":
        value, numbers = product(FORWARD, active)
        return cell(value, "2·N", numbers)
    if trains_all(side):
        value, numbers = product(FORWARD + BACKWARD, active)
        return cell(value, "6·N", numbers)
    if side not in answers.rows:
        return None
    adapters = answers.rows[side]["trainable_parameters"]
    frozen, trained = FORWARD + BACKWARD_TO_INPUTS, FORWARD + BACKWARD
    value = frozen * active + trained * adapters
    return cell(value, "4·N + 6·A", f"({frozen} · {short(active)} + {trained} · {short(adapters)})")
