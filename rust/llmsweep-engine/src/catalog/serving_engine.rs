//! Constants of serving engines: those of `systems/serving.toml`, and of what an engine has in their place.
use llmsweep_model::system::ServingEngine;

use super::constant::Range::{Amount, DividingShare, Positive, Share, Surplus};
use super::constant::{Constant, constant};

/// Every constant of a serving engine.
pub const SERVING: [Constant<ServingEngine>; 32] = [
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
        "prompt_independence",
        Share,
        |s| &mut s.prompt_independence,
        "How independently of each other attention replicas that share experts begin prompts.",
    ),
    constant(
        "pool_rank_imbalance",
        Surplus,
        |s| &mut s.pool_rank_imbalance,
        "Time of a prefill step of attention replicas that share experts over its mean.",
    ),
    constant("logit_bytes", Amount, |s| &mut s.logit_bytes, "Bytes moved per logit."),
    constant(
        "host_group_s",
        Amount,
        |s| &mut s.host_group.0,
        "Host time of a step more where a replica has several devices.",
    ),
    constant("host_token_s", Amount, |s| &mut s.host_token.0, "Host time of a step for each token in the cache."),
    constant(
        "host_stage_s",
        Amount,
        |s| &mut s.host_stage.0,
        "Host time of a step for each pipeline stage after the first.",
    ),
    constant(
        "unit_bandwidth_bytes_per_s",
        Amount,
        |s| &mut s.unit_bandwidth.0,
        "Bytes that a compute unit reads in a second where a matrix meets few vectors; 0: no such limit.",
    ),
    constant(
        "library_all_reduce",
        Share,
        |s| &mut s.library_all_reduce,
        "1 where tensor-parallel ranks sum by the library, not by the engine's own kernel, else 0.",
    ),
    constant(
        "launch_gap_s",
        Amount,
        |s| &mut s.launch_gap.0,
        "Idle time between kernels that the host launches one by one.",
    ),
    constant(
        "compute_ratio",
        Positive,
        |s| &mut s.compute_ratio,
        "Speed of arithmetic over that of the kernels that laws are fitted to.",
    ),
    constant(
        "cache_lane_s",
        Amount,
        |s| &mut s.cache_lane.0,
        "Time of a compute unit for a cached value and query head on scalar lanes; 0 on matrix units.",
    ),
    constant(
        "narrow_cache_lane_s",
        Amount,
        |s| &mut s.narrow_cache_lane.0,
        "The same of caches of up to 8 bits in a format that the chip computes in.",
    ),
    constant(
        "converted_cache_lane_s",
        Amount,
        |s| &mut s.converted_cache_lane.0,
        "The same in a format that the chip has to convert.",
    ),
    constant(
        "cache_matrix_group",
        Amount,
        |s| &mut s.cache_matrix_group,
        "Query heads to a key with which it is on matrix units all the same; 0: none.",
    ),
    constant(
        "weights_expanded",
        Share,
        |s| &mut s.weights_expanded,
        "1 where narrow weights are expanded to 16 bits for many tokens, else 0.",
    ),
    constant(
        "half_accumulation",
        Share,
        |s| &mut s.half_accumulation,
        "1 where multiplications accumulate in 16 bits, else 0.",
    ),
];
