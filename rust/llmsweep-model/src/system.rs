//! What software adds to the silicon: constants of training stacks and serving engines, each from the catalogue.
use crate::quantity::{Bytes, Seconds};

/// Constants of a training stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingSystem {
    /// Host time per kernel launch.
    pub host_launch: Seconds,
    /// Kernels that the host launches in one layer's forward pass.
    pub layer_launches: f64,
    /// Floor of a layer of experts, forward and backward of one micro-batch: dropless dispatch waits for the host.
    pub expert_layer_floor: Seconds,
    /// Share of tensor-parallel communication left exposed where sequence parallelism lets it overlap with multiplications.
    pub tensor_exposed_overlapped: f64,
    /// Share left exposed otherwise.
    pub tensor_exposed: f64,
    /// Speed of the experts' all-to-all in training over the collective library's.
    pub expert_all_to_all_ratio: f64,
    /// Tokens of the busiest rank over the mean.
    pub expert_imbalance: f64,
    /// Bytes moved per logit in the forward pass of the loss.
    pub logit_bytes: f64,
    /// Bytes moved per parameter when a micro-batch's gradient is added to the sum.
    pub gradient_accumulation_bytes: f64,
    /// Bytes of gradient exchanged per parameter.
    pub gradient_message_bytes: f64,
    /// Share of data-parallel messages that the stack lets run beside kernels, where there is time for them.
    pub data_overlap: f64,
    /// How much longer kernels take while a message runs beside them.
    pub overlap_compute_slowdown: f64,
    /// Spread of the replicas' times over the mean, one standard deviation.
    pub straggler_sigma: f64,
    /// Memory that the allocator reserves over what it hands out.
    pub fragmentation: f64,
    /// Memory of the framework's context and communication buffers.
    pub context: Bytes,
}

/// Constants of a serving engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServingEngine {
    /// Host time per step.
    pub host_step: Seconds,
    /// Host time per step and running request.
    pub host_request: Seconds,
    /// Start of a kernel inside a captured graph.
    pub kernel_start: Seconds,
    /// Share of device memory that the engine takes.
    pub memory_fraction: f64,
    /// Memory kept for activations, graphs and communication buffers.
    pub reserve: Bytes,
    /// Whether the fraction applies to what weights and reserve leave (TensorRT-LLM) instead of to the whole.
    pub fraction_of_free: bool,
    /// Share of the answer for which the engine sets cache aside when it admits a request.
    pub output_reserved: f64,
    /// Tokens of a cache block; the last block of a request is half empty on average.
    pub block_tokens: f64,
    /// Time to the first token beside kernels: fixed.
    pub first_token: Seconds,
    /// Time to the first token beside kernels: per layer.
    pub first_token_layer: Seconds,
    /// Time to the first token beside kernels: more per layer of experts.
    pub first_token_expert_layer: Seconds,
    /// Requests after which the opening burst of prefills is forgotten.
    pub burst_requests: f64,
    /// Weight of the opening burst.
    pub burst_weight: f64,
    /// Weight of queueing for steps, `ρ/(1−ρ)`.
    pub queue_weight: f64,
    /// How independently the tokens of a batch choose experts.
    pub routing_independence: f64,
    /// Bytes moved per logit.
    pub logit_bytes: f64,
}
