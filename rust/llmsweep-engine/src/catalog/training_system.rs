//! Constants of training software: those of `systems/training.toml`, and of what a stack has in their place.
use llmsweep_model::system::TrainingSystem;

use super::constant::Range::{Amount, Positive, Share, Surplus};
use super::constant::{Constant, constant};

/// Every constant of training software.
pub const TRAINING: [Constant<TrainingSystem>; 30] = [
    constant("host_launch_s", Amount, |s| &mut s.host_launch.0, "Host time of a kernel's launch."),
    constant(
        "host_exposed",
        Share,
        |s| &mut s.host_exposed,
        "Share of the host's time that the device waits for in any case.",
    ),
    constant("layer_launches", Amount, |s| &mut s.layer_launches, "Kernels of a layer's forward pass."),
    constant("tensor_launches", Amount, |s| &mut s.tensor_launches, "Launches more for each tensor-parallel message."),
    constant(
        "expert_layer_floor_s",
        Amount,
        |s| &mut s.expert_layer_floor.0,
        "Least time of a layer of experts, forward and backward.",
    ),
    constant(
        "tensor_exposed_overlapped",
        Share,
        |s| &mut s.tensor_exposed_overlapped,
        "Share of tensor-parallel messages left exposed with sequence parallelism.",
    ),
    constant("tensor_exposed", Share, |s| &mut s.tensor_exposed, "The same without."),
    constant(
        "expert_all_to_all_ratio",
        Positive,
        |s| &mut s.expert_all_to_all_ratio,
        "Speed of the experts' exchange amid training over that of its kernels alone.",
    ),
    constant("expert_exposed", Share, |s| &mut s.expert_exposed, "Share of that exchange left exposed."),
    constant(
        "expert_imbalance",
        Surplus,
        |s| &mut s.expert_imbalance,
        "Tokens of the busiest expert-parallel rank over the mean.",
    ),
    constant("logit_bytes", Amount, |s| &mut s.logit_bytes, "Bytes moved per logit."),
    constant(
        "gradient_accumulation_bytes",
        Amount,
        |s| &mut s.gradient_accumulation_bytes,
        "Bytes moved per parameter to add a gradient to its sum.",
    ),
    constant("gradient_message_bytes", Amount, |s| &mut s.gradient_message_bytes, "Bytes sent per gradient."),
    constant(
        "data_overlap",
        Share,
        |s| &mut s.data_overlap,
        "Share of data-parallel messages that the stack overlaps.",
    ),
    constant(
        "overlap_compute_slowdown",
        Amount,
        |s| &mut s.overlap_compute_slowdown,
        "How much longer kernels take beside a message.",
    ),
    constant("straggler_sigma", Amount, |s| &mut s.straggler_sigma, "Spread of the replicas' times over their mean."),
    constant(
        "cast_bytes",
        Amount,
        |s| &mut s.cast_bytes,
        "Bytes moved per value cast to a narrow format in both layouts.",
    ),
    constant("cast_ratio_mxfp8", Positive, |s| &mut s.cast_ratio_mxfp8, "The same of mxfp8 over that."),
    constant("cast_ratio_nvfp4", Positive, |s| &mut s.cast_ratio_nvfp4, "The same of nvfp4 over that."),
    constant(
        "host_memory_bandwidth_bytes_per_s",
        Positive,
        |s| &mut s.host_memory_bandwidth.0,
        "Bandwidth of the host's memory for each device.",
    ),
    constant(
        "cached",
        Surplus,
        |s| &mut s.cached,
        "Memory that the allocator holds back over what it hands out, and gives back when it must.",
    ),
    constant(
        "fragmentation",
        Surplus,
        |s| &mut s.fragmentation,
        "Memory that it can't give back over what it hands out.",
    ),
    constant("context_bytes", Amount, |s| &mut s.context.0, "Memory of the framework itself."),
    constant("communicator_bytes", Amount, |s| &mut s.communicator.0, "Buffers of a group of ranks."),
    constant(
        "gradient_copy_bytes",
        Amount,
        |s| &mut s.gradient_copy_bytes,
        "Bytes per parameter of 16-bit gradients that stay beside their sum in single precision.",
    ),
    constant(
        "stage_results_kept",
        Share,
        |s| &mut s.stage_results_kept,
        "1 where the result of a pipeline stage stays until its backward pass, else 0.",
    ),
    constant(
        "bucket_parameters",
        Positive,
        |s| &mut s.bucket_parameters,
        "Parameters of a bucket of gradients, at least.",
    ),
    constant(
        "bucket_parameters_per_rank",
        Amount,
        |s| &mut s.bucket_parameters_per_rank,
        "Parameters of a bucket of gradients for each data-parallel rank.",
    ),
    constant(
        "paired_exposed",
        Share,
        |s| &mut s.paired_exposed,
        "Share of the experts' messages that a pair of passes (DualPipe) leaves exposed.",
    ),
    constant("bucket_bytes", Amount, |s| &mut s.bucket_bytes, "Buffers of data-parallel messages."),
];
