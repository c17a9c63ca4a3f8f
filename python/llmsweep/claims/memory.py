"""Quantities of memory: weights, training state, caches, and how many devices hold them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from llmsweep.claims.counts import any_models, total
from llmsweep.claims.engine import REFUSED, USUAL, axes_of, bits, formats, stored_bits
from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Computations, Outcome, Prediction
from llmsweep.claims.rules import rules
from llmsweep.claims.text import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmsweep.claims.subject import Model

GB = 1e9
# Trained on, where a claim names no accelerator: memory of a training run hardly depends on it.
ANY_CHIP = "h100-sxm-80"
LAYOUTS = tuple((tensor, stages) for stages in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16) for tensor in (1, 2, 4, 8))


def weight_formats(ask: Ask) -> tuple[str, ...]:
    """Formats of the claim, or the usual ones."""
    named = ask.claim.subject.precisions
    if not named and not ask.claim.subject.mixed:
        ask.note(f"precision not given: {', '.join(USUAL)}")
    return named or (("bf16",) if ask.claim.subject.mixed else USUAL)


def bytes_per_parameter(ask: Ask, name: str) -> Interval:
    """Bytes per parameter of a format, without and with its scales."""
    if given := ask.given("bytes_per_parameter"):
        return given
    return Interval.hull([bits(name), *(stored_bits(one) for one in formats(name))]) * 0.125


def assumed_axes(ask: Ask, phase: str) -> dict[str, Any]:
    """Assumptions of the claim that are axes of the engine, whole numbers where they are."""
    found: dict[str, Any] = {}
    for name in ask.claim.assumptions:
        if name in axes_of(phase) - {"devices", "tokens"}:
            value = ask.claim.assumptions[name]
            if isinstance(value, str):
                found[name] = value
            elif value.low == value.high:
                found[name] = int(value.low) if value.low.is_integer() else value.low
    return found


def most_room() -> dict[str, float]:
    """An engine that takes nearly all of the memory, where a claim does not say."""
    return {"memory_scale": rules().constant("memory", "scale")}


def weights(ask: Ask) -> Prediction:
    """Parameters times bytes."""
    options = tuple(
        total(ask, model) * bytes_per_parameter(ask, name) for model in ask.models() for name in weight_formats(ask)
    )
    return Prediction(options, ("parameters · bytes per parameter",))


def state_bytes(ask: Ask) -> tuple[Interval, str]:
    """Bytes per trained parameter: weights, gradients, optimizer."""
    if given := ask.given("bytes_per_parameter"):
        return given, "as assumed"
    named = ask.claim.subject.precisions
    if named == ("fp32",) and not ask.claim.subject.mixed:
        return rules().interval("training_state", "full_bytes"), "everything in 32 bits with Adam"
    return rules().interval("training_state", "mixed_bytes"), "mixed precision with Adam"


def model_state(ask: Ask) -> Prediction:
    """Weights, gradients and optimizer state of all devices together."""
    each, words = state_bytes(ask)
    return Prediction(tuple(total(ask, model) * each for model in ask.models()), (f"{words}: bytes per parameter",))


def training_memory(ask: Ask) -> Prediction:
    """The state, and the activations of one sequence as the engine counts them."""
    each, words = state_bytes(ask)
    options: list[Interval] = []
    for model in ask.models():
        state = total(ask, model) * each
        setups = [
            {"model": model.ids[0], "accelerator": ANY_CHIP, "devices": 1, "global_batch": 1, "zero_stage": 0}
            | {"recompute": how}
            | assumed_axes(ask, "training")
            for how in ("full", "none")
            if model.ids
        ]
        found = ask.engine.rows("training", setups, ["activation_bytes", "logits_bytes"])
        extra = [row["activation_bytes"] + (row["logits_bytes"] or 0.0) for row in found if row["activation_bytes"]]
        options.append(Interval(state.low + min(extra, default=0.0), state.high + max(extra, default=0.0)))
    note = "and activations of one sequence of 4,096 tokens, recomputed or kept"
    return Prediction(tuple(options), (f"{words} per parameter", note), open_above=True)


def inference_memory(ask: Ask) -> Prediction:
    """Weights and the cache of a request of usual length; never below the weights."""
    context = ask.given("tokens") or ask.opened("context_tokens", "context")
    requests = ask.given("concurrency") or Interval.point(ask.claim.subject.concurrency or 1.0)
    options, least = [], []
    for model, name in product(ask.models(), weight_formats(ask)):
        held = total(ask, model) * bytes_per_parameter(ask, name)
        cache = cache_bytes_per_token(ask, [model])
        options.append(
            Interval(held.low, held.high + (cache.high * context.high * requests.high if cache is not None else 0.0))
        )
        least.append(held.low)
    bound = Bound(min(least), "floor", "no engine holds less than the weights")
    notes = ("weights and the key-value cache of one request",)
    return Prediction(tuple(options), notes, bound, open_above=True)


def cache_bytes_per_token(ask: Ask, models: Sequence[Model]) -> Interval | None:
    """The engine's column, in the formats of the claim."""
    named = ask.claim.subject.kv_precisions or ("bf16", "fp8")
    setups = [
        {"model": i, "accelerator": ANY_CHIP, "precision": "bf16", "kv_precision": kv, "pipeline_parallel": 1}
        for model in models
        for i in model.ids
        for kv in named
    ]
    found = ask.engine.rows("inference", setups, ["kv_bytes_per_token"])
    values = [row["kv_bytes_per_token"] for row in found if row["kv_bytes_per_token"]]
    return Interval.hull(values) if values else None


