//! Constants of training software: the decoder of `systems/training.toml`, and of what a stack has in their place.
use llmsweep_model::quantity::{Bytes, BytesPerSec, Seconds};
use llmsweep_model::system::TrainingSystem;

use super::fields::Fields;
use super::systems::{amount, positive, share, surplus};
use crate::node::DocumentError;

/// Constants of a training stack, the keys of `training.toml` beside its sources.
pub const TRAINING_CONSTANTS: [&str; 27] = [
    "host_launch_s",
    "host_exposed",
    "layer_launches",
    "tensor_launches",
    "expert_layer_floor_s",
    "tensor_exposed_overlapped",
    "tensor_exposed",
    "expert_all_to_all_ratio",
    "expert_exposed",
    "expert_imbalance",
    "logit_bytes",
    "gradient_accumulation_bytes",
    "gradient_message_bytes",
    "data_overlap",
    "overlap_compute_slowdown",
    "straggler_sigma",
    "cast_bytes",
    "cast_ratio_mxfp8",
    "cast_ratio_nvfp4",
    "host_memory_bandwidth_bytes_per_s",
    "cached",
    "fragmentation",
    "context_bytes",
    "communicator_bytes",
    "gradient_copy_bytes",
    "stage_results_kept",
    "bucket_bytes",
];

/// Reads a number that must be given.
type Reader = fn(&Fields, &str) -> Result<f64, DocumentError>;

/// The constants of a training stack; what is not given is as in `base`, where there is one.
pub(super) fn training(fields: &Fields, base: Option<&TrainingSystem>) -> Result<TrainingSystem, DocumentError> {
    let read = |key: &str, of: fn(&TrainingSystem) -> f64, reader: Reader| match base {
        Some(base) if !fields.has(key) => Ok(of(base)),
        _ => reader(fields, key),
    };
    Ok(TrainingSystem {
        host_launch: Seconds(read("host_launch_s", |base| base.host_launch.0, amount)?),
        host_exposed: read("host_exposed", |base| base.host_exposed, share)?,
        layer_launches: read("layer_launches", |base| base.layer_launches, amount)?,
        tensor_launches: read("tensor_launches", |base| base.tensor_launches, amount)?,
        expert_layer_floor: Seconds(read("expert_layer_floor_s", |base| base.expert_layer_floor.0, amount)?),
        tensor_exposed_overlapped: read("tensor_exposed_overlapped", |base| base.tensor_exposed_overlapped, share)?,
        tensor_exposed: read("tensor_exposed", |base| base.tensor_exposed, share)?,
        expert_all_to_all_ratio: read("expert_all_to_all_ratio", |base| base.expert_all_to_all_ratio, positive)?,
        expert_exposed: read("expert_exposed", |base| base.expert_exposed, share)?,
        expert_imbalance: read("expert_imbalance", |base| base.expert_imbalance, surplus)?,
        logit_bytes: read("logit_bytes", |base| base.logit_bytes, amount)?,
        gradient_accumulation_bytes: read(
            "gradient_accumulation_bytes",
            |base| base.gradient_accumulation_bytes,
            amount,
        )?,
        gradient_message_bytes: read("gradient_message_bytes", |base| base.gradient_message_bytes, amount)?,
        data_overlap: read("data_overlap", |base| base.data_overlap, share)?,
        overlap_compute_slowdown: read("overlap_compute_slowdown", |base| base.overlap_compute_slowdown, amount)?,
        straggler_sigma: read("straggler_sigma", |base| base.straggler_sigma, amount)?,
        cast_bytes: read("cast_bytes", |base| base.cast_bytes, amount)?,
        cast_ratio_mxfp8: read("cast_ratio_mxfp8", |base| base.cast_ratio_mxfp8, positive)?,
        cast_ratio_nvfp4: read("cast_ratio_nvfp4", |base| base.cast_ratio_nvfp4, positive)?,
        host_memory_bandwidth: BytesPerSec(read(
            "host_memory_bandwidth_bytes_per_s",
            |base| base.host_memory_bandwidth.0,
            positive,
        )?),
        cached: read("cached", |base| base.cached, surplus)?,
        fragmentation: read("fragmentation", |base| base.fragmentation, surplus)?,
        context: Bytes(read("context_bytes", |base| base.context.0, amount)?),
        communicator: Bytes(read("communicator_bytes", |base| base.communicator.0, amount)?),
        gradient_copy_bytes: read("gradient_copy_bytes", |base| base.gradient_copy_bytes, amount)?,
        stage_results_kept: read("stage_results_kept", |base| base.stage_results_kept, share)?,
        bucket_bytes: read("bucket_bytes", |base| base.bucket_bytes, amount)?,
    })
}
