"""Claims without a number: which resource binds, which terms memory has."""

from __future__ import annotations

import re

from llmsweep.claims.engine import bits
from llmsweep.claims.layouts import fastest
from llmsweep.claims.memory import ANY_CHIP, assumed_axes, weight_formats
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Computations, Outcome
from llmsweep.claims.text import short
from llmsweep.registries import columns

# Terms of memory as people name them → the engine's column.
TERMS: dict[str, tuple[str, ...]] = {
    "weight_bytes": ("weights", "parameters", "model weights", "weight"),
    "gradient_bytes": ("gradients", "gradient", "grads"),
    "optimizer_bytes": ("optimizer", "optimiser", "optimizer state", "optimizer states"),
    "activation_bytes": ("activations", "activation"),
    "kv_cache_bytes": ("kv cache", "kv", "kv_cache", "key-value cache"),
    "logits_bytes": ("logits",),
}
RESOURCES: dict[str, tuple[str, ...]] = {
    "compute": ("compute", "prefill"),
    "memory": ("memory_bandwidth", "cache_capacity"),
    "bandwidth": ("memory_bandwidth",),
    "memory bandwidth": ("memory_bandwidth",),
    "memory_bandwidth": ("memory_bandwidth",),
    "capacity": ("cache_capacity",),
    "communication": (
        "tensor_communication",
        "expert_communication",
        "context_communication",
        "pipeline_communication",
        "data_communication",
    ),
    "network": (
        "tensor_communication",
        "expert_communication",
        "context_communication",
        "pipeline_communication",
        "data_communication",
    ),
    "host": ("host", "host_transfer"),
    "cpu": ("host", "host_transfer"),
}
IS_BOTTLENECK = re.compile(r"(memory bandwidth|\w+)[- ](?:is (?:the )?(?:\w+ )*bottleneck|bound)", re.IGNORECASE)


def named_terms(claim_terms: tuple[str, ...] | None, says: str) -> dict[str, str]:
    """Terms that a claim lists, or that its words hold, and the engine's column of each.

    >>> named_terms(None, "inference memory = weights + KV + activations")
    {'weights': 'weight_bytes', 'activations': 'activation_bytes', 'kv': 'kv_cache_bytes'}
    """
    if claim_terms is not None:
        found = {}
        for term in claim_terms:
            plain = term.lower().replace("_", " ").strip()
            column = next((name for name, names in TERMS.items() if plain in names), None)
            if column is None:
                raise Unverifiable(
                    f'no term of memory is called "{term}"; known: {", ".join(n[0] for n in TERMS.values())}'
                )
            found[term] = column
        return found
    words = says.lower()
    hits = {
        column: next((n for n in sorted(names, key=len, reverse=True) if re.search(rf"\b{n}\b", words)), None)
        for column, names in TERMS.items()
    }
    return {name: column for column, name in hits.items() if name}


def memory_terms(ask: Ask) -> Outcome:
    """Whether each term is a column of memory in the phase."""
    value = ask.claim.value
    listed = value if isinstance(value, tuple) else None
    terms = named_terms(listed, ask.claim.says)
    if not terms:
        raise Unverifiable("it names no term of memory")
    phase = "training" if ask.claim.subject.phase in {"train", "fine-tune"} else "inference"
    known = {column["name"] for column in columns(phase)}
    wrong = [name for name, column in terms.items() if column not in known]
    if wrong:
        extra = " (keys and values of a training step are activations)" if "kv_cache_bytes" in terms.values() else ""
        return Outcome(f"{phase} memory has no {', '.join(wrong)}{extra}; it has {has(known)}")
    return Outcome(f"{phase} memory has {', '.join(terms)}; beside them {has(known - set(terms.values()))}", true=True)


def has(known: set[str]) -> str:
    """The memory columns of a phase, but for sums."""
    parts = [*TERMS, "gathered_bytes", "temporary_bytes", "context_bytes", "engine_bytes"]
    return ", ".join(part.removesuffix("_bytes").replace("_", " ") for part in parts if part in known) or "nothing else"


def bottleneck(ask: Ask) -> Outcome:
    """The engine's `bottleneck` of the setup."""
    label = ask.claim.value if isinstance(ask.claim.value, str) else None
    if label is None:
        found = IS_BOTTLENECK.search(ask.claim.says)
        if found is None:
            raise Unverifiable("it names no bottleneck")
        label = found[1].lower()
    if label not in RESOURCES and label not in {name for names in RESOURCES.values() for name in names}:
        raise Unverifiable(f'no resource is called "{label}"; known: {", ".join(RESOURCES)}')
    binding = RESOURCES.get(label, (label,))
    answers = training_binds(ask) if ask.claim.subject.phase in {"train", "fine-tune"} else serving_binds(ask)
    true = any(answer in binding for answer in answers)
    said = " or ".join(dict.fromkeys(answers))
    return Outcome(f"the engine's bottleneck is {said}" + ("" if true else f", not {label}"), true)


def serving_binds(ask: Ask) -> list[str]:
    """Of decode at the claim's batch, or of the prefill."""
    subject = ask.claim.subject
    model = next((i for m in subject.model for i in m.ids), None) or "llama2-7b"
    if not subject.models:
        ask.note("no model named: Llama 2 7B")
    batch = int(subject.concurrency or 1)
    if subject.phase == "prefill":
        ask.note("prefill works on all tokens of a prompt at once")
        return ["compute"]
    name = weight_formats(ask)[0]
    chip = next(iter(subject.chips), ANY_CHIP)
    entry = ask.facts.accelerators[chip]
    top = max(float(entry["peak_flops_per_s"].get(kind, 0.0)) for kind in ("bf16", "fp16"))
    ridge = top / float(entry["memory_bandwidth_bytes_per_s"])
    ask.note(f"decode at batch {batch}: {short(2 * batch / (bits(name) / 8))} FLOP/B, and {chip} needs {short(ridge)}")
    setups = [
        {"model": model, "accelerator": chip, "precision": name, "tensor_parallel": tensor, "concurrency": batch}
        | {"input_tokens": 128, "output_tokens": 512}
        | assumed_axes(ask, "inference")
        for tensor in (1, 2, 4, 8)
    ]
    rows = [row for row in ask.engine.rows("inference", setups, ["reject", "bottleneck"]) if row["reject"] is None]
    if not rows:
        raise Unverifiable("the engine places it on no layout of up to 8 devices")
    return [str(rows[0]["bottleneck"])]


def training_binds(ask: Ask) -> list[str]:
    """Of the fastest layout of the run."""
    subject = ask.claim.subject
    model = next((i for m in subject.model for i in m.ids), None)
    if model is None or not subject.chips:
        raise Unverifiable("it names no model or no accelerator")
    given = ask.devices()
    best = fastest(ask, model, subject.chips[-1], given.high if given else None)
    if best is None:
        raise Unverifiable("the engine places it on none of the layouts tried")
    exposed = 100 * float(best["exposed_communication_fraction"])
    ask.note(f"tensor parallel {best['tensor_parallel']}, {best['pipeline_parallel']} stages")
    ask.note(f"MFU {short(100 * float(best['mfu']))} %")
    ask.note(f"exposed communication is {short(exposed)} % of a step in the fastest of the layouts tried")
    return [str(best["bottleneck"])]


STATEMENTS: Computations = {
    "bottleneck": bottleneck,
    "memory_terms": memory_terms,
}
