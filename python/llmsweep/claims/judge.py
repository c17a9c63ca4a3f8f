"""The verdict on one claim, by rule."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Outcome, Prediction
from llmsweep.claims.registry import COMPUTED, meaning, nearest, unfit
from llmsweep.claims.rules import rules
from llmsweep.claims.text import short, span, spans

if TYPE_CHECKING:
    from llmsweep.claims.claim import Claim
    from llmsweep.claims.engine import Engine
    from llmsweep.claims.facts import Facts
    from llmsweep.claims.quantity import Quantity

Name = Literal["reproduced", "order-of-magnitude", "wrong", "unit-error", "infeasible", "unverifiable", "rhetorical"]
VERDICTS: dict[Name, str] = {
    "reproduced": "overlaps what is predicted",
    "order-of-magnitude": "outside of it by a factor of 10 at most, where efficiencies or workload are open",
    "wrong": "outside of it, with nothing to excuse it",
    "unit-error": "would be right in another unit, and the slip is named",
    "infeasible": "beats a physical bound, or does not fit",
    "unverifiable": "nothing to hold it against",
    "rhetorical": "says what should be, or nothing that has a number",
}
SHOULD = re.compile(
    r"\b(must|should|ought|prefer|recommended|recommend|targets?(?! model)|goal|second choice)\b", re.IGNORECASE
)
MORE = re.compile(r"\b(more|faster|higher|better|above|increase|improvement|uplift)\b", re.IGNORECASE)
BILLIONS = 1e9
Say = Callable[[Name, str], "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """A claim judged. Numbers are in the claim's own unit.

    ``reason`` is short, ``expected`` says the prediction, ``notes`` how it was found and what was assumed.
    """

    claim: Claim
    quantity: str
    verdict: Name
    reason: str
    predicted: Interval | None = None
    bound: float | None = None
    slip: str | None = None
    software_limited: bool = False
    expected: str = ""
    notes: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = field(default=())

    @property
    def why(self) -> str:
        """The reason, and what was assumed."""
        return "; ".join(part for part in (self.reason, self.expected, *self.notes) if part)


def factor_of(claim: Claim, quantity: Quantity) -> float:
    """What makes a claim's numbers SI."""
    if claim.unit_text == "B" and "B" not in claim_dimensions(quantity):
        return BILLIONS
    return claim.unit.factor


def claim_dimensions(quantity: Quantity) -> tuple[str, ...]:
    """Dimensions in which bytes are bytes."""
    return () if {"parameter", "token"} & set(quantity.units) else quantity.units


def claimed_interval(claim: Claim, quantity: Quantity) -> Interval | None:
    """The claim in SI: "X+" of an amount that is needed is X or a little more, else X and above."""
    if not claim.numeric:
        return None
    factor = factor_of(claim, quantity)
    more = 1.0 + rules().tolerance("and_more")
    low, high = claim.low, claim.high
    if low is None:
        assert high is not None  # noqa: S101 - numeric
        low = high / more if quantity.need else 0.0
    if high is None:
        high = low * more if quantity.need else math.inf
    found = Interval(*sorted((low * factor, high * factor)))
    if quantity.id == "speedup" and claim.unit_text == "%" and MORE.search(claim.says):
        return Interval(1 + found.low, 1 + found.high)
    return found


def judge(claim: Claim, facts: Facts, engine: Engine, before: tuple[Claim, ...] = ()) -> Verdict:
    """Rules in their order: what should be, what nobody can compute, bounds, overlap, slips, distance."""
    quantity = meaning(claim)
    name = quantity.id if quantity else claim.quantity
    if rhetoric := no_truth_value(claim, quantity):
        return Verdict(claim, name, "rhetorical", rhetoric)
    if quantity is None:
        return unknown(claim)
    ask = Ask(claim, claimed_interval(claim, quantity), facts, engine, before)
    try:
        found = COMPUTED[quantity.id](ask)
    except Unverifiable as missing:
        return Verdict(claim, name, "unverifiable", str(missing), notes=tuple(ask.notes))
    if isinstance(found, Outcome):
        return stated(claim, quantity, found, ask)
    assert ask.claimed is not None  # noqa: S101 - a claim without a number had no truth value
    return replace(weigh(claim, quantity, ask.claimed, found), notes=(*found.notes, *ask.notes))


