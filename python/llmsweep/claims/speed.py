"""Quantities of serving: time per token, tokens per second, time to the first token."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from llmsweep.claims.arithmetic import least_time_per_token_s
from llmsweep.claims.engine import REFUSED, bits, formats
from llmsweep.claims.interval import Interval
from llmsweep.claims.memory import GB, assumed_axes, cache_bytes_per_token, weight_formats
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Outcome, Prediction, Quantity
from llmsweep.claims.rules import rules
from llmsweep.claims.text import short

SINGLE_PROMPT, SINGLE_ANSWER = 512, 128
# Devices over which one replica's matrices are shared: a host at most.
TENSOR = (1, 2, 4, 8)


@dataclass(frozen=True)
class Steps:
    """Seconds per token of one request: as the engine predicts, and the least that reading weights takes."""

    predicted: Interval
    least: float
    # Seconds that one per cent of the bandwidth bound stands for; what the slowest kernels reach.
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


def steps(ask: Ask, side: int | None = None) -> Steps | Outcome:
    """Decode of one request; an outcome where no format that is named fits.

    Devices that the claim does not count are the fewest that hold the model.
    """
    counted = devices_of(ask, side)
    names = weight_formats(ask)
    setups: list[dict[str, Any]] = []
    for model, chip, name, tensor in product(ask.models(), ask.chips(side), names, shares(counted)):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        setups += [
            {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
            | {"concurrency": 1, "input_tokens": SINGLE_PROMPT, "output_tokens": SINGLE_ANSWER}
            | assumed_axes(ask, "inference")
            for one in formats(name)
        ]
    found = ask.engine.rows("inference", setups, ["reject", "tpot_s_p10", "tpot_s_p90", "tpot_s"])
    running = [row for row in found if row["reject"] is None]
    if not running:
        return refused(ask, found)
    fewest = min(row["tensor_parallel"] for row in running)
    running = [row for row in running if counted is not None or row["tensor_parallel"] == fewest]
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
    ahead = ask.given("speculative_tokens")
    return 1.0 + ahead.high if ahead and ask.claim.assumptions.get("speculation", "none") != "none" else 1.0


def refused(ask: Ask, found: list[dict[str, Any]]) -> Outcome:
    """Nothing runs, so no speed is right.

    Raises:
        Unverifiable: It is no matter of memory.
    """
    codes = {str(row["reject"]) for row in found}
    if memory := next((code for code in REFUSED if code in codes), None):
        return Outcome(false_(), f"{memory}: {REFUSED[memory]}, so it can't run at all", infeasible=True)
    raise Unverifiable(f"the engine refuses every layout: {', '.join(sorted(codes)) or 'none was tried'}")


def false_() -> Literal[False]:
    """A claim about a setup that can't run is not true."""
    return False


def time_per_token(ask: Ask) -> Prediction | Outcome:
    """Seconds per token of one request."""
    return timed(ask, 1.0)


def time_per_tokens(ask: Ask) -> Prediction | Outcome:
    """Seconds of as many tokens as the claim assumes."""
    tokens = ask.given("tokens")
    return timed(ask, tokens.low if tokens else 1.0)


def timed(ask: Ask, tokens: float) -> Prediction | Outcome:
    found = steps(ask)
    if isinstance(found, Outcome):
        return found
    bound = Bound(found.least * tokens, "floor", "the weights can't be read faster at the memory's datasheet rate")
    return Prediction(
        (found.predicted * tokens,),
        ("from 92 % of the memory's rate to the engine's slow end, one request",),
        bound, speed="time", resource=("MBU", found.least * tokens),
    )  # fmt: skip


def tokens_per_s(ask: Ask) -> Prediction | Outcome:
    """Of one request, or of all that devices answer together, as the claim says."""
    devices = ask.devices()
    subject = ask.claim.subject
    concurrency = ask.claim.assumed("concurrency")
    requests = concurrency.high if concurrency else subject.concurrency
    single = requests == 1 or (
        requests is None and (subject.phase == "decode" or "single user" in ask.claim.says.lower())
    )
    many = requests is not None or subject.phase == "serving" or (devices is not None and devices.high > 8)  # noqa: PLR2004 - more than a host
    if single:
        return single_rate(ask)
    if many:
        return throughput(ask, requests)
    alone, together = single_rate(ask), throughput(ask, None)
    if isinstance(alone, Outcome) or isinstance(together, Outcome):
        return alone if isinstance(alone, Outcome) else together
    ask.note("one request or many at once, since it does not say")
    return Prediction(
        (Interval.hull([alone.hull, together.hull]),), together.notes, together.bound, speed="rate",
        resource=alone.resource,
    )  # fmt: skip