def kv_bytes(ask: Ask) -> Prediction:
    """Of one token, or of as many as the claim assumes."""
    if not ask.claim.subject.kv_precisions:
        ask.note("format of the cache not given: 16 and 8 bits")
    tokens = ask.given("tokens") or Interval.point(1.0)
    models = ask.models()
    each = [found for model in models if (found := cache_bytes_per_token(ask, [model])) is not None]
    if not each:
        raise Unverifiable("the catalogue has no shape for it")
    layers = {float(ask.facts.models[i]["shape"]["layers"]) for model in models for i in model.ids}
    mistaken = tuple(("per layer for all", part * (1 / count)) for part in each for count in layers)
    options = tuple(part * tokens for part in each)
    # Each format is a value of its own; what lies between two is none.
    ends = tuple(Interval.point(end) for option in options for end in {option.low, option.high})
    return Prediction(ends, ("the engine's kv_bytes_per_token",), mistaken=(*mistaken, *halves(ends)))


def halves(ends: Sequence[Interval]) -> tuple[tuple[str, Interval], ...]:
    """Keys without values."""
    return tuple(("keys for keys and values", end * 0.5) for end in ends)


def memory_ratio(ask: Ask) -> Prediction:
    """Training state over inference weights, per parameter: precision by precision."""
    section = "training_state"
    mixed, full = rules().interval(section, "mixed_bytes"), rules().interval(section, "full_bytes")
    named = list(ask.claim.subject.precisions)
    options: list[Interval] = []
    if not named or named == ["fp32"]:
        options.append(full / rules().interval(section, "full_inference_bytes"))
    if named != ["fp32"]:
        answering = named or ["fp16", "int8", "int4"]
        options += [mixed / (bits(name) / 8.0) for name in answering]
    ask.note("mixed precision over fp16 inference is 8; only 32 bits over 32 bits is 4; before activations and cache")
    return Prediction(tuple(options), ("training state per parameter / weight bytes per parameter",))


def gradient_sync(ask: Ask) -> Prediction:
    """What all replicas together send per step: N · bytes · 2."""
    syncs = ask.given("syncs") or Interval.point(2.0)
    named = ask.claim.subject.precisions or ("fp32", "bf16")
    each = ask.given("bytes_per_parameter") or Interval.hull(bits(name) / 8.0 for name in named)
    options = tuple(total(ask, model) * each * syncs for model in any_models(ask))
    return Prediction(options, ("parameters · bytes of a gradient · 2 (reduce-scatter and all-gather), per step",))


