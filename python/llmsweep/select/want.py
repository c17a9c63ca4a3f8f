"""What somebody wants of hardware, and the sweep that asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llmsweep import space
from llmsweep.clock import DAY_S
from llmsweep.registries import columns

Purpose = Literal["training", "inference"]

#: Formats that are tried where none is named: 16 bits, and narrower ones that checkpoints are published in.
FORMATS: Mapping[str, Sequence[str]] = {"training": ("bf16", "fp8"), "inference": ("bf16", "fp8", "w4a16", "nvfp4")}
#: Cache formats that are tried.
CACHES = ("bf16", "fp8")
#: What is least where nothing else is asked for: money, and where the board's price is unknown nothing.
COST: Mapping[str, str] = {"training": "cost_usd", "inference": "usd_per_million_tokens"}

LAYOUT = ("tensor_parallel", "pipeline_parallel", "expert_parallel", "data_parallel")
SHOWN: Mapping[str, Sequence[str]] = {
    "training": (
        *LAYOUT,
        "precision",
        "devices",
        "micro_batch",
        "recompute",
        "zero_stage",
        "global_batch",
        "time_to_train_s",
        "tokens_per_s_per_device",
        "mfu",
        "goodput",
        "cost_usd",
        "usd_per_million_tokens",
        "usd_per_hour",
        "j_per_token",
    ),
    "inference": (
        *LAYOUT,
        "precision",
        "kv_precision",
        "device_count",
        "concurrency",
        "ttft_s",
        "tpot_s",
        "tokens_per_s",
        "tokens_per_s_per_device",
        "requests_per_s",
        "mbu",
        "usd_per_million_tokens",
        "usd_per_hour",
        "j_per_token",
    ),
}
ALWAYS = ("row_id", "accelerator", "bottleneck", "provenance", "tokens_per_s_p10", "tokens_per_s_p90", "memory_bytes")


@dataclass(frozen=True)
class Want:
    """One model, trained or served, on hardware that is to be found.

    Attributes:
        purpose: ``"training"`` or ``"inference"``.
        model: Model of the catalogue.
        accelerators: Ids or globs of accelerators to choose from.
        precisions: Formats of weights and arithmetic to try; empty for the usual ones.
        by: The column that decides; None for cost.
        budget_usd: Most money for a run, or for a month of one deployment.
        days: Longest time of a run. [d]
        tokens: Tokens of the run; None for the published run's, or else 20 per parameter.
        global_batch: Sequences of a step; None for 4 M tokens, from 100 B parameters 16 M.
        sequence_length: Tokens of a training sequence, at most the model's context.
        devices: Accelerators of the run; None to try powers of two.
        training_mode: ``pretraining``, ``full_finetuning``, ``lora`` or ``qlora``.
        input_tokens: Tokens of a prompt.
        output_tokens: Tokens of an answer.
        ttft_s: Longest mean time to the first token. [s]
        tpot_s: Longest mean time between tokens. [s]
        slo: Further promised times by column, such as ``{"ttft_p99_s": 0.45}``. [s]
        settings: Further values of axes.
    """

    purpose: Purpose
    model: str
    accelerators: Sequence[str] = ("*",)
    precisions: Sequence[str] = ()
    by: str | None = None
    budget_usd: float | None = None
    days: float = 90.0
    tokens: float | None = None
    global_batch: int | None = None
    sequence_length: int = 4096
    devices: int | None = None
    training_mode: str = "pretraining"
    input_tokens: int = 1024
    output_tokens: int = 256
    ttft_s: float = 2.0
    tpot_s: float = 0.2
    slo: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decides(self) -> str:
        """The column that decides."""
        return self.by or COST[self.purpose]

    @property
    def more_is_better(self) -> bool:
        """Whether more of that column is better."""
        return any(one["name"] == self.decides and one["higher_is_better"] for one in columns(self.purpose))

    @property
    def columns(self) -> list[str]:
        """Columns that are asked of the sweep."""
        promised = self.promises if self.purpose == "inference" else ()
        return list(dict.fromkeys([*ALWAYS, *SHOWN[self.purpose], *promised, self.decides]))

    @property
    def promises(self) -> dict[str, float]:
        """Promised times of serving by column, in seconds."""
        return {"ttft_s": self.ttft_s, "tpot_s": self.tpot_s, **self.slo}

    def spec(self, entry: Mapping[str, Any], accelerators: Sequence[str]) -> dict[str, Any]:
        """The sweep over layouts and formats on these accelerators.

        Args:
            entry: The model's catalogue entry.
            accelerators: Ids or globs.
        """
        training = self.purpose == "training"
        axes = self._training(entry) if training else self._inference(entry)
        limits = (
            {"time_to_train_s": {"max": self.days * DAY_S}}
            if training
            else {name: {"max": bound} for name, bound in self.promises.items()}
        )
        common = {
            "model": self.model,
            "accelerator": list(accelerators),
            "precision": list(self.precisions or FORMATS[self.purpose]),
        }
        axes = {**axes, **common, **self.settings}
        return {"schema": 1, "phase": self.purpose, "axes": axes, "constraints": limits}

    def _training(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        sequence = space.sequence_tokens(entry, self.sequence_length)
        batch = space.step_sequences(entry, sequence, self.global_batch)
        return {
            **space.training(entry, devices=self.devices, global_batch=batch),
            "training_mode": self.training_mode,
            "sequence_length": sequence,
            "tokens": space.run_tokens(entry, self.tokens),
        }

    def _inference(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **space.serving(entry),
            "kv_precision": list(CACHES),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
