"""Quantities that follow from shape and tokens: parameters, FLOPs, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmsweep.claims.arithmetic import request_flop, train_to_request_ratio, training_flop
from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Computations, Prediction
from llmsweep.claims.rules import rules
from llmsweep.claims.subject import model_of
from llmsweep.claims.text import short, span

if TYPE_CHECKING:
    from llmsweep.claims.subject import Model


def total(ask: Ask, model: Model) -> Interval:
    """Parameters, as assumed or as the model has them."""
    return ask.given("parameters") or model.parameters


def active(ask: Ask, model: Model) -> Interval:
    """Active parameters."""
    return ask.given("active_parameters") or model.active


def any_models(ask: Ask) -> tuple[Model, ...]:
    """The claim's models, or all of the catalogue that are no small ones and have a published run."""
    if ask.claim.subject.models:
        return ask.models()
    least = rules().open("any_parameters").low
    chosen = [
        i
        for i, entry in ask.facts.models.items()
        if float(entry["parameters"]) >= least and (entry.get("training") or {}).get("flops")
    ]
    ask.note(f"no model named: the catalogue's {len(chosen)} of {least / 1e9:g} B parameters or more")
    return tuple(model_of(identifier, ask.facts) for identifier in chosen)


def trained_tokens(ask: Ask, model: Model | None) -> Interval:
    """Tokens of the training run: assumed, published, or the usual range."""
    if given := ask.given("tokens"):
        return given
    if model is not None and (published := ask.facts.runs("tokens", model.ids)):
        if len(ask.models() if ask.claim.subject.models else ()) == 1:
            ask.note(f"{short(published[0])} training tokens, as {model.ids[0]} has")
        return Interval.hull(published)
    return ask.opened("training_tokens", "training tokens")


def request_tokens(ask: Ask) -> Interval:
    """Tokens of a request, prompt and answer."""
    both = [found for name in ("input_tokens", "output_tokens") if (found := ask.given(name))]
    if both:
        return Interval(sum(part.low for part in both), sum(part.high for part in both))
    return ask.opened("request_tokens", "tokens per request")


def run_flop(ask: Ask, model: Model) -> Interval:
    """FLOPs of a training run of a model."""
    if given := ask.given("training_flop"):
        return given
    known = ask.facts.runs("flops", model.ids)
    if known and not ask.claim.assumed("tokens") and not ask.facts.runs("tokens", model.ids):
        return Interval.hull(known)
    return training_flop(active(ask, model), trained_tokens(ask, model))


def parameters(ask: Ask) -> Prediction:
    """Counted and published parameters."""
    return Prediction(tuple(total(ask, model) for model in ask.models()))


def active_parameters(ask: Ask) -> Prediction:
    """Counted and published active parameters."""
    return Prediction(tuple(active(ask, model) for model in ask.models()))


def flop_of_training(ask: Ask) -> Prediction:
    """6 N D of every model."""
    models = any_models(ask)
    return Prediction(tuple(run_flop(ask, model) for model in models), ("6 · active parameters · tokens",))


def flop_of_request(ask: Ask) -> Prediction:
    """2 N T, between the smallest and the largest model."""
    tokens = ask.given("tokens") or request_tokens(ask)
    whole = Interval.hull(request_flop(active(ask, model), tokens) for model in any_models(ask))
    return Prediction((whole,), ("2 · active parameters · tokens",))


def flop_by_phase(ask: Ask) -> Prediction:
    """Of a run, of a request, or from the one to the other."""
    phase = ask.claim.subject.phase
    if phase == "train":
        return flop_of_training(ask)
    if phase == "both":
        return Prediction((Interval.hull([flop_of_request(ask).hull, flop_of_training(ask).hull]),))
    return flop_of_request(ask)


def flop_per_parameter_and_token(ask: Ask) -> Prediction:
    """6 to 8 in training, 2 in inference."""
    phase = ask.claim.subject.phase
    training = rules().interval("forward", "training_flop")
    answering = rules().interval("forward", "inference_flop")
    options = {"train": (training,), "both": (training, answering)}.get(phase, (answering,))
    return Prediction(options, ("2 forward, 4 backward, 2 more where the forward pass runs again",))


