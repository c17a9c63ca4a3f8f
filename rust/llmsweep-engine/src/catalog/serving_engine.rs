//! Constants of serving engines: those of `systems/serving.toml`, and of what an engine has in their place.
use llmsweep_model::system::ServingEngine;

use super::constant::Range::{Amount, DividingShare, Positive, Share, Surplus};
use super::constant::{Constant, constant};

/// Every constant of a serving engine.
pub const SERVING: [Constant<ServingEngine>; 19] = [
    constant("host_step_s", Amount, |s| &mut s.host_step.0, "Host time of a step."),
    constant("host_request_s", Amount, |s| &mut s.host_request.0, "Host time of a step for each running request."),
    constant("kernel_start_s", Amount, |s| &mut s.kernel_start.0, "Start of a kernel inside a captured graph."),
    constant(
        "memory_fraction",
        DividingShare,
        |s| &mut s.memory_fraction,
        "Share of the device's memory that the engine takes.",
    ),
    constant(
        "cache_fraction",
        DividingShare,
        |s| &mut s.cache_fraction,
        "Share of what weights and reserve leave of it that becomes cache.",
    ),
    constant("reserve_bytes", Amount, |s| &mut s.reserve.0, "Memory of activations, graphs and buffers."),
    constant(
        "output_reserved",
        Share,
        |s| &mut s.output_reserved,
        "Share of the answer for which room is set aside at admission.",
    ),
    constant("block_tokens", Surplus, |s| &mut s.block_tokens, "Tokens of a cache block."),
    constant("max_batch", Surplus, |s| &mut s.max_batch, "Requests that one replica runs together, at most."),
    constant("max_batched_tokens", Surplus, |s| &mut s.max_batched_tokens, "Tokens that one step computes, at most."),
    constant("graph_batch", Amount, |s| &mut s.graph_batch, "Requests of the largest step that is a captured graph."),
    constant(
        "first_token_s",
        Amount,
        |s| &mut s.first_token.0,
        "Time to the first token beside kernels: of a server, fixed.",
    ),
    constant(
        "first_token_steps",
        Amount,
        |s| &mut s.first_token_steps,
        "Decode steps that a request passes before its first token.",
    ),
    constant(
        "admission_share",
        Share,
        |s| &mut s.admission_share,
        "Share of the interval between two looks at the queue that a request waits.",
    ),
    constant(
        "burst_requests",
        Positive,
        |s| &mut s.burst_requests,
        "Requests after which the opening burst of prefills is forgotten.",
    ),
    constant("queue_weight", Amount, |s| &mut s.queue_weight, "Weight of waiting for steps."),
    constant(
        "routing_independence",
        DividingShare,
        |s| &mut s.routing_independence,
        "How independently the tokens of a batch choose experts.",
    ),
    constant(
        "pool_rank_imbalance",
        Surplus,
        |s| &mut s.pool_rank_imbalance,
        "Time of a prefill step of attention replicas that share experts over its mean.",
    ),
    constant("logit_bytes", Amount, |s| &mut s.logit_bytes, "Bytes moved per logit."),
];
