"""Quantities of one request: time per token, time to the first token, speed of one accelerator over another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from llmsweep.claims.arithmetic import least_time_per_token_s
from llmsweep.claims.engine import REFUSED, bits, formats
from llmsweep.claims.interval import Interval
from llmsweep.claims.memory import assumed_axes, most_room, weight_formats
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Computations, Outcome, Prediction
from llmsweep.claims.rules import rules
from llmsweep.claims.text import short

if TYPE_CHECKING:
    from collections.abc import Sequence

GUESSES = re.compile(r"\b(speculative|speculation|draft model|eagle|medusa|mtp)\b", re.IGNORECASE)
SINGLE_PROMPT, SINGLE_ANSWER = 512, 128
# Devices over which one replica's matrices are shared: a host at most.
TENSOR = (1, 2, 4, 8)


@dataclass(frozen=True)
class Steps:
    """Seconds per token of one request: as the engine predicts, and the least that reading weights takes."""

    predicted: Interval
    least: float
    devices: int


def devices_of(ask: Ask, side: int | None) -> Interval | None:
    """How many, on the side of a comparison or in all; none where it does not say."""
    return ask.devices() if side is None else ask.claim.subject.hardware[side].devices


def shares(counted: Interval | None) -> tuple[int, ...]:
    """Ways to share matrices over so many devices: all of them, up to a host."""
    if counted is None:
        return TENSOR
    exact = {min(int(counted.low), TENSOR[-1]), min(int(counted.high), TENSOR[-1])}
    return tuple(sorted({*exact, *(n for n in TENSOR if counted.low <= n <= counted.high)}))


def alone(
    ask: Ask, prompts: Sequence[float], columns: Sequence[str], side: int | None = None
) -> list[dict[str, Any]] | Outcome:
    """Rows of one request that the engine runs, for each format and prompt; an outcome where no named format fits.

    Where the claim counts no devices they are on the fewest that hold the model.
    """
    counted = devices_of(ask, side)
    setups = []
    for model, chip, name, tokens, tensor in product(
        ask.models(), ask.chips(side), weight_formats(ask), prompts, shares(counted)
    ):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        setups += [
            {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
            | {"concurrency": 1, "output_tokens": SINGLE_ANSWER}
            | most_room()
            | assumed_axes(ask, "inference")
            | {"input_tokens": int(tokens)}
            for one in formats(name)
        ]
    found = ask.engine.rows("inference", setups, ["reject", *columns])
    running = [row for row in found if row["reject"] is None]
    if not running:
        return refused(found)
    fewest = min(row["tensor_parallel"] for row in running)
    return [row for row in running if counted is not None or row["tensor_parallel"] == fewest]


def steps(ask: Ask, side: int | None = None) -> Steps | Outcome:
    """Decode of one request; an outcome where no format that is named fits.

    Devices that the claim does not count are the fewest that hold the model.
    """
    counted, names = devices_of(ask, side), weight_formats(ask)
    prompt = ask.given("input_tokens")
    known = prompt is not None and prompt.low == prompt.high
    running = alone(ask, [prompt.low if prompt and known else SINGLE_PROMPT], ["tpot_s_p10", "tpot_s_p90"], side)
    if isinstance(running, Outcome):
        return running
    fewest = min(row["tensor_parallel"] for row in running)
    if counted is None:
        ask.note(f"devices not given: {fewest}, the fewest that hold it")
    devices = max(int(counted.high) if counted else 1, fewest)
    least = min(
        least_time_per_token_s(
            model.read, bits(name), float(ask.facts.accelerators[chip]["memory_bandwidth_bytes_per_s"]), devices
        )
        for model, chip, name in product(ask.models(), {row["accelerator"] for row in running}, names)
    ) / accepted(ask)
    best = least / rules().constant("bandwidth_bound", "best_share")
    return Steps(
        Interval(min([best, *(row["tpot_s_p10"] for row in running)]), max(row["tpot_s_p90"] for row in running)),
        least,
        devices,
    )


def accepted(ask: Ask) -> float:
    """Tokens that a step can give at most: more than one where the claim guesses ahead."""
    named = ask.claim.assumptions.get("speculation", "none") != "none"
    if not named and not GUESSES.search(ask.claim.says):
        return 1.0
    ahead = ask.given("speculative_tokens") or ask.opened("speculative_tokens", "tokens guessed ahead")
    return 1.0 + ahead.high


def refused(found: list[dict[str, Any]]) -> Outcome:
    """Nothing runs, so no speed is right.

    Raises:
        Unverifiable: It is no matter of memory.
    """
    codes = {str(row["reject"]) for row in found}
    if memory := next((code for code in REFUSED if code in codes), None):
        return Outcome(f"{memory}: {REFUSED[memory]}, and weight_offload is not assumed", infeasible=True)
    raise Unverifiable(f"the engine refuses every layout: {', '.join(sorted(codes)) or 'none was tried'}")


def time_per_token(ask: Ask) -> Prediction | Outcome:
    """Seconds per token of one request."""
    return timed(ask, 1.0)


def time_per_tokens(ask: Ask) -> Prediction | Outcome:
    """Seconds of as many tokens as the claim assumes."""
    tokens = ask.given("tokens")
    return timed(ask, tokens.low if tokens else 1.0)


def timed(ask: Ask, tokens: float) -> Prediction | Outcome:
    """Seconds of so many tokens, with the bound."""
    found = steps(ask)
    if isinstance(found, Outcome):
        return found
    bound = Bound(found.least * tokens, "floor", "the weights can't be read faster at the memory's datasheet rate")
    return Prediction(
        (found.predicted * tokens,),
        ("from 92 % of the memory's rate to the engine's slow end, one request",),
        bound, speed="time", resource=("MBU", found.least * tokens),
    )  # fmt: skip


def single_rate(ask: Ask) -> Prediction | Outcome:
    """1 / time per token."""
    found = steps(ask)
    if isinstance(found, Outcome):
        return found
    bound = Bound(1 / found.least, "ceiling", "the weights can't be read faster at the memory's datasheet rate")
    options = (found.predicted.under(1.0),)
    notes = ("from the engine's slow end to 92 % of the memory's rate, one request",)
    share = options[0] * (1 / found.devices)
    mistaken = (("per device for in total", share),) if found.devices > 1 else ()
    return Prediction(options, notes, bound, mistaken, "rate", ("MBU", found.least))


def first_token(ask: Ask) -> Prediction | Outcome:
    """Time to the first token of one request."""
    prompt = ask.given("input_tokens") or ask.opened("prompt_tokens", "prompt")
    running = alone(ask, sorted({prompt.low, prompt.high}), ["ttft_s_p10", "ttft_s_p90", "ttft_s_bound"])
    if isinstance(running, Outcome):
        return running
    bound = Bound(min(row["ttft_s_bound"] for row in running), "floor", "the prefill's FLOPs take as long at the peak")
    whole = Interval(min(row["ttft_s_p10"] for row in running), max(row["ttft_s_p90"] for row in running))
    return Prediction((whole,), ("the engine, one request",), bound, speed="time", resource=("MFU", bound.value))


def request_time(ask: Ask) -> Prediction | Outcome:
    """Prefill and all tokens of an answer."""
    found, first = steps(ask), first_token(ask)
    if isinstance(found, Outcome):
        return found
    if isinstance(first, Outcome):
        return first
    answer = ask.given("output_tokens") or ask.opened("request_tokens", "answer")
    whole = found.predicted * answer
    bound = Bound(found.least * answer.low, "floor", "the weights can't be read faster at the memory's datasheet rate")
    span = Interval(whole.low + first.hull.low, whole.high + first.hull.high)
    return Prediction((span,), ("first token and answer",), bound, speed="time")


def speedup(ask: Ask) -> Prediction | Outcome:
    """Time per token on the second hardware over that on the first: by bandwidth, and by the engine."""
    if len(ask.claim.subject.hardware) < 2:  # noqa: PLR2004 - a comparison has two sides
        raise Unverifiable("it names no second accelerator to compare with; software against software is not modelled")
    first, second = steps(ask, 0), steps(ask, 1)
    if isinstance(first, Outcome):
        return first
    if isinstance(second, Outcome):
        return second
    by_bandwidth = second.least / first.least
    by_engine = second.predicted.high / first.predicted.high
    ask.note(f"by memory bandwidth {short(by_bandwidth)}, by the engine's slow ends {short(by_engine)}")
    bound = implied_bound(ask, second)
    return Prediction(
        (Interval.hull([by_bandwidth, by_engine]),), ("time per token there / time per token here",), bound
    )


def implied_bound(ask: Ask, second: Steps) -> Bound | None:
    """A ratio's floor, where the claim says what the first side reaches: the second can't beat its own bound."""
    value = ask.given("subject_value")
    if value is None:
        return None
    ceiling = 1.0 / second.least
    implied = value.low / ask.claimed.high if ask.claimed else value.low
    words = f"the other side would reach {short(implied)} tokens/s, more than its own bound of {short(ceiling)}"
    return Bound(value.low / ceiling, "floor", words)


def mbu(ask: Ask) -> Prediction | Outcome:
    """Share of the memory's rate in decode."""
    found = steps(ask)
    if isinstance(found, Outcome):
        return found
    bound = Bound(1.0, "ceiling", "nothing reads faster than the memory")
    return Prediction((found.predicted.under(found.least),), ("bound / time per token",), bound)


SPEED: Computations = {
    "time_per_token": time_per_token,
    "time_per_tokens": time_per_tokens,
    "ttft": first_token,
    "request_time": request_time,
    "speedup": speedup,
    "mbu": mbu,
}
