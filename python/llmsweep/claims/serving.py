"""Quantities of many requests: throughput, readers, what crosses the network, use of the cache."""

from __future__ import annotations

from itertools import product
from typing import Any

from llmsweep.claims.engine import bits, formats
from llmsweep.claims.interval import Interval
from llmsweep.claims.memory import assumed_axes, cache_bytes_per_token, weight_formats
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Computations, Outcome, Prediction
from llmsweep.claims.rules import rules
from llmsweep.claims.speed import TENSOR, refused, single_rate
from llmsweep.claims.text import short


def tokens_per_s(ask: Ask) -> Prediction | Outcome:
    """Of one request, or of all that devices answer together, as the claim says."""
    devices = ask.devices()
    subject = ask.claim.subject
    concurrency = ask.claim.assumed("concurrency")
    requests = concurrency.high if concurrency else subject.concurrency
    single = (
        requests == 1
        or ask.claim.unit.dimension.endswith("/user")
        or (requests is None and (subject.phase == "decode" or "single user" in ask.claim.says.lower()))
    )
    many = requests is not None or subject.phase == "serving" or (devices is not None and devices.high > 8)  # noqa: PLR2004 - more than a host
    if single:
        return single_rate(ask)
    if many:
        return throughput(ask, requests)
    alone, together = single_rate(ask), throughput(ask, None)
    if isinstance(alone, Outcome):
        return alone
    if isinstance(together, Outcome):
        return together
    ask.note("one request or many at once, since it does not say")
    return Prediction(
        (Interval.hull([alone.hull, together.hull]),), together.notes, together.bound, speed="rate",
        resource=alone.resource,
    )  # fmt: skip


