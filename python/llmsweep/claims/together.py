"""Claims of one file held against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING

from llmsweep.claims.hardware import BOTH_WAYS
from llmsweep.claims.interval import Interval
from llmsweep.claims.judge import claimed_interval
from llmsweep.claims.registry import meaning
from llmsweep.claims.rules import rules
from llmsweep.claims.text import span, spans
from llmsweep.claims.training import ARROW
from llmsweep.errors import DataError
from llmsweep.sensitivity.exposure import exposed_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmsweep.claims.claim import Claim
    from llmsweep.claims.facts import Facts

TIMES = {"time_per_token", "time_per_tokens", "tokens_per_s"}
TRAINED, ANSWERED = {"training_memory", "model_state_memory"}, {"weight_memory", "inference_memory"}


@dataclass(frozen=True)
class Contradiction:
    """Claims that can't all be true."""

    ids: tuple[str, ...]
    says: str


@dataclass(frozen=True)
class Normal:
    """A claim as a value of a quantity that several kinds of claims have in common."""

    claim: Claim
    quantity: str
    unit: str
    value: Interval


def with_sides(claims: Sequence[Claim]) -> list[Claim]:
    """Ratios get the value of their first side, where another claim of the file has it."""
    known = [found for claim in claims if (found := normal(claim)) and found.quantity == "time per token"]
    whole = []
    for claim in claims:
        quantity = meaning(claim)
        hardware = claim.subject.hardware
        if quantity is not None and quantity.id == "speedup" and "subject_value" not in claim.assumptions and hardware:
            own = replace(claim, subject=replace(claim.subject, hardware=hardware[:1]))
            side = next((other for other in known if about_the_same(own, other.claim)), None)
            if side is not None:
                rate = side.value.under(1.0)
                claim = replace(claim, assumptions={**claim.assumptions, "subject_value": rate})  # noqa: PLW2901 - the same claim, completed
        whole.append(claim)
    return whole


def normal(claim: Claim) -> Normal | None:
    """A claim in the quantity in which it can be compared."""
    quantity = meaning(claim)
    if quantity is None or claim.statement != "fact" or quantity.kind == "requirement":
        return None
    value = claimed_interval(claim, quantity)
    if value is None:
        return None
    if quantity.id in TIMES:
        return per_token(claim, quantity.id, value)
    if quantity.id == "utilisation_gain":
        return exposed(claim, value)
    if quantity.id in {"flop_per_token", "flop_per_request"} and claim.subject.phase != "train":
        tokens = rules().open("request_tokens") if quantity.id == "flop_per_token" else Interval.point(1.0)
        return Normal(claim, "FLOPs per request", "FLOP", value * tokens)
    directions = claim.assumed("directions")
    if quantity.id == "link_bandwidth" and (directions or BOTH_WAYS.search(claim.says)):
        value = value / (directions or 2.0)
    return Normal(claim, quantity.id, claim.unit.dimension, value)


def per_token(claim: Claim, quantity: str, value: Interval) -> Normal | None:
    """A speed or a time of one request as time per token; none where it is of many, or of none."""
    tokens, concurrency = claim.assumed("tokens"), claim.assumed("concurrency")
    alone = claim.subject.phase == "decode" or claim.subject.concurrency == 1 or (concurrency and concurrency.high == 1)
    if not alone or (quantity == "tokens_per_s" and value.low <= 0):
        return None
    each = value.under(1.0) if quantity == "tokens_per_s" else value / (tokens or 1.0)
    return Normal(claim, "time per token", "s", each)


def exposed(claim: Claim, gain: Interval) -> Normal | None:
    """A gain of bandwidth as the share of a step that communication must be exposed for it."""
    low, high = claim.assumed("from"), claim.assumed("to")
    if (low is None or high is None) and (found := ARROW.search(claim.says)):
        low, high = (Interval.point(float(text)) for text in found.groups())
    if low is None or high is None or high.low <= low.low:
        return None
    ratio = high.low / low.low
    slack = rules().tolerance("and_more")
    try:
        shares = Interval.hull(exposed_share(end, ratio) for end in vars(gain).values())
    except DataError:
        return None
    return Normal(claim, "exposed communication", "", Interval(shares.low * (1 - slack), shares.high * (1 + slack)))


def about_the_same(one: Claim, other: Claim) -> bool:
    """Whether two claims speak of one setup, as far as they say."""
    first, second = one.subject, other.subject
    counts = [next((part.devices for part in subject.hardware if part.devices), None) for subject in (first, second)]
    formats = [set(subject.precisions) for subject in (first, second)]
    return (
        first.strangers == second.strangers
        and one.assumptions.get("input_tokens") == other.assumptions.get("input_tokens")
        and bool(first.models) == bool(second.models)
        and max(len(first.models), len(second.models)) <= 1
        and (not first.models or spread(one).meets(spread(other)))
        and (first.chips == second.chips or bool(set(first.chips) & set(second.chips)))
        and links(one) == links(other)
        and (not all(formats) or bool(formats[0] & formats[1]))
        and (not all(counts) or counts[0] == counts[1])
    )