def no_truth_value(claim: Claim, quantity: Quantity | None) -> str | None:
    """Why a claim is neither true nor false: it says what should be, or has nothing that could be compared."""
    if claim.statement != "fact":
        return f"{claim.statement}: it says what should be, not what is"
    if quantity is not None and quantity.kind == "requirement":
        return f"requirement: {quantity.doc[0].lower()}{quantity.doc[1:].rstrip('.')}"
    if word := SHOULD.search(claim.says):
        return f'"{word[0].lower()}": it says what should be, not what is'
    if claim.numeric or claim.value is not None or (quantity is not None and quantity.kind == "statement"):
        return None
    return f"no number: nothing to hold against {quantity.id}" if quantity else "no number and no quantity"


def unknown(claim: Claim) -> Verdict:
    """Nothing of that name in the registry."""
    strange = claim.subject.strangers
    reason = f'no quantity "{claim.quantity}" is known; the nearest is {nearest(claim)}'
    if why := unfit(claim):
        reason = f'the catalogue has no "{strange[0]}"' if strange else why
    return Verdict(claim, claim.quantity, "unverifiable", reason)


def stated(claim: Claim, quantity: Quantity, found: Outcome, ask: Ask) -> Verdict:
    """The verdict on a label, a list or a yes."""
    name: Name = "reproduced" if found.true else "infeasible" if found.infeasible else "wrong"
    factor = factor_of(claim, quantity)
    return Verdict(
        claim, quantity.id, name, found.why, found.predicted and found.predicted / factor,
        None if found.bound is None else found.bound / factor, notes=tuple(ask.notes),
    )  # fmt: skip


def weigh(claim: Claim, quantity: Quantity, claimed: Interval, found: Prediction) -> Verdict:
    """A number against its interval and bound."""
    kind = found.kind or quantity.kind
    tolerance = rules().tolerance(kind) if quantity.tolerance is None else quantity.tolerance
    factor, hull = factor_of(claim, quantity), found.hull
    shown = [scaled(claim, quantity, option, factor) for option in found.options]
    bound = None if found.bound is None else scaled(claim, quantity, Interval.point(found.bound.value), factor).low
    says = f"predicted {spans(shown, claim.unit_text)}"

    def verdict(name: Name, reason: str) -> Verdict:
        return Verdict(claim, quantity.id, name, reason, Interval.hull(shown), bound, expected=says)

    beaten = found.bound is not None and found.bound.beaten_by(claimed, tolerance)
    overlaps = not beaten and any(claimed.meets(option, tolerance) for option in found.options)
    if overlaps:
        judging = over_decades if claim.over_decades else one_sided
        return judging(claim, quantity, claimed, found, verdict)
    order = rules().tolerance("order")
    # What is open by factors can't tell a slip from an efficiency.
    clear = kind != "predicted" or claimed.gap(hull) > order
    if clear and not claim.over_decades and (slip := slip_of(quantity, claimed, found, tolerance)):
        return replace(verdict("unit-error", slip), slip=slip)
    if beaten and found.bound is not None and bound is not None:
        side = "below the floor" if found.bound.side == "floor" else "above the ceiling"
        reason = f"{side} of {span(Interval.point(bound), claim.unit_text)}: {found.bound.words}"
        return verdict("infeasible", reason + (f"; it {needs}" if (needs := implied(found, claimed)) else ""))
    gap = claimed.gap(hull)
    above = claimed.low > hull.high
    far = f"{short(gap)} times too {'high' if above else 'low'}"
    if kind == "fact" or (kind == "arithmetic" and not (found.open_above and above)):
        return verdict("wrong", far if gap > 1 else between(claimed, found))
    if slow := software(found, claimed, tolerance):
        return replace(verdict("wrong", f"software-limited: {slow}"), software_limited=True)
    return verdict("order-of-magnitude" if gap <= order else "wrong", far)