def flop_per_token(ask: Ask) -> Prediction:
    """N times that."""
    each = flop_per_parameter_and_token(ask)
    models = any_models(ask)
    counts = Interval.hull(active(ask, model) for model in models)
    options = tuple(option * active(ask, model) for model in models for option in each.options)
    mistaken = tuple(("per parameter for in total: a factor of N, " + span(counts), option) for option in each.options)
    return Prediction(options, (*each.notes, "times the active parameters"), mistaken=mistaken)


def train_over_request(ask: Ask) -> Prediction:
    """3 D / T."""
    model = ask.models()[0] if ask.claim.subject.models else None
    ratio = train_to_request_ratio(trained_tokens(ask, model), request_tokens(ask))
    return Prediction((ratio,), ("6 N D / 2 N T = 3 · training tokens / tokens of a request",))


def tokens_of_training(ask: Ask) -> Prediction:
    """As published, or C / 6 N."""
    options: list[Interval] = []
    for model in ask.models():
        if flop := ask.given("training_flop"):
            options.append(flop / (active(ask, model) * 6.0))
        elif published := ask.facts.runs("tokens", model.ids):
            options.append(Interval.hull(published))
            ask.note(f"the catalogue's training run of {model.name}")
        elif flops := ask.facts.runs("flops", model.ids):
            options.append(Interval.hull(flops) / (active(ask, model) * 6.0))
    if not options:
        raise Unverifiable("no training run of the model is published in the catalogue, nor training_flop assumed")
    return Prediction(tuple(options))


def fine_tuning_share(ask: Ask) -> Prediction:
    """FLOPs of fine-tuning over pre-training, as InstructGPT has them."""
    ask.note("InstructGPT's supervised fine-tuning and RLHF")
    return Prediction((ask.given("fine_tuning_share") or rules().interval("fine_tuning", "share"),), kind="predicted")


def change(ask: Ask) -> Interval:
    """From and to: as assumed, or the claims before."""
    start, end = ask.given("from"), ask.given("to")
    if start and end:
        return end / start
    before = ask.before
    if before and before[-1].unit.dimension in {"device", "user"} and before[-1].low and before[-1].high:
        ask.note(f"from {before[-1].low:,.0f} to {before[-1].high:,.0f} of {before[-1].id}")
        return Interval.point(before[-1].high / before[-1].low)
    pair = before[-2:]
    same = len({(claim.quantity, claim.unit.dimension) for claim in pair}) == 1
    if len(pair) == 2 and same and pair[0].low and pair[1].low:  # noqa: PLR2004 - a pair
        ask.note(f"from {pair[0].id} to {pair[1].id}")
        return Interval.point(pair[1].low * pair[1].unit.factor / (pair[0].low * pair[0].unit.factor))
    raise Unverifiable("neither from and to are assumed, nor does a claim before it have them")


def growth(ask: Ask) -> Prediction:
    """The value after over the one before."""
    return Prediction((change(ask),), ("value after / value before",))


def saving(ask: Ask) -> Prediction:
    """What falls away, as a share."""
    ratio = change(ask)
    if ratio.low > 1:
        ratio = ratio.under(1.0)
    return Prediction((Interval(1 - ratio.high, 1 - ratio.low),), ("1 − value after / value before",))


COUNTS: Computations = {
    "parameters": parameters,
    "active_parameters": active_parameters,
    "training_flop": flop_of_training,
    "flop_per_request": flop_of_request,
    "flop": flop_by_phase,
    "flop_per_token": flop_per_token,
    "flop_per_parameter": flop_per_parameter_and_token,
    "train_request_flop_ratio": train_over_request,
    "training_tokens": tokens_of_training,
    "fine_tuning_share": fine_tuning_share,
    "growth": growth,
    "saving": saving,
}
