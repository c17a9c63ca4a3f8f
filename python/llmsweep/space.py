"""Layouts that are worth trying where a question leaves them open."""

from collections.abc import Iterable
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

Axes = dict[str, Any]


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


def training(*, devices: int | None, global_batch: int, experts: int, layers: int) -> Axes:
    """Axes of a training run: layouts, micro-batch, recomputation and sharding.

    Args:
        devices: Accelerators, or None to try powers of two.
        global_batch: Sequences of a step that are wanted.
        experts: Routed experts of a layer, 0 in a dense model.
        layers: Layers of the model.
    """
    counts = [devices] if devices else free_devices()
    pipeline = [
        stages for stages in (divisors(devices, DEEPEST) if devices else divisors(DEEPEST, DEEPEST)) if stages <= layers
    ]
    return {
        "devices": counts,
        "global_batch": batches(counts, TENSOR, pipeline, global_batch),
        "tensor_parallel": list(TENSOR),
        "pipeline_parallel": pipeline,
        "expert_parallel": divisors(experts, max(RANKS)) if experts else [1],
        "virtual_pipeline": [1, 2],
        "micro_batch": [1, 2, 4],
        "recompute": ["none", "selective", "full"],
        "zero_stage": [1, 3],
    }


def serving(*, experts: int) -> Axes:
    """Axes of a deployment: layouts of a replica, replicas that share experts, and requests in flight.

    Args:
        experts: Routed experts of a layer, 0 in a dense model.
    """
    return {
        "tensor_parallel": list(RANKS),
        "pipeline_parallel": [1, 2, 4, 8],
        "expert_parallel": [*RANKS, 32, 64] if experts else [1],
        "data_parallel": [1, 8, 32] if experts else [1],
        "concurrency": [1 << power for power in range(14 if experts else 11)],
    }