def scaled(claim: Claim, quantity: Quantity, interval: Interval, factor: float) -> Interval:
    """SI in the claim's unit."""
    if quantity.id == "speedup" and claim.unit_text == "%" and MORE.search(claim.says):
        interval = Interval(interval.low - 1, interval.high - 1)
    return interval * (1 / factor)


def between(claimed: Interval, found: Prediction) -> str:
    """How far a claim lies from the nearest of the values that it can have."""
    near = min(found.options, key=claimed.gap)
    return f"{claimed.gap(near):.2f} times off the nearest value that it can have"


def one_sided(claim: Claim, quantity: Quantity, claimed: Interval, found: Prediction, verdict: Say) -> Verdict:
    """What overlaps is reproduced; a limit on what is spread must hold for its middle."""
    middle = math.sqrt(found.hull.low * found.hull.high)
    limit = (claim.low is None or claim.high is None) and not quantity.need
    if limit and (found.kind or quantity.kind) == "predicted" and not claimed.low <= middle <= claimed.high:
        return verdict("order-of-magnitude", "it holds for less than half of the range")
    gib = rules().slip("gib").factor
    if quantity.need and "gib" in quantity.slips and claim.high is None and claim.low is not None:
        exact = Interval.point(claim.low * factor_of(claim, quantity) * gib)
        if any(exact.meets(option, rules().tolerance("arithmetic")) for option in found.options):
            return verdict("reproduced", f"{short(claim.low)} read as GiB is {short(claim.low * gib)} GB")
    return verdict("reproduced", "")


def over_decades(_: Claim, __: Quantity, claimed: Interval, found: Prediction, verdict: Say) -> Verdict:
    """A range over decades is judged by both ends: a wide one meets nearly everything."""
    order, hull = rules().tolerance("order"), found.hull
    if claimed.low < hull.low / order:
        return verdict("wrong", f"its low end is {short(hull.low / claimed.low)} times too low")
    if claimed.high > hull.high * order:
        return verdict("wrong", f"its high end is {short(claimed.high / hull.high)} times too high")
    return verdict("reproduced", f"both ends within a factor of {order:g}")


def slip_of(quantity: Quantity, claimed: Interval, found: Prediction, tolerance: float) -> str | None:
    """The slip that would explain a claim, if one does."""
    for name, option in found.mistaken:
        if claimed.meets(option, tolerance):
            return name
    for identifier in quantity.slips:
        slip = rules().slip(identifier)
        for size, word in ((slip.factor, "high"), (1 / slip.factor, "low")):
            if any(claimed.meets(option * size, tolerance) for option in found.options):
                return f"{slip.name}: {short(slip.factor)} times too {word}"
    return None


def software(found: Prediction, claimed: Interval, tolerance: float) -> str | None:
    """What share of the hardware a speed implies that is below what kernels reach."""
    share = rules().tolerance("software_limited")
    slow_rate = found.speed == "rate" and claimed.high * (1 + tolerance) < found.hull.low * share
    slow_time = found.speed == "time" and claimed.low * (1 - tolerance) > found.hull.high / share
    if not (slow_rate or slow_time):
        return None
    return f"it {implied(found, claimed) or 'is far below what kernels reach'}"


def implied(found: Prediction, claimed: Interval) -> str | None:
    """The share of the hardware that a speed stands for."""
    if found.resource is None or not found.speed:
        return None
    name, unit = found.resource
    share = claimed * unit if found.speed == "rate" else claimed.under(unit)
    return f"implies {name} {span(share * 100.0)} %"