def placements(ask: Ask, devices: int | None) -> list[dict[str, Any]]:
    """Every way in which the claim's models and formats may lie on its accelerators, with what the engine says."""
    setups = []
    for model, chip, name, (tensor, stages) in product(ask.models(), ask.chips(), weight_formats(ask), LAYOUTS):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        if devices is None or tensor * stages == devices:
            setups += [
                {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
                | {"pipeline_parallel": stages, "input_tokens": 512, "output_tokens": 128, "concurrency": 1}
                | {"asked": name}
                | most_room()
                | assumed_axes(ask, "inference")
                for one in formats(name)
            ]
    asked = [setup.pop("asked") for setup in setups]
    found = ask.engine.rows("inference", setups, ["reject", "memory_bytes"])
    return [
        row | {"asked": name, "devices": row["tensor_parallel"] * row["pipeline_parallel"]}
        for row, name in zip(found, asked, strict=True)
    ]


def inference_devices(ask: Ask) -> Prediction:
    """The fewest that hold weights and the cache of a request, per format."""
    found = placements(ask, None)
    fewest: dict[tuple[str, str], int] = {}
    for row in found:
        if row["reject"] is None:
            key = (row["model"], row["asked"])
            fewest[key] = min(fewest.get(key, row["devices"]), row["devices"])
    if not fewest:
        raise Unverifiable("no layout of up to 128 devices holds it")
    ask.note(", ".join(f"{model} in {name}: {count}" for (model, name), count in fewest.items()))
    bound = Bound(min(fewest.values()), "floor", "fewer do not hold the weights")
    notes = ("the fewest devices that hold weights and cache, as the engine places them",)
    return Prediction((Interval(min(fewest.values()), max(fewest.values())),), notes, bound, open_above=True)


def fits(ask: Ask) -> Outcome:
    """Whether any format that the claim names can run on as many devices as it says."""
    claims_yes = ask.claim.value is not False and str(ask.claim.value).lower() not in {"no", "false"}
    devices = ask.devices()
    count = int(devices.high) if devices is not None else 1
    if devices is None:
        ask.note("one device, since it names no number")
    found = [row for row in placements(ask, count) if row["reject"] != "precision_unsupported"]
    running = [row for row in found if row["reject"] is None]
    needed = Interval.hull(
        total(ask, m) * bytes_per_parameter(ask, n) for m in ask.models() for n in weight_formats(ask)
    )
    room = max(float(ask.facts.accelerators[chip]["memory_bytes"]) for chip in ask.chips()) * count
    if running:
        why = f"{running[0]['asked']} runs on {count} × {running[0]['accelerator']} ({short(room / GB)} GB)"
        return Outcome(why, claims_yes, predicted=needed, bound=room)
    codes = {row["reject"] for row in found}
    code = next((one for one in REFUSED if one in codes), next(iter(sorted(map(str, codes))), "no such layout"))
    smallest = min(total(ask, model).low for model in ask.models())
    sizes = {name: smallest * bytes_per_parameter(ask, name).low / GB for name in weight_formats(ask)}
    each = ", ".join(f"{short(size)} GB in {name}" for name, size in sizes.items())
    why = f"{code}: weights are {each}, and {count} × {ask.chips()[0]} has {short(room / GB)} GB"
    return Outcome(why, not claims_yes, infeasible=claims_yes, predicted=needed, bound=room)


MEMORY: Computations = {
    "weight_memory": weights,
    "model_state_memory": model_state,
    "training_memory": training_memory,
    "inference_memory": inference_memory,
    "kv_cache_memory": kv_bytes,
    "memory_ratio": memory_ratio,
    "gradient_sync_bytes": gradient_sync,
    "inference_devices": inference_devices,
    "fits": fits,
}