def single_rate(ask: Ask) -> Prediction | Outcome:
    """1 / time per token."""
    found = steps(ask)
    if isinstance(found, Outcome):
        return found
    bound = Bound(1 / found.least, "ceiling", "the weights can't be read faster at the memory's datasheet rate")
    options = (found.predicted.under(1.0),)
    notes = ("from the engine's slow end to 92 % of the memory's rate, one request",)
    mistaken = ()
    if found.devices > 1:
        mistaken = (("per device for in total", options[0] * (1 / found.devices)),)
    return Prediction(options, notes, bound, mistaken, "rate", ("MBU", found.least))


def throughput(ask: Ask, requests: float | None) -> Prediction | Outcome:
    """Tokens answered per second by all devices, replicas beside each other."""
    given = ask.devices()
    devices = int(given.high) if given is not None else None
    workload = {
        "input_tokens": ask.given("input_tokens") or ask.opened("serving_prompt_tokens", "prompt"),
        "output_tokens": ask.given("output_tokens") or ask.opened("serving_answer_tokens", "answer"),
    }
    loads = [requests] if requests else list(vars(rules().open("serving_concurrency")).values())[1:]
    setups = []
    for model, chip, name in product(ask.models(), ask.chips(), weight_formats(ask)):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        lengths = product(*(sorted({part.low, part.high}) for part in workload.values()), loads, (1, 2, 4, 8))
        for prompt, answer, load, tensor in lengths:
            if devices is not None and devices % tensor:
                continue
            replicas = devices // tensor if devices else 1
            setups += [
                {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
                | {"data_parallel": replicas, "input_tokens": int(prompt), "output_tokens": int(answer)}
                | {"kv_precision": kv, "concurrency": int(load if requests else load * replicas)}
                | assumed_axes(ask, "inference")
                for one in formats(name)
                for kv in ask.claim.subject.kv_precisions or ("bf16", "fp8")
                if not requests or load >= replicas
            ]
    wanted = ["reject", "tokens_per_s_p10", "tokens_per_s_p90", "device_count", "tokens_per_s_per_device"]
    found = ask.engine.rows("inference", setups, wanted)
    running = [row for row in found if row["reject"] is None]
    if not running:
        return refused(ask, found)
    best = best_layouts(running)
    count = devices or max(row["device_count"] for row in best)
    if devices is None:
        ask.note(f"devices not given: {count}")
    peak = max(peak_of(ask, row) / (2.0 * min(m.read for m in ask.models())) for row in running) * count
    bound = Bound(peak, "ceiling", "no device answers faster at its peak FLOP/s")
    span = Interval(min(row["tokens_per_s_p10"] for row in best), max(row["tokens_per_s_p90"] for row in best))
    mistaken = (("per device for in total", span * (1 / count)),) if count > 1 else ()
    notes = ("the engine, best tensor parallelism at each length of prompt and answer",)
    return Prediction((span,), notes, bound, mistaken, "rate", ("MFU", 1 / peak))


def best_layouts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of every workload and accelerator the fastest layout and formats per device."""
    best: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["model"], row["accelerator"], row["input_tokens"], row["output_tokens"])
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


def first_token(ask: Ask) -> Prediction | Outcome:
    """Time to the first token of one request."""
    prompt = ask.given("input_tokens") or ask.opened("prompt_tokens", "prompt")
    counted = devices_of(ask, None)
    setups = []
    for model, chip, name, tokens, tensor in product(
        ask.models(), ask.chips(), weight_formats(ask), sorted({prompt.low, prompt.high}), shares(counted)
    ):
        if not model.ids:
            raise Unverifiable(f"the catalogue has no model of {model.name}")
        setups += [
            {"model": model.ids[0], "accelerator": chip, "precision": one, "tensor_parallel": tensor}
            | {"concurrency": 1, "input_tokens": int(tokens), "output_tokens": SINGLE_ANSWER}
            | {k: v for k, v in assumed_axes(ask, "inference").items() if k != "input_tokens"}
            for one in formats(name)
        ]
    found = ask.engine.rows("inference", setups, ["reject", "ttft_s_p10", "ttft_s_p90", "ttft_s_bound"])
    running = [row for row in found if row["reject"] is None]
    if not running:
        return refused(ask, found)
    fewest = min(row["tensor_parallel"] for row in running)
    running = [row for row in running if counted is not None or row["tensor_parallel"] == fewest]
    bound = Bound(min(row["ttft_s_bound"] for row in running), "floor", "the prefill's FLOPs take as long at the peak")
    whole = Interval(min(row["ttft_s_p10"] for row in running), max(row["ttft_s_p90"] for row in running))
    return Prediction((whole,), ("the engine, one request",), bound, speed="time", resource=("MFU", bound.value))


def request_time(ask: Ask) -> Prediction | Outcome:
    """Prefill and all tokens of an answer."""
    found, first = steps(ask), first_token(ask)
    if isinstance(found, Outcome) or isinstance(first, Outcome):
        return found if isinstance(found, Outcome) else first
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
    if isinstance(first, Outcome) or isinstance(second, Outcome):
        return first if isinstance(first, Outcome) else second
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
    token = rules().constant("serving_network", "token_bytes")
    ask.note(f"from tokens alone ({short(rate.low * token / 1e6)} MB/s) to every token's cache")
    ask.note(f"{short(rate.low * cache.low / GB)} to {short(rate.high * cache.high / GB)} GB/s with caches")
    return Prediction((Interval(rate.low * token, rate.high * cache.high),), ("tokens/s · bytes per token",))


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


BYTES_OR_BITS = ("bits", "directions", "thousand")
SPEED = (
    Quantity(
        "tokens_per_s", "Tokens answered per second: of one request, or of all devices.", "predicted", ("token/s",),
        ("tokens/s", "throughput", "tok/s", "decode speed", "inference speed", "generation speed", "speed"),
        "one request: engine's p90 time up to 92 % of the memory's rate; many: engine's p10 to p90, best layout",
        tokens_per_s, "weights over memory bandwidth; with many requests, peak FLOP/s / 2 N", slips=("thousand",),
        phases=("inference", "serving", "decode", "prefill", ""), wants=("model", "hardware"),
    ),
    Quantity(
        "tokens_per_s_per_device", "The same over the devices.", "predicted", ("token/s/device",),
        ("tokens/s per GPU", "throughput per GPU", "tokens/s/GPU", "tokens/s", "throughput"), "as tokens_per_s",
        per_device, "as tokens_per_s", slips=("thousand",), phases=("inference", "serving", "decode", ""),
        wants=("model", "hardware"),
    ),
    Quantity(
        "time_per_token", "Time between two tokens of one request (TPOT).", "predicted", ("s",),
        ("latency per token", "TPOT", "time per output token", "inter-token latency", "ITL", "decode latency", "latency"),
        "92 % of the memory's rate to the engine's p90", time_per_token, "weights over memory bandwidth",
        slips=("thousand",), phases=("decode", "inference", "serving", ""), wants=("model", "hardware"),
    ),
    Quantity(
        "time_per_tokens", "Time of `tokens` tokens of one request.", "predicted", ("s",),
        ("time per tokens", "time for tokens"), "tokens times time_per_token", time_per_tokens,
        "tokens times weights over memory bandwidth", slips=("thousand",), wants=("model", "hardware"),
    ),
    Quantity(
        "ttft", "Time to the first token.", "predicted", ("s",),
        ("latency", "time to first token", "prefill time", "TTFT", "first token latency"),
        "the engine's p10 to p90 for prompts of 512 to 4,096 tokens", first_token, "FLOPs of the prefill at the peak",
        slips=("thousand",), phases=("prefill", "inference", "serving", ""), wants=("model", "hardware"),
    ),
    Quantity(
        "request_time", "Time from a request to its last token.", "predicted", ("s",),
        ("end-to-end latency", "e2e latency", "request latency", "response time", "wall time"), "ttft and time_per_token",
        request_time, "tokens times weights over memory bandwidth", slips=("thousand",),
        phases=("decode", "inference", "serving"), wants=("model", "hardware"),
    ),
    Quantity(
        "speedup", "Speed on the first hardware over that on the second.", "predicted", ("",),
        ("speed-up", "faster", "speed ratio", "throughput ratio", "improvement"),
        "from the ratio of bandwidths to that of the engine's times", speedup,
        "what it implies of the second side must not beat that side's bound", phases=("decode", "inference", "serving", ""),
        wants=("model",),
    ),
    Quantity(
        "mbu", "Share of the memory's rate that decode reaches (MBU).", "predicted", ("",),
        ("memory bandwidth utilisation", "bandwidth utilisation", "MBU"), "bound / time_per_token", mbu, "100 %",
        slips=("percent",), phases=("decode", "inference"), wants=("model", "hardware"),
    ),
    Quantity(
        "serving_network_bandwidth", "What serving sends between devices.", "predicted", ("B/s",),
        ("network bandwidth", "server bandwidth", "KV transfer bandwidth"),
        "tokens/s times 4 B, up to tokens/s times the cache of a token", network_of_serving, slips=BYTES_OR_BITS,
        phases=("serving", "inference"), wants=("model",), need=True,
    ),
    Quantity(
        "concurrent_users", "Readers that a fleet serves at once.", "predicted", ("user", ""),
        ("users", "concurrency", "concurrent requests"), "tokens/s over 20 tokens/s each; any number of groups", users,
        slips=("thousand",), wants=("model", "hardware"),
    ),
    Quantity(
        "arithmetic_intensity", "FLOPs per byte of a decode step.", "arithmetic", ("FLOP/B",),
        ("operational intensity",), "2 · requests / bytes per weight", intensity, slips=("bits",), wants=("number",),
    ),
    Quantity(
        "kv_utilisation_gain", "Use of the cache's room, paged over before.", "predicted", ("",),
        ("PagedAttention", "paged attention", "KV cache utilisation"), "the engine's kv_waste_fraction by allocator",
        cache_utilisation_gain,
    ),
)  # fmt: skip
