//! What software adds to the silicon: constants of training stacks and serving engines, each from the catalogue.
use crate::precision::Precision;
use crate::quantity::{Bytes, BytesPerSec, Seconds};

/// Constants of a training stack.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainingSystem {
    /// Host time per kernel launch.
    pub host_launch: Seconds,
    /// Share of the host's time that the device waits for, however much it has to do: synchronisation.
    pub host_exposed: f64,
    /// Kernels that the host launches in one layer's forward pass.
    pub layer_launches: f64,
    /// Launches more for each message of tensor parallelism.
    pub tensor_launches: f64,
    /// Floor of a layer of experts, forward and backward of one micro-batch: dropless dispatch waits for the host.
    pub expert_layer_floor: Seconds,
    /// Share of tensor-parallel communication left exposed where sequence parallelism lets it overlap with multiplications.
    pub tensor_exposed_overlapped: f64,
    /// Share left exposed otherwise.
    pub tensor_exposed: f64,
    /// Speed of the experts' exchange amid training over that of its kernels alone.
    pub expert_all_to_all_ratio: f64,
    /// Share of the experts' exchange left exposed; the rest overlaps with another micro-batch's kernels.
    pub expert_exposed: f64,
    /// Tokens of the busiest rank over the mean.
    pub expert_imbalance: f64,
    /// Bytes moved per logit in the forward pass of the loss.
    pub logit_bytes: f64,
    /// Bytes moved per parameter when a micro-batch's gradient is added to the sum.
    pub gradient_accumulation_bytes: f64,
    /// Bytes of gradient exchanged per parameter.
    pub gradient_message_bytes: f64,
    /// Bytes moved per value that is cast to a narrow format, both layouts written.
    pub cast_bytes: f64,
    /// The same in blocks of 32 values over that with one scale.
    pub cast_ratio_mxfp8: f64,
    /// The same in 4 bits, with the rotation of values before.
    pub cast_ratio_nvfp4: f64,
    /// Bandwidth of the host's memory for each device.
    pub host_memory_bandwidth: BytesPerSec,
    /// Share of data-parallel messages that the stack lets run beside kernels, where there is time for them.
    pub data_overlap: f64,
    /// How much longer kernels take while a message runs beside them.
    pub overlap_compute_slowdown: f64,
    /// Spread of the replicas' times over the mean, one standard deviation.
    pub straggler_sigma: f64,
    /// Memory that the allocator holds back over what it hands out, and gives back when it has to.
    pub cached: f64,
    /// Memory that fragments over what it hands out.
    pub fragmentation: f64,
    /// Memory of the framework's context: the driver's, kernels and libraries.
    pub context: Bytes,
    /// Buffers of a group of ranks in the library of messages.
    pub communicator: Bytes,
    /// Bytes per parameter of 16-bit gradients that stay beside their sum in single precision.
    pub gradient_copy_bytes: f64,
    /// Results of a pipeline stage that stay, per micro-batch in flight, until its backward pass: 0 or 1.
    pub stage_results_kept: f64,
    /// Buffers of data-parallel messages that are held all the time. \[B\]
    pub bucket_bytes: f64,
    /// Parameters of a bucket of gradients, at least.
    pub bucket_parameters: f64,
    /// Parameters of a bucket of gradients for each data-parallel rank.
    pub bucket_parameters_per_rank: f64,
    /// Share of the experts' messages that a pair of passes leaves exposed.
    pub paired_exposed: f64,
}

impl TrainingSystem {
    /// Parameters of a bucket of gradients on `ranks` data-parallel ranks: more where there are many, so that the parts that a ring passes on
    /// stay large.
    ///
    /// ```
    /// # use llmsweep_model::system::TrainingSystem;
    /// let megatron_lm =
    ///     TrainingSystem { bucket_parameters: 40e6, bucket_parameters_per_rank: 1e6, ..TrainingSystem::default() };
    /// assert_eq!((megatron_lm.bucket(8.0), megatron_lm.bucket(128.0)), (40e6, 128e6));
    /// ```
    #[must_use]
    pub fn bucket(&self, ranks: f64) -> f64 {
        (self.bucket_parameters_per_rank * ranks).max(self.bucket_parameters)
    }

