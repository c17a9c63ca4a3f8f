"""Quantities of training runs: time, devices, utilisation, and their ratios to inference."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llmsweep.claims.arithmetic import (
    attention_flop_per_token,
    training_time_s,
)
from llmsweep.claims.counts import active, run_flop
from llmsweep.claims.interval import Interval
from llmsweep.claims.layouts import fastest
from llmsweep.claims.memory import inference_devices
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Computations, Outcome, Prediction
from llmsweep.claims.rules import rules
from llmsweep.claims.speed import steps
from llmsweep.claims.subject import Hardware, Model, Subject, model_of
from llmsweep.claims.text import short, span
from llmsweep.clock import DAY_S, HOUR_S
from llmsweep.errors import DataError
from llmsweep.sensitivity.exposure import exposed_share, gain

if TYPE_CHECKING:
    from collections.abc import Callable

SEQUENCE = 4096.0
TENTH = 10


def peak(ask: Ask, side: int | None = None) -> Interval:
    """Dense peak FLOP/s of the claim's accelerators in its format, 16 bits where it names none."""
    named = [name for name in ask.claim.subject.precisions if name in {"fp8", "fp4"}]
    wanted = ("fp8",) if named == ["fp8"] else ("fp4",) if named == ["fp4"] else ("bf16", "fp16")
    chips = ask.chips(side)
    peaks = [ask.facts.accelerators[chip]["peak_flops_per_s"] for chip in chips]
    values = [float(entry[name]) for entry in peaks for name in wanted if name in entry]
    if not values:
        raise Unverifiable(f"{', '.join(chips)} has no {wanted[0]}")
    # A form of lower power, as PCI Express boards are, is no chip of a training cluster.
    return Interval.point(max(values))


def run_chips(ask: Ask, model: Model) -> Interval:
    """The peak of the claim's accelerators, or of those of the published run."""
    if ask.claim.subject.chips:
        return peak(ask)
    for identifier in model.ids:
        chip = (ask.facts.models[identifier].get("training") or {}).get("accelerator")
        if chip in ask.facts.accelerators:
            ask.note(f"on {chip}, as published")
            return Interval.point(float(ask.facts.accelerators[chip]["peak_flops_per_s"]["bf16"]))
    raise Unverifiable("it names no accelerator")


def published(ask: Ask, model: Model, fact: str) -> Interval | None:
    """A fact of a model's published run, if the claim is about that: the model itself, on such accelerators."""
    if model.name not in model.ids:
        return None
    chips = ask.claim.subject.chips
    for identifier in model.ids:
        run = ask.facts.models[identifier].get("training") or {}
        used = str(run.get("accelerator") or "")
        # A run may name a family of chips only, as "v100".
        if run.get(fact) and (not chips or any(chip.startswith(used) for chip in chips)):
            return Interval.point(float(run[fact]))
    return None


def utilisation(ask: Ask, model: Model | None) -> Interval:
    """MFU: assumed, of the published run, or from what runs have up to what the engine's fastest layout reaches."""
    if given := ask.given("utilisation"):
        return given
    if model is not None and (known := published(ask, model, "mfu")):
        ask.note(f"MFU of the published run of {model.name}: {short(100 * known.low)} %")
        return known
    everything = ask.facts.runs("mfu")
    cut = len(everything) // TENTH
    found = Interval(everything[cut], everything[-1 - cut])
    chips = ask.claim.subject.chips
    if model is not None and model.ids and chips:
        given = ask.devices()
        best = fastest(ask, model.ids[0], chips[-1], given.high if given else None)
        if best is not None:
            reached = float(best["mfu"]) * float(best["step_time_s"]) / float(best["step_time_s_p10"])
            found = Interval(min(found.low, reached), max(found.high, reached))
    ask.note(
        f"MFU not given: {short(100 * found.low)} to {short(100 * found.high)} %, as published runs and layouts have"
    )
    return found


def run_devices(ask: Ask, model: Model) -> Interval:
    """Accelerators: as the claim or the published run has them, or as clusters have."""
    if (given := ask.devices()) is not None:
        return given
    if known := published(ask, model, "accelerators"):
        ask.note(f"{known.low:,.0f} accelerators, as published")
        return known
    everything = ask.facts.runs("accelerators")
    cut = len(everything) // TENTH
    found = Interval(everything[cut], everything[-1 - cut])
    ask.note(f"number of accelerators not given: {span(found)}, as published runs have")
    return found


def own_flop(ask: Ask, model: Model) -> Interval:
    """FLOPs of the run: of pre-training, or the share of it that fine-tuning takes."""
    whole = run_flop(ask, model)
    if ask.claim.subject.phase != "fine-tune":
        return whole
    share = ask.given("fine_tuning_share")
    if share is None:
        share = rules().interval("fine_tuning", "share")
        ask.note(f"fine-tuning takes {span(share * 100.0)} % of pre-training, as InstructGPT")
    return whole * share


def own_run(ask: Ask) -> bool:
    """Whether the claim is about the run as it was published: no tokens, FLOPs or MFU of its own."""
    other = {"tokens", "training_flop", "utilisation"} & set(ask.claim.assumptions)
    return not other and ask.claim.subject.phase != "fine-tune"