def served(ask: Ask, requests: float | None) -> list[dict[str, Any]] | Outcome:
    """Of every workload and accelerator the fastest layout; replicas beside each other use all devices."""
    given = ask.devices()
    devices = int(given.high) if given is not None else None
    workload = {
        "input_tokens": ask.given("input_tokens") or ask.opened("serving_prompt_tokens", "prompt"),
        "output_tokens": ask.given("output_tokens") or ask.opened("serving_answer_tokens", "answer"),
    }
    loads = [requests] if requests else list(vars(rules().open("serving_concurrency")).values())
    setups = []
    for model, chip, name in product(ask.models(), ask.chips(), weight_formats(ask)):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        lengths = product(*(sorted({part.low, part.high}) for part in workload.values()), loads, TENSOR)
        for prompt, answer, load, tensor in lengths:
            if devices is not None and devices % tensor:
                continue
            replicas = devices // tensor if devices else 1
            setups += [
                {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
                | {"data_parallel": replicas, "input_tokens": int(prompt), "output_tokens": int(answer)}
                | {"kv_precision": kv, "concurrency": int(load if requests else load * replicas * tensor)}
                | assumed_axes(ask, "inference")
                | {"load": load}
                for one in formats(name)
                for kv in ask.claim.subject.kv_precisions or ("bf16", "fp8")
                if not requests or load >= replicas
            ]
    wanted = ["reject", "tokens_per_s_p10", "tokens_per_s_p90", "device_count", "tokens_per_s_per_device"]
    wanted += ["usd_per_million_tokens", "j_per_token"]
    loads_of_rows = [setup.pop("load") for setup in setups]
    rows = ask.engine.rows("inference", setups, wanted)
    found = [row | {"load": load} for row, load in zip(rows, loads_of_rows, strict=True)]
    running = [row for row in found if row["reject"] is None]
    return best_layouts(running) if running else refused(found)


def throughput(ask: Ask, requests: float | None) -> Prediction | Outcome:
    """Tokens answered per second by all devices."""
    best = served(ask, requests)
    if isinstance(best, Outcome):
        return best
    given = ask.devices()
    devices = int(given.high) if given is not None else None
    count = devices or max(row["device_count"] for row in best)
    if devices is None:
        ask.note(f"devices not given: {count}")
    peak = max(peak_of(ask, row) / (2.0 * min(m.read for m in ask.models())) for row in best) * count
    bound = Bound(peak, "ceiling", "no device answers faster at its peak FLOP/s")
    span = Interval(min(row["tokens_per_s_p10"] for row in best), max(row["tokens_per_s_p90"] for row in best))
    mistaken = (("per device for in total", span * (1 / count)),) if count > 1 else ()
    notes = ("the engine, best tensor parallelism at each length of prompt and answer",)
    return Prediction((span,), notes, bound, mistaken, "rate", ("MFU", 1 / peak))


def cost_per_token(ask: Ask) -> Prediction | Outcome:
    """Rental per token."""
    return of_served(ask, "usd_per_million_tokens", 1e-6)


def energy_per_token(ask: Ask) -> Prediction | Outcome:
    """Board energy per token."""
    return of_served(ask, "j_per_token", 1.0)


def of_served(ask: Ask, column: str, factor: float) -> Prediction | Outcome:
    """A column of the fastest layouts, over all workloads."""
    best = served(ask, ask.claim.subject.concurrency)
    if isinstance(best, Outcome):
        return best
    values = [float(row[column]) * factor for row in best if row[column] is not None]
    if not values:
        raise Unverifiable("the catalogue has neither price nor power of it")
    return Prediction((Interval.hull(values),), (f"the engine's {column}",))


def best_layouts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of every workload and accelerator the fastest layout and formats per device."""
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("model", "accelerator", "input_tokens", "output_tokens", "load"))
        if key not in best or row["tokens_per_s_per_device"] > best[key]["tokens_per_s_per_device"]:
            best[key] = row
    return list(best.values())


def peak_of(ask: Ask, row: dict[str, Any]) -> float:
    """Peak FLOP/s of a row's format on its accelerator, the fastest that it may compute in."""
    from llmsweep.registries import registry

    peaks = ask.facts.accelerators[row["accelerator"]]["peak_flops_per_s"]
    computes = next(p["compute"] for p in registry()["precisions"] if p["name"] == row["precision"])
    return max((float(peaks[name]) for name in computes if name in peaks), default=float(max(peaks.values())))


def per_device(ask: Ask) -> Prediction | Outcome:
    """`tokens_per_s` over the devices."""
    found = tokens_per_s(ask)
    devices = ask.devices()
    if isinstance(found, Outcome) or devices is None:
        return found
    count = devices.high
    bound = found.bound and Bound(found.bound.value / count, found.bound.side, found.bound.words)
    options = tuple(option / count for option in found.options)
    mistaken = tuple(("in total for per device", option) for option in found.options) if count > 1 else ()
    return Prediction(options, found.notes, bound, mistaken, "rate", found.resource)


def network_of_serving(ask: Ask) -> Prediction | Outcome:
    """From tokens alone to caches that move between pools."""
    rate = ask.given("tokens_per_s")
    if rate is None:
        found = throughput(ask, None)
        if isinstance(found, Outcome):
            return found
        rate = found.hull
    cache = cache_bytes_per_token(ask, ask.models())
    if cache is None:
        raise Unverifiable("the catalogue has no shape for it")
    alone = rate * rules().constant("serving_network", "token_bytes")
    moved = rate * cache * rules().interval("serving_network", "prompts_per_answer")
    ask.note("tokens alone, or the caches of prompts half to twice as long as answers, from one pool to another")
    return Prediction((alone, moved), ("tokens/s · bytes per token",))


def users(ask: Ask) -> Prediction | Outcome:
    """Readers that a fleet serves: as many racks as the largest cluster of the catalogue has, where it counts none."""
    each = ask.given("tokens_per_s_per_user") or ask.opened("users_tokens_per_s", "speed of a reader")
    rate = ask.given("tokens_per_s")
    if rate is None:
        found = throughput(ask, None)
        if isinstance(found, Outcome):
            return found
        rate = found.hull
    per_group = rate / each
    devices = ask.devices() or Interval.point(1.0)
    if any(part.counted for part in ask.claim.subject.hardware):
        return Prediction((per_group,), ("tokens/s / tokens/s of a reader",))
    most = max(ask.facts.runs("accelerators")) / devices.high
    if ask.claimed is not None:
        groups = per_group.under(ask.claimed.low)
        ask.note(f"{short(groups.low)} to {short(groups.high)} groups of {devices.high:,.0f} devices carry so many")
    ask.note(f"number of groups not given: up to {short(most)}, the largest cluster of the catalogue")
    return Prediction((Interval(per_group.low, per_group.high * most),), ("tokens/s / tokens/s of a reader",))


def intensity(ask: Ask) -> Prediction:
    """FLOPs per byte of decode: 2 per weight and request."""
    batch = ask.given("concurrency") or Interval.point(ask.claim.subject.concurrency or 1.0)
    each = Interval.hull(bits(name) / 8.0 for name in weight_formats(ask))
    return Prediction(((batch * 2.0) / each,), ("2 FLOPs per weight and request / bytes per weight",))


def cache_utilisation_gain(ask: Ask) -> Prediction:
    """Share of the cache's room that holds tokens, paged over what came before, as the engine counts waste."""
    lengths = [(161, 338), (512, 512), (128, 512)]
    setups = [
        {"model": "llama1-13b", "accelerator": "a100-sxm-40", "precision": "fp16", "max_model_len": 2048}
        | {"concurrency": 64, "kv_allocator": how, "input_tokens": prompt, "output_tokens": answer}
        for prompt, answer in lengths
        for how in ("paged", "contiguous", "power_of_two")
    ]
    rows = ask.engine.rows("inference", setups, ["kv_waste_fraction"])
    gains = [
        (1 - rows[start]["kv_waste_fraction"]) / (1 - rows[start + other]["kv_waste_fraction"])
        for start in range(0, len(rows), 3)
        for other in (1, 2)
    ]
    ask.note("LLaMA 13B on one A100, room for 2,048 tokens, chats of 500 to 1,000 tokens")
    return Prediction((Interval.hull(gains),), ("paged over contiguous or power-of-two rooms",), kind="predicted")


SERVING: Computations = {
    "tokens_per_s": tokens_per_s,
    "tokens_per_s_per_device": per_device,
    "serving_network_bandwidth": network_of_serving,
    "concurrent_users": users,
    "arithmetic_intensity": intensity,
    "usd_per_token": cost_per_token,
    "energy_per_token": energy_per_token,
    "kv_utilisation_gain": cache_utilisation_gain,
}
