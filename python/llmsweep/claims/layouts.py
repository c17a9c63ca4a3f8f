"""The fastest layout of a training run that a claim does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmsweep import space
from llmsweep.claims.memory import assumed_axes
from llmsweep.claims.problem import Unverifiable

if TYPE_CHECKING:
    from llmsweep.choice import Row
    from llmsweep.claims.quantity import Ask

SEQUENCE = 4096
#: Where a claim does not say how many: so many that every usual layout divides them.
DEVICES = 1024


def fastest(ask: Ask, model: str, chip: str, devices: float | None) -> Row | None:
    """The row of the highest MFU among usual layouts of so many devices; none where none can run.

    Raises:
        Unverifiable: An assumption of the claim is nothing that the engine takes.
    """
    from llmsweep.choice import best
    from llmsweep.errors import SpecError

    entry = ask.facts.models[model]
    sequence = space.sequence_tokens(entry, SEQUENCE)
    batch = space.step_sequences(entry, sequence)
    setup: dict[str, Any] = {
        **space.training(entry, devices=round(devices or DEVICES), global_batch=batch),
        "model": model,
        "accelerator": chip,
        "precision": "bf16",
        "sequence_length": sequence,
        **assumed_axes(ask, "training"),
    }
    spec = {"schema": 1, "phase": "training", "axes": setup}
    try:
        return best(spec, "mfu", descending=True, catalog=ask.engine.catalog).row
    except SpecError as error:
        raise Unverifiable(f"the engine takes no such setup: {error}") from error
