"""Cases of training runs and of their memory."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from llmsweep.validate import defaults
from llmsweep.validate.cases import positive, refuse, with_models
from llmsweep.validate.models import Models
from llmsweep.validate.stacks import with_stacks

AXES = (
    "model",
    "stack",
    "accelerator",
    "precision",
    "devices",
    "tensor_parallel",
    "pipeline_parallel",
    "context_parallel",
    "expert_parallel",
    "virtual_pipeline",
    "micro_batch",
    "global_batch",
    "sequence_length",
    "recompute",
    "recompute_modules",
    "gradient_precision",
    "zero_stage",
    "sequence_parallel",
    "attention_kernel",
    "network_bandwidth_scale",
    "embedding_as_layers",
)
# What a host's network brings one device where the catalogue knows none: 100 Gb/s, as the core assumes.
ASSUMED_NIC = 12.5e9


def cases(
    frame: pl.DataFrame,
    kind: str,
    models: Models,
    accelerators: Mapping[str, Mapping[str, Any]],
    stacks: Sequence[Mapping[str, Any]],
) -> pl.DataFrame:
    """The frame with the axes of each row."""
    frame = with_models(frame, models)
    framework = pl.coalesce("framework_id", pl.lit("megatron"))
    if kind == "memory":
        framework = pl.coalesce("framework_id", from_source({"bigscience": "megatron-deepspeed"}, otherwise="megatron"))
        frame = frame.with_columns(framework=pl.coalesce("framework", from_source({"nemo|bridge|dgxc": "NeMo"})))
    frame = with_stacks(frame.with_columns(framework_id=framework), stacks)
    frame = frame.with_columns(
        pl.lit(kind).alias("kind"),
        pl.lit(value=True).alias("traffic_stated"),
        pl.col("source").fill_null("own").alias("group"),
        pl.col("stack").alias("software"),
        pl.col("model").alias("model_name"),
        pl.col("model_key").alias("model"),
        pl.col("accelerator_id").alias("accelerator"),
        # A row of BLOOM's memory that leaves the format open ran in 16 bits: no other was trained before 2023.
        pl.col("precision_id").alias("precision"),
        pl.col("n_devices").alias("devices"),
        pl.col("tp").fill_null(1).alias("tensor_parallel"),
        pl.col("pp").fill_null(1).alias("pipeline_parallel"),
        pl.col("cp").fill_null(1).alias("context_parallel"),
        pl.col("ep").fill_null(1).alias("expert_parallel"),
        defaults.virtual_pipeline().alias("virtual_pipeline"),
        pl.col("micro_batch").fill_null(1),
        pl.col("seq_len").alias("sequence_length"),
        defaults.recompute().alias("recompute"),
        defaults.recompute_modules().alias("recompute_modules"),
        defaults.gradient_precision().alias("gradient_precision"),
        defaults.zero_stage().alias("zero_stage"),
        defaults.sequence_parallel().alias("sequence_parallel"),
        defaults.attention_kernel().alias("attention_kernel"),
        network_scale(accelerators).alias("network_bandwidth_scale"),
        pl.lit(value=False).alias("embedding_as_layers"),
    )
    if kind == "training":
        tokens = pl.col("global_batch") * pl.col("sequence_length") / pl.col("devices")
        frame = frame.with_columns(
            pl.coalesce("iter_s", tokens / pl.col("tokens_per_s_per_device")).alias("step_time_s")
        )
        frame = frame.with_columns(positive(["step_time_s"]))
    else:
        frame = frame.with_columns((pl.col("mem_gib") * 2**30).alias("peak_memory_bytes"))
        frame = frame.with_columns(positive(["peak_memory_bytes"]))
    return refuse(frame, accelerators)


def from_source(projects: Mapping[str, str], otherwise: str | None = None) -> pl.Expr:
    """What a memory file leaves to its source: whose runs a project publishes."""
    found = pl.lit(otherwise, dtype=pl.String)
    for pattern, value in projects.items():
        ours = pl.col("source").str.contains(f"(?i){pattern}").fill_null(value=False)
        found = pl.when(ours).then(pl.lit(value)).otherwise(found)
    return found


def network_scale(accelerators: Mapping[str, Mapping[str, Any]]) -> pl.Expr:
    """The host's network that a row prints, over the accelerator's usual one; 1 where it prints none."""
    usual = {name: float(chip.get("nic_bandwidth_bytes_per_s") or ASSUMED_NIC) for name, chip in accelerators.items()}
    hosts = {name: int(chip.get("host_devices") or 8) for name, chip in accelerators.items()}
    chip = pl.col("accelerator_id")
    devices = pl.coalesce("devices_per_node", chip.replace_strict(hosts, default=8))
    share = pl.col("node_network_gbytes_per_s") * 1e9 / devices
    scale = share / chip.replace_strict(usual, default=ASSUMED_NIC)
    return pl.when(scale > 0).then(scale).otherwise(1.0)
