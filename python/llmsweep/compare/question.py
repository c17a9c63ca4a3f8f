"""What is asked of each side, and its answer: the best setup of a sweep over layouts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmsweep import space
from llmsweep._core import SpecError
from llmsweep.choice import Choice, best
from llmsweep.clock import DAY_S
from llmsweep.names import near
from llmsweep.readable import quantity
from llmsweep.registries import axes


@dataclass(frozen=True)
class Question:
    """One model, trained on one accelerator and served on another.

    Attributes:
        model: Model of the catalogue.
        train_on: Accelerator of the training sides.
        serve_on: Accelerator of the inference side.
        train_devices: Accelerators of pretraining; None for as many as finish within ``days`` at the least cost.
        days: Longest time of pretraining where its devices are free. [d]
        finetune_days: Longest time of fine-tuning. [d]
        tokens: Tokens of pretraining; None for those of the published run, or else 20 per parameter.
        finetune_tokens: Tokens of fine-tuning.
        global_batch: Sequences of a step of pretraining; None for 4 M tokens, from 100 B parameters 16 M.
        finetune_batch: Sequences of a step of fine-tuning.
        sequence_length: Tokens of a training sequence, at most the model's context.
        precision: Format of training.
        serve_precision: Format of weights in serving.
        kv_precision: Format of the cache.
        input_tokens: Tokens of a prompt.
        output_tokens: Tokens of an answer.
        ttft_s: Longest mean time to the first token; by default MLPerf's server scenario for Llama-2-70B. [s]
        tpot_s: Longest mean time between tokens, from there too. [s]
        settings: Further values of axes; each holds for the phases that have the axis.
    """

    model: str
    train_on: str
    serve_on: str
    train_devices: int | None = None
    days: float = 90.0
    finetune_days: float = 7.0
    tokens: float | None = None
    finetune_tokens: float = 1e8
    global_batch: int | None = None
    finetune_batch: int = 64
    sequence_length: int = 4096
    precision: str = "bf16"
    serve_precision: str = "bf16"
    kv_precision: str = "bf16"
    input_tokens: int = 1024
    output_tokens: int = 256
    ttft_s: float = 2.0
    tpot_s: float = 0.2
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuses a setting that neither phase has.

        Raises:
            SpecError: With the nearest name.
        """
        known = [axis["name"] for axis in axes()]
        for name in self.settings:
            if name not in known:
                raise SpecError(f'no phase has an axis "{name}"{near(name, known)}')

    def own(self, phase: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Axes of a phase: defaults, and what ``settings`` say of them."""
        known = {axis["name"] for axis in axes(phase)}
        return {**defaults, **{name: value for name, value in self.settings.items() if name in known}}


def train(question: Question, mode: str, entry: Mapping[str, Any], catalog: Iterable[Any]) -> tuple[str, Choice]:
    """What a training side is asked, and the setup of fewest device-hours that answers it."""
    pretrains = mode == "pretraining"
    sequence = space.sequence_tokens(entry, question.sequence_length)
    tokens = space.run_tokens(entry, question.tokens) if pretrains else question.finetune_tokens
    batch = space.step_sequences(entry, sequence, question.global_batch) if pretrains else question.finetune_batch
    devices = question.train_devices if pretrains else None
    layouts = space.training(entry, devices=devices, global_batch=batch)
    setup = question.own(
        "training",
        {
            **layouts,
            "model": question.model,
            "accelerator": question.train_on,
            "precision": question.precision,
            "training_mode": mode,
            "sequence_length": sequence,
            "tokens": tokens,
        },
    )
    days = question.days if pretrains else question.finetune_days
    spec: dict[str, Any] = {"schema": 1, "phase": "training", "axes": setup}
    if devices is None:
        spec["constraints"] = {"time_to_train_s": {"max": days * DAY_S}}
    asked = f"{quantity(tokens, 'tokens')} on {question.train_on}, " + (
        f"{devices:,} devices" if devices else f"least device-hours within {days:g} days"
    )
    return asked, best(spec, "device_hours", catalog=catalog, where="compare")


def serve(question: Question, entry: Mapping[str, Any], catalog: Iterable[Any]) -> tuple[str, Choice]:
    """What the inference side is asked, and the setup with most tokens per device that answers it."""
    setup = question.own(
        "inference",
        {
            **space.serving(entry),
            "model": question.model,
            "accelerator": question.serve_on,
            "precision": question.serve_precision,
            "kv_precision": question.kv_precision,
            "input_tokens": question.input_tokens,
            "output_tokens": question.output_tokens,
        },
    )
    limits = {"ttft_s": {"max": question.ttft_s}, "tpot_s": {"max": question.tpot_s}}
    spec = {"schema": 1, "phase": "inference", "axes": setup, "constraints": limits}
    asked = (
        f"prompts of {question.input_tokens:,}, answers of {question.output_tokens:,} tokens on {question.serve_on}, "
        f"most tokens per device with TTFT ≤ {question.ttft_s:g} s and TPOT ≤ {question.tpot_s:g} s"
    )
    return asked, best(spec, "tokens_per_s_per_device", descending=True, catalog=catalog, where="compare")
