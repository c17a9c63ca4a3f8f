"""Layouts of a training run that a claim does not give."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from llmsweep.claims.memory import assumed_axes

if TYPE_CHECKING:
    from llmsweep.claims.quantity import Ask

TENSOR, STAGES, CHUNKS = (1, 2, 4, 8, 12), (1, 2, 4, 8, 12, 15, 16, 20), (1, 2, 4, 6)
EXPERTS = (1, 4, 8, 16)
RECOMPUTE = ("none", "selective", "full")
BATCH_TOKENS = 8e6
SEQUENCE = 4096
DEVICES = 1024.0


def fastest(ask: Ask, model: str, chip: str, devices: float | None) -> dict[str, Any] | None:
    """The row of the highest MFU among usual layouts of about so many devices; none where none can run."""
    shape = ask.facts.models[model]["shape"]
    sequence = min(SEQUENCE, int(shape["context_tokens"]))
    experts = EXPERTS if shape["moe"] else (1,)
    setups = []
    for tensor, stages, chunks, ranks, how in product(TENSOR, STAGES, CHUNKS, experts, RECOMPUTE):
        if chunks > 1 and (stages == 1 or int(shape["layers"]) % (stages * chunks)):
            continue
        group = tensor * stages
        replicas = ranks * max(1, round((devices or DEVICES) / (group * ranks)))
        batch = max(1, round(BATCH_TOKENS / sequence / replicas))
        # Interleaving wants as many micro-batches as stages, or a multiple.
        batch = -(-batch // stages) * stages if chunks > 1 else batch
        setups.append(
            {"model": model, "accelerator": chip, "devices": replicas * group, "precision": "bf16"}
            | {"tensor_parallel": tensor, "pipeline_parallel": stages, "virtual_pipeline": chunks}
            | {"expert_parallel": ranks, "recompute": how, "sequence_length": sequence}
            | {"global_batch": batch * replicas}
            | assumed_axes(ask, "training")
        )
    wanted = ["reject", "bottleneck", "mfu", "step_time_s", "step_time_s_p10", "exposed_communication_fraction"]
    running = [row for row in ask.engine.rows("training", setups, wanted) if row["reject"] is None]
    return max(running, key=lambda row: float(row["mfu"]), default=None)