    /// Bytes moved per value that a precision casts; 0 where multiplications take values as they are.
    #[must_use]
    pub fn cast_traffic(&self, precision: &Precision) -> f64 {
        if precision.activation_bits >= precision.unquantised_bits {
            return 0.0;
        }
        let ratio = match precision.name {
            "mxfp8" => self.cast_ratio_mxfp8,
            "nvfp4" => self.cast_ratio_nvfp4,
            _ => 1.0,
        };
        self.cast_bytes * ratio
    }
}

/// Constants of a serving engine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServingEngine {
    /// Host time per step.
    pub host_step: Seconds,
    /// Host time per step and running request.
    pub host_request: Seconds,
    /// Start of a kernel inside a captured graph.
    pub kernel_start: Seconds,
    /// Share of device memory that the engine takes.
    pub memory_fraction: f64,
    /// Share of what weights and reserve leave of it that becomes cache.
    pub cache_fraction: f64,
    /// Memory kept for activations, graphs and communication buffers.
    pub reserve: Bytes,
    /// Share of the answer for which the engine sets cache aside when it admits a request.
    pub output_reserved: f64,
    /// Tokens of a cache block; the last block of a request is half empty on average.
    pub block_tokens: f64,
    /// Time to the first token beside kernels: fixed.
    pub first_token: Seconds,
    /// Decode steps that a request passes on its way to the first token.
    pub first_token_steps: f64,
    /// Share of the interval between two looks at the queue that a request waits.
    pub admission_share: f64,
    /// Requests after which the opening burst of prefills is forgotten.
    pub burst_requests: f64,
    /// Weight of queueing for steps, `ρ/(1−ρ)`.
    pub queue_weight: f64,
    /// How independently the tokens of a batch choose experts.
    pub routing_independence: f64,
    /// How independently of each other attention replicas that share experts begin prompts.
    pub prompt_independence: f64,
    /// Bytes moved per logit.
    pub logit_bytes: f64,
    /// Requests that one replica runs together, at most.
    pub max_batch: f64,
    /// Tokens that one step computes, at most: a longer prompt is prefilled in chunks.
    pub max_batched_tokens: f64,
    /// Time of a prefill step of attention replicas that share experts over its mean: all wait for the fullest.
    pub pool_rank_imbalance: f64,
    /// Host time per step where a replica has several devices: their processes are told what to do.
    pub host_group: Seconds,
    /// Host time per step and token in the cache of the running requests: tables of blocks.
    pub host_token: Seconds,
    /// Host time per step for each pipeline stage after the first.
    pub host_stage: Seconds,
    /// Bytes that a unit reads in a second where a matrix meets few vectors; zero for no such limit.
    pub unit_bandwidth: BytesPerSec,
    /// 1 where tensor-parallel ranks sum by the library and not by a kernel of the engine's own; else 0.
    pub library_all_reduce: f64,
    /// Idle time between kernels that are launched one by one.
    pub launch_gap: Seconds,
    /// Speed of arithmetic over that of the kernels that laws are fitted to.
    pub compute_ratio: f64,
    /// Time of a unit for a cached value and query head on scalar lanes; zero on matrix units.
    pub cache_lane: Seconds,
    /// The same of caches of at most 8 bits in a format in which the chip computes.
    pub narrow_cache_lane: Seconds,
    /// The same in a format that the chip has to convert.
    pub converted_cache_lane: Seconds,
    /// Query heads to a key for which attention over the cache runs on matrix units whatever these say; zero for none.
    pub cache_matrix_group: f64,
    /// 1 where narrow weights are expanded to 16 bits in memory for many tokens, if that is faster; else 0.
    pub weights_expanded: f64,
    /// 1 where multiplications accumulate in 16 bits, which some chips do faster; else 0.
    pub half_accumulation: f64,
}