def run_time(ask: Ask) -> Prediction:
    """C / n P u, or device hours over devices."""
    options, floors = [], []
    for model in ask.models():
        devices = run_devices(ask, model)
        hours = ask.given("device_hours")
        if hours is None and own_run(ask):
            hours = published(ask, model, "accelerator_hours")
            if hours is not None:
                ask.note(f"{hours.low:,.0f} accelerator hours, as published")
        top = run_chips(ask, model)
        flop = own_flop(ask, model)
        options.append(
            hours * HOUR_S / devices if hours else training_time_s(flop, devices, top, utilisation(ask, model))
        )
        floors.append((flop / devices / top).low)
    bound = Bound(min(floors), "floor", "no run exceeds the peak FLOP/s of its accelerators")
    return Prediction(tuple(options), ("FLOPs / (accelerators · peak · MFU)",), bound)


def run_size(ask: Ask) -> Prediction:
    """C / P u t, and as published."""
    options, floors = [], []
    for model in ask.models():
        time = ask.given("wall_time_s") or ask.opened("run_days", "days of the run") * DAY_S
        flop = own_flop(ask, model)
        top = run_chips(ask, model)
        options.append(flop / top / utilisation(ask, model) / time)
        floors.append((flop / top / time).low)
        if own_run(ask) and "wall_time_s" not in ask.claim.assumptions:
            options += [known] if (known := published(ask, model, "accelerators")) else []
    bound = Bound(min(floors), "floor", "fewer do not reach it at their peak FLOP/s")
    return Prediction(tuple(options), ("FLOPs / (peak · MFU · time)",), bound)


def mfu(ask: Ask) -> Prediction:
    """6 N D over what the accelerators could do in the time, attention counted or not."""
    bound = Bound(1.0, "ceiling", "no run exceeds its peak")
    if not ask.claim.subject.models:
        return Prediction((utilisation(ask, None),), ("as published runs have",), bound, kind="predicted")
    options, kind = [], "arithmetic"
    for model in ask.models():
        work = ask.given("device_hours")
        time, devices = ask.given("wall_time_s"), ask.devices()
        if time and devices:
            work = time * devices / HOUR_S
        elif work is None and (known := published(ask, model, "accelerator_hours")):
            work = known
            ask.note(f"{known.low:,.0f} accelerator hours, as published")
        if work is None:
            options.append(utilisation(ask, model))
            kind = "predicted"
            continue
        flop = run_flop(ask, model)
        extra = attention_share(ask, model)
        share = flop / (run_chips(ask, model) * work * HOUR_S)
        options.append(Interval(share.low, share.high * (1 + extra)))
        known = published(ask, model, "mfu") if own_run(ask) and not time else None
        if known is not None and not options[-1].meets(known, rules().tolerance("and_more")):
            ask.note("and as published, which its hours do not give")
            options.append(known)
    return Prediction(
        tuple(options), ("6 · active parameters · tokens / (accelerators · peak · time)",), bound,
        kind="arithmetic" if kind == "arithmetic" else "predicted",
    )  # fmt: skip


def attention_share(ask: Ask, model: Model) -> float:
    """FLOPs of attention over the square, over 6 N."""
    sequence = ask.given("sequence_length") or Interval.point(SEQUENCE)
    return max(
        (
            attention_flop_per_token(ask.facts.models[i]["shape"], sequence.high) / (6.0 * model.active.low)
            for i in model.ids
        ),
        default=0.0,
    )


def tokens_per_s_of_training(ask: Ask) -> Prediction:
    """N P u / 6 N."""
    options, ceilings = [], []
    for model in ask.models():
        rate = run_devices(ask, model) * run_chips(ask, model)
        each = active(ask, model) * 6.0
        options.append(rate * utilisation(ask, model) / each)
        ceilings.append(rate.high / each.low)
    bound = Bound(max(ceilings), "ceiling", "no run exceeds the peak FLOP/s of its accelerators")
    return Prediction(tuple(options), ("accelerators · peak · MFU / (6 · active parameters)",), bound)


def device_hours(ask: Ask) -> Prediction:
    """C / P u, and as published."""
    options, floors = [], []
    for model in ask.models():
        flop, top = own_flop(ask, model), run_chips(ask, model)
        if own_run(ask) and (known := published(ask, model, "accelerator_hours")):
            options.append(known * HOUR_S)
        options.append(flop / top / utilisation(ask, model))
        floors.append((flop / top).low)
    bound = Bound(min(floors), "floor", "no run exceeds the peak FLOP/s of its accelerators")
    return Prediction(tuple(options), ("FLOPs / (peak · MFU)",), bound)


def cost(ask: Ask) -> Prediction:
    """Device hours at the catalogue's lowest to highest rental."""
    hours = device_hours(ask)
    prices = [
        Interval(float(price["rental_low_usd_per_hour"]), float(price["rental_high_usd_per_hour"]))
        for chip in ask.chips()
        if (price := ask.facts.accelerators[chip].get("price")) and price.get("rental_low_usd_per_hour")
    ]
    if not prices:
        raise Unverifiable("the catalogue has no price of it")
    each = Interval.hull(prices)
    ask.note(f"{span(each)} USD per hour, offers in the catalogue")
    return Prediction((hours.hull * each / HOUR_S,), ("accelerator hours · rental",), kind="predicted")