def links(claim: Claim) -> set[str]:
    """Networks that a claim names."""
    return {name for part in claim.subject.hardware for name in part.networks}


def spread(claim: Claim) -> Interval:
    """Active parameters of a claim's models, all sizes between them counted."""
    return Interval.hull(model.active for model in claim.subject.model)


def exclude(one: Interval, other: Interval) -> bool:
    """Whether two ranges share nothing, or no more than an end."""
    if not one.meets(other, rules().tolerance("arithmetic")):
        return True
    wide = one.high > one.low and other.high > other.low
    return wide and (one.high == other.low or other.high == one.low)


def contradictions(claims: Sequence[Claim], facts: Facts) -> list[Contradiction]:
    """Pairs of one quantity and subject that exclude each other, ratios and runs that their parts exclude."""
    values = [found for claim in claims if (found := normal(claim))]
    pairs = [
        Contradiction(
            (one.claim.id, other.claim.id),
            f"{one.quantity.replace('_', ' ')}: {said(one)} and {said(other)}",
        )
        for one, other in combinations(values, 2)
        if one.quantity == other.quantity
        and one.unit == other.unit
        and comparable(one, other)
        and about_the_same(one.claim, other.claim)
        and exclude(one.value, other.value)
    ]
    return [*pairs, *ratios(values), *runs(values, facts)]


def said(normal: Normal) -> str:
    """The value and the claim that has it."""
    return f"{span(normal.value, normal.unit)} ({normal.claim.id})"


def comparable(one: Normal, other: Normal) -> bool:
    """Whether they are of one phase and amount: a run of 1 T tokens is not one of 13 T."""
    if one.quantity in {"time per token", "FLOPs per request", "exposed communication"}:
        return True
    tokens = [normal.claim.assumptions.get("tokens") for normal in (one, other)]
    return tokens[0] == tokens[1] and one.claim.subject.phase == other.claim.subject.phase


def ratios(values: Sequence[Normal]) -> list[Contradiction]:
    """A ratio of memory against what other claims of the file say of both sides."""
    found = []
    for ratio in (value for value in values if value.quantity == "memory_ratio"):
        for trained in (value for value in values if value.quantity in TRAINED and value.claim.subject.models):
            sides = [
                value
                for value in values
                if value.quantity in ANSWERED
                and len(value.claim.subject.models) == 1
                and spread(value.claim).meets(spread(trained.claim))
            ]
            implied = [trained.value / part for side in sides for part in by_format(side)]
            if implied and all(exclude(ratio.value, one) for one in implied):
                ids = (ratio.claim.id, trained.claim.id, *(side.claim.id for side in sides))
                over = f"{trained.claim.id} over {', '.join(ids[2:])} is {spans(implied)}"
                found.append(Contradiction(ids, f"memory ratio: {said(ratio)}, but {over}"))
    return found


def by_format(side: Normal) -> tuple[Interval, ...]:
    """A range over several formats is one value for each, of which the claim gives the ends."""
    if len(side.claim.subject.precisions) > 1 and side.value.high > side.value.low:
        return (Interval.point(side.value.low), Interval.point(side.value.high))
    return (side.value,)


def runs(values: Sequence[Normal], facts: Facts) -> list[Contradiction]:
    """FLOPs of a run against accelerators · peak · MFU · time, where a file claims all four of one model."""
    parts = ("training_flop", "training_devices", "mfu", "training_time")
    of = {name: [value for value in values if value.quantity == name and value.claim.subject.models] for name in parts}
    found = []
    for flop, devices, share, time in product(*of.values()):
        chips = time.claim.subject.chips or devices.claim.subject.chips
        same = all(spread(flop.claim).meets(spread(other.claim)) for other in (devices, share, time))
        if not same or not chips or len({len(part.claim.subject.model) for part in (flop, devices, share, time)}) > 1:
            continue
        peak = Interval.hull(float(facts.accelerators[chip]["peak_flops_per_s"].get("bf16", 0.0)) for chip in chips)
        implied = devices.value * peak * share.value * time.value
        if exclude(flop.value, implied):
            ids = (flop.claim.id, devices.claim.id, share.claim.id, time.claim.id)
            says = f"training FLOP: {said(flop)}, but {', '.join(ids[1:])} give {span(implied, 'FLOP')}"
            found.append(Contradiction(ids, says))
    return found
