"""Layouts, runs and batches that are usual where a question leaves them open."""

from collections.abc import Iterable, Mapping
from typing import Any

#: Ranks of one group that engines and training stacks are run with.
RANKS = (1, 2, 4, 8, 16)
#: Wider tensor parallelism leaves the node on most machines, and is slower than any other way to split there.
TENSOR = (1, 2, 4, 8)
#: Devices of a run whose number is free, as powers of two: global batches divide by them.
MOST_DEVICES = 65_536
#: Stages deeper than this leave bubbles that more replicas would not.
DEEPEST = 64
#: Batches further than this from what was asked for train another model.
BATCH_SLACK = 1.25

#: Tokens per parameter of a run where neither question nor catalogue says how many (Hoffmann et al. 2022,
#: arXiv:2203.15556).
COMPUTE_OPTIMAL = 20
#: Tokens of a step of pretraining: Llama 2's (arXiv:2307.09288, section 2.2), and from 100 B parameters Llama 3 405B's
#: (arXiv:2407.21783, section 3.4.1).
STEP_TOKENS, LARGE_STEP_TOKENS, LARGE = 4_194_304, 16_777_216, 1e11

Axes = dict[str, Any]
Entry = Mapping[str, Any]


def divisors(number: int, most: int) -> list[int]:
    """Divisors of a number up to a limit.

    >>> divisors(25_000, 32)
    [1, 2, 4, 5, 8, 10, 20, 25]
    """
    return [divisor for divisor in range(1, min(number, most) + 1) if number % divisor == 0]


def free_devices(least: int = 1) -> list[int]:
    """Powers of two.

    >>> free_devices(8)[:3]
    [8, 16, 32]
    """
    return [1 << power for power in range(MOST_DEVICES.bit_length()) if least <= 1 << power <= MOST_DEVICES]


def batches(devices: Iterable[int], tensor: Iterable[int], pipeline: Iterable[int], wanted: int) -> list[int]:
    """Global batches near a wanted one that data parallelism divides: each layout has the nearest multiple of its own.

    >>> batches([64], [8], [1, 2], 1000)
    [1000]
    >>> batches([25_000], [8], [1, 5], 5000)
    [5000, 6250]
    """
    found = set()
    for ranks in devices:
        for one in tensor:
            for other in pipeline:
                replicas, rest = divmod(ranks, one * other)
                if replicas and not rest:
                    batch = max(1, round(wanted / replicas)) * replicas
                    if wanted / BATCH_SLACK <= batch <= wanted * BATCH_SLACK:
                        found.add(batch)
    return sorted(found) or [wanted]


def run_tokens(entry: Entry, wanted: float | None = None) -> float:
    """Tokens of pretraining: those that are wanted, of the published run, or 20 per parameter.

    >>> run_tokens({"training": {"tokens": 2e12}, "parameters": 7e10}), run_tokens({"parameters": 7e10})
    (2000000000000.0, 1400000000000.0)
    """
    published = (entry.get("training") or {}).get("tokens")
    return float(wanted or published or COMPUTE_OPTIMAL * entry["parameters"])


def sequence_tokens(entry: Entry, wanted: int) -> int:
    """Tokens of a training sequence: as many as are wanted, at most the model's context."""
    return min(wanted, int(entry["shape"]["context_tokens"]))


def step_sequences(entry: Entry, sequence: int, wanted: int | None = None) -> int:
    """Sequences of a step of pretraining: those that are wanted, or 4 M tokens of them, from 100 B parameters 16 M.

    >>> step_sequences({"parameters": 7e10}, 4096), step_sequences({"parameters": 4e11}, 8192)
    (1024, 2048)
    """
    tokens = LARGE_STEP_TOKENS if entry["parameters"] >= LARGE else STEP_TOKENS
    return wanted or tokens // sequence


def training(entry: Entry, *, devices: int | None, global_batch: int) -> Axes:
    """Axes of a training run: layouts, micro-batch, recomputation and sharding.

    Args:
        entry: The model's catalogue entry.
        devices: Accelerators, or None to try powers of two.
        global_batch: Sequences of a step that are wanted.
    """
    counts = [devices] if devices else free_devices()
    depths = divisors(devices or DEEPEST, DEEPEST)
    pipeline = [stages for stages in depths if stages <= entry["shape"]["layers"]]
    spread = experts(entry)
    return {
        "devices": counts,
        "global_batch": batches(counts, TENSOR, pipeline, global_batch),
        "tensor_parallel": list(TENSOR),
        "pipeline_parallel": pipeline,
        "expert_parallel": divisors(spread, max(RANKS)) if spread else [1],
        "virtual_pipeline": [1, 2],
        "micro_batch": [1, 2, 4],
        "recompute": ["none", "selective", "full"],
        "zero_stage": [1, 3],
    }


def replicas(entry: Entry) -> Axes:
    """Axes of a serving replica: its layout, and for models with experts how many replicas share them."""
    wide = bool(experts(entry))
    return {
        "tensor_parallel": list(RANKS),
        "pipeline_parallel": [1, 2, 4, 8],
        "expert_parallel": [*RANKS, 32, 64] if wide else [1],
        "data_parallel": [1, 8, 32] if wide else [1],
    }


def serving(entry: Entry) -> Axes:
    """Axes of a deployment: those of its replicas, and requests in flight."""
    most = 1 << (13 if experts(entry) else 10)
    return {**replicas(entry), "concurrency": [1 << power for power in range(most.bit_length())]}


def experts(entry: Entry) -> int:
    """Routed experts of a layer, 0 in a dense model."""
    return int((entry["shape"]["moe"] or {}).get("experts", 0))