def side_of(ask: Ask, side: int) -> Ask:
    """The same question about one side of a comparison alone."""
    subject = ask.claim.subject
    own = Subject(
        subject.models[side : side + 1], subject.hardware[side : side + 1] or subject.hardware[:1], subject.precisions,
        subject.kv_precisions, subject.mixed, ("train", "inference")[side], subject.concurrency,
    )  # fmt: skip
    return replace(ask, claim=replace(ask.claim, subject=own))


def devices_ratio(ask: Ask) -> Prediction | Outcome:
    """Accelerators that train one over those that run the other."""
    if len(ask.claim.subject.models) < 2:  # noqa: PLR2004 - a comparison has two sides
        raise Unverifiable("it names no two models, one that is trained and one that answers")
    given = ask.given("train_devices")
    training = given or run_devices(side_of(ask, 0), ask.models()[0])
    answering = inference_devices(side_of(ask, 1)).hull
    ask.note(f"{span(training)} train {ask.models()[0].name}, {span(answering)} run {ask.models(1)[0].name}")
    return Prediction((training / answering,), ("accelerators of the run / accelerators that answer",))


def time_ratio(ask: Ask) -> Prediction:
    """Wall time of a run over that of a request."""
    subject = ask.claim.subject
    model = ask.models()[0] if subject.models else model_of("llama2-70b", ask.facts)
    if not subject.models:
        ask.note("no model named: Llama 2 70B on H100 and B200, as people compare them")
    chips = subject.hardware or (Hardware("", ("h100-sxm-80", "b200-sxm")),)
    serving = replace(ask, claim=replace(ask.claim, subject=replace(subject, models=((model,),), hardware=chips)))
    each = steps(serving)
    if isinstance(each, Outcome):
        raise Unverifiable(each.why)
    request = each.predicted * (ask.given("output_tokens") or ask.opened("request_tokens", "answer"))
    run = ask.given("wall_time_s") or ask.opened("run_days", "days of the run") * DAY_S
    return Prediction((run / request,), ("wall time of the run / time of a request",))


ARROW = re.compile(r"(\d+(?:\.\d+)?)\s*[%G]?\s*(?:->|→)\s*(\d+(?:\.\d+)?)")


def utilisation_gain(ask: Ask) -> Prediction:
    """What more bandwidth brings, if the exposed share of communication is known.

    Raises:
        Unverifiable: It is not; the sentence says at which share the claim would hold.
    """
    low, high = ask.given("from"), ask.given("to")
    if low is None or high is None:
        found = ARROW.search(ask.claim.says)
        if found is None:
            raise Unverifiable("it says neither from which nor to which bandwidth")
        low, high = (Interval.point(float(text)) for text in found.groups())
    ratio = high.low / low.low
    if ratio <= 1:
        raise Unverifiable("bandwidth does not grow")
    exposed = ask.given("exposed_share")
    if exposed is None:
        if ask.claimed is None:
            raise Unverifiable("it says no gain")
        shares = Interval.hull(answered(exposed_share, end, ratio) for end in vars(ask.claimed).values())
        raise Unverifiable(
            f"it depends on the share of a step that communication is exposed: it holds at {span(shares * 100.0)} %"
        )
    gains = Interval.hull(answered(gain, share, ratio) for share in vars(exposed).values())
    return Prediction((gains,), ("1 / (1 − f + f / r) − 1",))


def answered(formula: Callable[[float, float], float], number: float, ratio: float) -> float:
    """What a formula of exposed communication says.

    Raises:
        Unverifiable: The number is none that it takes.
    """
    try:
        return formula(number, ratio)
    except DataError as error:
        raise Unverifiable(str(error)) from error


def mfu_ratio(ask: Ask) -> Prediction:
    """As assumed only: the catalogue knows no two systems of one model."""
    start, end = ask.given("from"), ask.given("to")
    if start is None or end is None:
        raise Unverifiable("it names no second MFU: assume from and to")
    return Prediction((end / start,), ("MFU there / MFU here",), kind="arithmetic")


def serving_utilisation(_: Ask) -> Prediction:
    """Needs arrivals."""
    raise Unverifiable("utilisation of a serving fleet needs its arrivals")


def models_unknown(_: Ask) -> Prediction:
    """Needs models and traffic."""
    raise Unverifiable("a fleet of several models needs their traffic")


TRAINING: Computations = {
    "training_time": run_time,
    "training_devices": run_size,
    "mfu": mfu,
    "mfu_ratio": mfu_ratio,
    "training_tokens_per_s": tokens_per_s_of_training,
    "device_hours": device_hours,
    "training_cost": cost,
    "devices_ratio": devices_ratio,
    "time_ratio": time_ratio,
    "utilisation_gain": utilisation_gain,
    "serving_utilisation": serving_utilisation,
    "fleet_size": models_unknown,
}
