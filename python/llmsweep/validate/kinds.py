"""The four kinds of measurements, and the columns that each has."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import polars as pl

from llmsweep.errors import DataError

INT, NUMBER, TEXT, FLAG = pl.Int64, pl.Float64, pl.String, pl.Boolean
Types = Mapping[str, type[pl.DataType]]


@dataclass(frozen=True)
class Kind:
    """A kind of measurements: the columns that mark it, those it can't do without, and all that are read."""

    name: str
    phase: str
    marks: tuple[str, ...]
    required: tuple[str, ...]
    columns: Types = field(repr=False)

    @property
    def lacks(self) -> str:
        """The marks as words."""
        return " or ".join(f'"{mark}"' for mark in self.marks)


COMMON: Types = {"id": TEXT, "accelerator_id": TEXT, "precision_id": TEXT, "scorable": FLAG, "source": TEXT}
SHAPE: Types = {
    "model": TEXT,
    "model_id": TEXT,
    "layers": INT,
    "hidden": INT,
    "ffn_hidden": INT,
    "heads": INT,
    "kv_heads": INT,
    "head_dim": INT,
    "vocab": INT,
    "gated_mlp": TEXT,
    "n_experts": INT,
    "topk": INT,
}
TRAINING_LAYOUT: Types = {
    "n_devices": INT,
    "devices_per_node": INT,
    "tp": INT,
    "pp": INT,
    "vp": INT,
    "cp": INT,
    "ep": INT,
    "zero_stage": INT,
    "micro_batch": INT,
    "global_batch": INT,
    "seq_len": INT,
    "recompute": TEXT,
    "seq_parallel": TEXT,
    "framework": TEXT,
    "framework_id": TEXT,
    "date": TEXT,
    "node_network_gbytes_per_s": NUMBER,
}
SERVING_POOLS: Types = {
    f"{pool}_{name}": INT
    for pool in ("prefill", "decode")
    for name in ("num_workers", "tp_size", "pp_size", "attention_dp_size", "moe_tp_size", "moe_ep_size", "batch_size")
}

KINDS = (
    Kind(
        "serving",
        "inference",
        ("silicon_ttft_ms", "silicon_tpot_ms"),
        ("id", "accelerator_id", "model_id", "isl", "osl", "concurrency"),
        {
            **COMMON,
            **SERVING_POOLS,
            "model_id": TEXT,
            "backend": TEXT,
            "engine_id": TEXT,
            "kv_precision": TEXT,
            "mode": TEXT,
            "silicon_data_source": TEXT,
            "isl": INT,
            "osl": INT,
            "devices": INT,
            "tensor_parallel": INT,
            "data_parallel": INT,
            "expert_parallel": INT,
            "pp_size": INT,
            "concurrency": INT,
            "silicon_ttft_ms": NUMBER,
            "silicon_tpot_ms": NUMBER,
        },
    ),
    Kind(
        "memory",
        "training",
        ("mem_gib",),
        ("id", "accelerator_id", "mem_kind"),
        {
            **COMMON,
            **SHAPE,
            **TRAINING_LAYOUT,
            "mem_kind": TEXT,
            "mem_gib": NUMBER,
            "fits": TEXT,
            "rank_or_stage": TEXT,
        },
    ),
    Kind(
        "inference",
        "inference",
        ("scenario",),
        ("id", "accelerator_id", "model_id", "batch_or_concurrency", "isl", "osl"),
        {
            **COMMON,
            "source_group": TEXT,
            "model": TEXT,
            "model_id": TEXT,
            "engine": TEXT,
            "engine_id": TEXT,
            "kv_precision": TEXT,
            "n_devices": INT,
            "tp": INT,
            "pp": INT,
            "ep": INT,
            "dp": INT,
            "scenario": TEXT,
            "batch_or_concurrency": NUMBER,
            "isl": NUMBER,
            "osl": NUMBER,
            "output_tokens_per_s_total": NUMBER,
            "ttft_ms": NUMBER,
            "tpot_ms": NUMBER,
            "e2e_latency_s": NUMBER,
        },
    ),
    Kind(
        "training",
        "training",
        ("iter_s", "tokens_per_s_per_device"),
        ("id", "accelerator_id", "model", "n_devices", "global_batch", "seq_len"),
        {**COMMON, **SHAPE, **TRAINING_LAYOUT, "iter_s": NUMBER, "tokens_per_s_per_device": NUMBER},
    ),
)


def recognise(columns: Collection[str], file: str) -> Kind:
    """The kind that has these columns.

    Raises:
        DataError: None has them, or one lacks a column that it needs.

    Example:
        >>> recognise(["id", "accelerator_id", "mem_kind", "mem_gib"], "mine.parquet").name
        'memory'
    """
    kind = next((kind for kind in KINDS if any(mark in columns for mark in kind.marks)), None)
    if kind is None:
        wanted = "; ".join(f"{kind.name} has {kind.lacks}" for kind in KINDS)
        raise DataError(f'"{file}" has no kind of measurements that is known: {wanted}')
    if missing := [name for name in kind.required if name not in columns]:
        names = ", ".join(f'"{name}"' for name in missing)
        raise DataError(f'"{file}" has measurements of {kind.name} but lacks the column {names}')
    return kind
