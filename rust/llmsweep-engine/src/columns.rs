//! The registry of result columns. Every axis is a column too, under its own name.
use crate::axes::Phase;

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit float; null where the quantity does not exist.
    Number,
    /// A whole number (64-bit unsigned); null where the quantity does not exist.
    Count,
    /// True or false.
    Bool,
    /// A code into a list of names that the registry or the sweep gives (see `labels`); null where there is none.
    Label,
}

/// One column of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// Phases that have it.
    pub phases: &'static [Phase],
    /// Storage.
    pub kind: Kind,
    /// Unit; empty for counts, names and ratios.
    pub unit: &'static str,
    /// One line for the documentation.
    pub doc: &'static str,
    /// Section of `docs/model.md` that derives it.
    pub formula: &'static str,
}

const BOTH: &[Phase] = &Phase::ALL;
const TRAINING: &[Phase] = &[Phase::Training];
const INFERENCE: &[Phase] = &[Phase::Inference];

const fn column(
    name: &'static str,
    phases: &'static [Phase],
    kind: Kind,
    unit: &'static str,
    formula: &'static str,
    doc: &'static str,
) -> Column {
    Column { name, phases, kind, unit, doc, formula }
}

use Kind::{Bool, Count, Label, Number};

/// Every result column that is not an axis.
pub const COLUMNS: &[Column] = &[
    column("row_id", BOTH, Count, "", "plan", "Number of the row in its sweep: mixed radix over the axes."),
    column("phase", BOTH, Label, "", "plan", "training or inference."),
    column("feasible", BOTH, Bool, "", "reject", "Whether the setup can run at all."),
    column("reject", BOTH, Label, "", "reject", "Why it can't run; null where it can."),
    column("bottleneck", BOTH, Label, "", "bottleneck", "The resource that takes the largest share of the time."),
    column(
        "provenance",
        BOTH,
        Label,
        "",
        "provenance",
        "calibrated (this chip and format), transferred (a relative's) or datasheet efficiencies.",
    ),
    column(
        "nodes",
        BOTH,
        Count,
        "",
        "layout",
        "Hosts of the devices at work, each with as many as usual for the accelerator; the last may have some left.",
    ),
    column(
        "data_parallel",
        TRAINING,
        Count,
        "",
        "layout",
        "Data-parallel replicas: devices / (tensor · context · pipeline).",
    ),
    column("micro_batches", TRAINING, Count, "", "layout", "Micro-batches of one replica in one step."),
    column(
        "first_stage_layer_count",
        TRAINING,
        Count,
        "",
        "pipeline",
        "Layers on a device of the first pipeline stage, all chunks and copies.",
    ),
    column(
        "last_stage_layer_count",
        TRAINING,
        Count,
        "",
        "pipeline",
        "Layers on a device of the last pipeline stage, all chunks and copies.",
    ),
    column(
        "largest_stage_layer_count",
        TRAINING,
        Count,
        "",
        "pipeline",
        "Layers on a device of the pipeline stage that has the most.",
    ),
    column("device_count", INFERENCE, Count, "", "layout", "Accelerators: tensor · pipeline · data parallel."),
    column("parameters", BOTH, Number, "", "parameters", "Parameters of the model."),
    column("active_parameters", BOTH, Number, "", "parameters", "Parameters that one token meets, embeddings counted."),
    column(
        "trainable_parameters",
        TRAINING,
        Number,
        "",
        "training modes",
        "Parameters that train: the model's, or its adapters'.",
    ),
    column("memory_bytes", BOTH, Number, "B", "memory", "Peak memory of the fullest device."),
    column(
        "memory_bytes_p10",
        TRAINING,
        Number,
        "B",
        "intervals",
        "Peak memory as runs of its class measure it, one in ten lower.",
    ),
    column(
        "memory_bytes_p90",
        TRAINING,
        Number,
        "B",
        "intervals",
        "Peak memory as runs of its class measure it, one in ten higher.",
    ),
    column("memory_headroom_bytes", BOTH, Number, "B", "memory", "Usable memory less the peak."),
    column("memory_stage", TRAINING, Count, "", "memory", "Pipeline stage of the fullest device, from 0."),
    column("memory_term", TRAINING, Label, "", "memory", "What takes most of the fullest device's memory."),
    column("weight_bytes", BOTH, Number, "B", "memory", "Weights on the fullest device."),
    column("gradient_bytes", TRAINING, Number, "B", "memory", "Gradients on the fullest device."),
    column("optimizer_bytes", TRAINING, Number, "B", "memory", "Optimizer state on the fullest device."),
    column("activation_bytes", BOTH, Number, "B", "memory", "Activations on the fullest device."),
    column("logits_bytes", TRAINING, Number, "B", "memory", "Logits and their gradient on the fullest device."),
    column("gathered_bytes", TRAINING, Number, "B", "memory", "Whole weights of layers that ZeRO-3 gathers."),
    column(
        "temporary_bytes",
        TRAINING,
        Number,
        "B",
        "memory",
        "Gradients before they are added to the sum, casts of the update, message buffers.",
    ),
    column(
        "context_bytes",
        TRAINING,
        Number,
        "B",
        "memory",
        "Context of the framework and its library of messages, beside memory_bytes.",
    ),
    column("host_memory_bytes", TRAINING, Number, "B", "memory", "What the fullest device keeps in its host's memory."),
    column("step_time_s", TRAINING, Number, "s", "training step", "Time of one optimizer step."),
    column(
        "step_time_s_p10",
        TRAINING,
        Number,
        "s",
        "intervals",
        "Step time as runs of its class measure it, one in ten lower.",
    ),
    column(
        "step_time_s_p90",
        TRAINING,
        Number,
        "s",
        "intervals",
        "Step time as runs of its class measure it, one in ten higher.",
    ),
    column(
        "step_time_s_bound",
        TRAINING,
        Number,
        "s",
        "bounds",
        "Time below which no machine of this peak can do the step's model FLOPs.",
    ),
    column("compute_time_s", TRAINING, Number, "s", "training step", "Kernels of the slowest stage in one step."),
    column(
        "tensor_communication_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Exposed tensor- and sequence-parallel communication in one step.",
    ),
    column("expert_communication_s", TRAINING, Number, "s", "training step", "Exposed expert all-to-all in one step."),
    column(
        "context_communication_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Exposed context-parallel communication in one step.",
    ),
    column(
        "pipeline_communication_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Exposed point-to-point between stages in one step.",
    ),
    column(
        "data_communication_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Exposed gradient and weight exchange in one step.",
    ),
    column("bubble_time_s", TRAINING, Number, "s", "pipeline", "Idle time of the pipeline in one step."),
    column("optimizer_time_s", TRAINING, Number, "s", "training step", "Optimizer update in one step."),
    column(
        "straggler_time_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Waiting of all replicas for the slowest in one step.",
    ),
    column(
        "offload_time_s",
        TRAINING,
        Number,
        "s",
        "training step",
        "Exposed transfers to and from the host, and its update, in one step.",
    ),
    column("bubble_fraction", TRAINING, Number, "", "pipeline", "Bubble / step time."),
    column(
        "exposed_communication_fraction",
        TRAINING,
        Number,
        "",
        "training step",
        "Exposed communication / step time.",
    ),
    column(
        "tokens_per_s",
        BOTH,
        Number,
        "tokens/s",
        "throughput",
        "Training: tokens trained; inference: tokens answered; of all devices.",
    ),
    column(
        "tokens_per_s_p10",
        BOTH,
        Number,
        "tokens/s",
        "intervals",
        "Tokens per second as its class is measured, one in ten lower.",
    ),
    column(
        "tokens_per_s_p90",
        BOTH,
        Number,
        "tokens/s",
        "intervals",
        "Tokens per second as its class is measured, one in ten higher.",
    ),
    column("tokens_per_s_per_device", BOTH, Number, "tokens/s", "throughput", "tokens_per_s / devices."),
    column("model_flops", TRAINING, Number, "FLOP", "flops", "FLOPs of one step, causal attention counted half."),
    column(
        "model_flops_non_causal",
        TRAINING,
        Number,
        "FLOP",
        "flops",
        "FLOPs of one step, attention counted over the full square.",
    ),
    column("hardware_flops", TRAINING, Number, "FLOP", "flops", "FLOPs of one step with recomputation."),
    column("mfu", TRAINING, Number, "", "flops", "model_flops / (step time · devices · peak)."),
    column("mfu_non_causal", TRAINING, Number, "", "flops", "model_flops_non_causal / (step time · devices · peak)."),
    column("hfu", TRAINING, Number, "", "flops", "hardware_flops / (step time · devices · peak)."),
    column(
        "trained_tokens",
        TRAINING,
        Number,
        "tokens",
        "whole run",
        "Tokens of the whole run: tokens, or tokens_per_parameter · parameters.",
    ),
    column(
        "checkpoint_interval_used_s",
        TRAINING,
        Number,
        "s",
        "whole run",
        "Training time between two checkpoints: given, or the best.",
    ),
    column("checkpoint_write_s", TRAINING, Number, "s", "whole run", "Writing one checkpoint."),
    column("failures", TRAINING, Number, "", "whole run", "Failures to expect over the whole run."),
    column(
        "goodput",
        TRAINING,
        Number,
        "",
        "whole run",
        "Training time / wall time: what failures, restarts and checkpoints leave.",
    ),
    column(
        "time_to_train_s",
        TRAINING,
        Number,
        "s",
        "whole run",
        "Wall time for all tokens, failures and checkpoints included.",
    ),
    column("device_hours", TRAINING, Number, "h", "whole run", "(devices + spares) · time_to_train."),
    column(
        "ttft_s",
        INFERENCE,
        Number,
        "s",
        "serving",
        "Mean time to the first token, contention for slots and steps included.",
    ),
    column("ttft_s_p10", INFERENCE, Number, "s", "intervals", "TTFT as its class is measured, one in ten lower."),
    column("ttft_s_p90", INFERENCE, Number, "s", "intervals", "TTFT as its class is measured, one in ten higher."),
    column(
        "ttft_s_bound",
        INFERENCE,
        Number,
        "s",
        "bounds",
        "Time below which no device of this peak can do the prefill.",
    ),
    column("tpot_s", INFERENCE, Number, "s", "serving", "Mean time between two tokens of one answer."),
    column("tpot_s_p10", INFERENCE, Number, "s", "intervals", "TPOT as its class is measured, one in ten lower."),
    column("tpot_s_p90", INFERENCE, Number, "s", "intervals", "TPOT as its class is measured, one in ten higher."),
    column(
        "tpot_s_bound",
        INFERENCE,
        Number,
        "s",
        "bounds",
        "Time below which the weights and cache can't be read, nor the step computed.",
    ),
    column("e2e_s", INFERENCE, Number, "s", "serving", "Mean time from request to last token."),
    column(
        "e2e_s_p10",
        INFERENCE,
        Number,
        "s",
        "intervals",
        "Time from request to last token as its class is measured, one in ten lower.",
    ),
    column(
        "e2e_s_p90",
        INFERENCE,
        Number,
        "s",
        "intervals",
        "Time from request to last token as its class is measured, one in ten higher.",
    ),
    column("prefill_time_s", INFERENCE, Number, "s", "serving", "Prefill of one request, alone."),
    column(
        "decode_step_s",
        INFERENCE,
        Number,
        "s",
        "serving",
        "One decode step at the running batch and the mean context.",
    ),
    column(
        "decode_expert_communication_s",
        INFERENCE,
        Number,
        "s",
        "wide expert parallelism",
        "Exposed messages to experts and back in one decode step.",
    ),
    column("tokens_per_s_per_user", INFERENCE, Number, "tokens/s", "serving", "1 / tpot."),
    column("requests_per_s", INFERENCE, Number, "1/s", "serving", "Requests finished per second, of all devices."),
    column("running_requests", INFERENCE, Number, "", "kv cache", "Requests that decode together on one replica."),
    column(
        "max_concurrency",
        INFERENCE,
        Number,
        "",
        "kv cache",
        "Requests of full length that the cache of all replicas holds.",
    ),
    column("kv_tokens", INFERENCE, Number, "tokens", "kv cache", "Tokens that the cache of one replica holds."),
    column(
        "kv_bytes_per_token",
        INFERENCE,
        Number,
        "B",
        "kv cache",
        "Cache of one token over all layers and devices of a replica.",
    ),
    column("prefill_device_count", INFERENCE, Count, "", "disaggregated serving", "Accelerators that only prefill."),
    column("decode_device_count", INFERENCE, Count, "", "disaggregated serving", "Accelerators that only decode."),
    column(
        "kv_transfer_bytes",
        INFERENCE,
        Number,
        "B",
        "disaggregated serving",
        "Cache of one prompt that crosses from one pool to the other, copies for tensor ranks counted.",
    ),
    column(
        "kv_transfer_s",
        INFERENCE,
        Number,
        "s",
        "disaggregated serving",
        "Time of that transfer; most of it runs beside the prefill.",
    ),
    column(
        "prefill_wait_s",
        INFERENCE,
        Number,
        "s",
        "disaggregated serving",
        "Mean wait for a prefill rank, opening burst included.",
    ),
    column(
        "prefill_utilisation",
        INFERENCE,
        Number,
        "",
        "disaggregated serving",
        "Share of the time that prefill ranks work.",
    ),
    column(
        "decode_utilisation",
        INFERENCE,
        Number,
        "",
        "disaggregated serving",
        "Requests that decode over those that the decode pool would run together.",
    ),
    column(
        "saturated",
        INFERENCE,
        Bool,
        "",
        "kv cache",
        "Whether requests wait because the cache is full, or max_batch is reached.",
    ),
    column(
        "usd_per_hour",
        BOTH,
        Number,
        "USD/h",
        "economics",
        "Rental of all devices, spares included; null where the catalogue has no price.",
    ),
    column(
        "cost_usd",
        BOTH,
        Number,
        "USD",
        "economics",
        "Rental of the whole run (training) or of one request (inference).",
    ),
    column(
        "usd_per_million_tokens",
        BOTH,
        Number,
        "USD",
        "economics",
        "Rental per million tokens trained or answered.",
    ),
    column(
        "power_w",
        BOTH,
        Number,
        "W",
        "economics",
        "Board power of all devices at full load; null where it is not published.",
    ),
    column(
        "energy_j",
        BOTH,
        Number,
        "J",
        "economics",
        "Energy of the whole run (training) or of one request (inference).",
    ),
    column("j_per_token", BOTH, Number, "J", "economics", "Energy per token trained or answered."),
    column(
        "ownership_usd",
        BOTH,
        Number,
        "USD",
        "economics",
        "Owning the devices for the whole run or one request: capital, electricity, operations; null without a purchase price.",
    ),
    column(
        "facility_energy_j",
        BOTH,
        Number,
        "J",
        "economics",
        "Energy that the facility draws for the whole run or one request: boards, hosts, network, cooling.",
    ),
    column("co2_kg", BOTH, Number, "kg", "economics", "Carbon dioxide of that energy on the grid."),
];

/// Columns of which more is better; of the others less is, where either is.
pub const HIGHER_IS_BETTER: &[&str] = &[
    "feasible",
    "memory_headroom_bytes",
    "tokens_per_s",
    "tokens_per_s_p10",
    "tokens_per_s_p90",
    "tokens_per_s_per_device",
    "tokens_per_s_per_user",
    "requests_per_s",
    "mfu",
    "mfu_non_causal",
    "hfu",
    "max_concurrency",
    "kv_tokens",
    "goodput",
];

/// The result columns of a phase, in the registry's order (axes not included).
pub fn of_phase(phase: Phase) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| column.phases.contains(&phase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_when_higher_is_a_column() {
        for name in HIGHER_IS_BETTER {
            assert!(COLUMNS.iter().any(|column| column.name == *name), "{name}");
        }
    }
}
