//! Why a setup can't run: one name and one sentence each.

/// A reason that a setup can't run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant's meaning is its entry in `doc`")]
pub enum Reject {
    PrecisionUnsupported,
    PrecisionNotTrained,
    TensorParallelHeads,
    TensorParallelMlp,
    ExpertParallelDense,
    ExpertParallelExperts,
    ExpertParallelRanks,
    ExpertTensorParallel,
    ContextParallelSequence,
    ContextParallelHeads,
    SequenceTooLong,
    NothingTrained,
    PipelineTooDeep,
    VirtualPipelineAlone,
    VirtualPipelineBatches,
    ScheduleAlone,
    ScheduleChunks,
    ScheduleBatches,
    StageLayers,
    DevicesNotDivisible,
    DevicesTooFew,
    GlobalBatchNotDivisible,
    DataParallelReplicate,
    ContextTooLong,
    ConcurrencyBelowReplicas,
    WeightsDoNotFit,
    OptimizerDoesNotFit,
    ActivationsDoNotFit,
    CacheDoesNotFit,
    BatchDoesNotFit,
    FailsTooOften,
    DrafterMissing,
    DrafterSplit,
    Overloaded,
    StaticArrivals,
    FleetTooSmall,
    PrefillPrecisionUnsupported,
    PrefillLayout,
    PrefillDoesNotFit,
}

impl Reject {
    /// Every reason, in the order of its code.
    pub const ALL: [Self; 39] = [
        Self::PrecisionUnsupported,
        Self::PrecisionNotTrained,
        Self::TensorParallelHeads,
        Self::TensorParallelMlp,
        Self::ExpertParallelDense,
        Self::ExpertParallelExperts,
        Self::ExpertParallelRanks,
        Self::ExpertTensorParallel,
        Self::ContextParallelSequence,
        Self::ContextParallelHeads,
        Self::SequenceTooLong,
        Self::NothingTrained,
        Self::PipelineTooDeep,
        Self::VirtualPipelineAlone,
        Self::VirtualPipelineBatches,
        Self::ScheduleAlone,
        Self::ScheduleChunks,
        Self::ScheduleBatches,
        Self::StageLayers,
        Self::DevicesNotDivisible,
        Self::DevicesTooFew,
        Self::GlobalBatchNotDivisible,
        Self::DataParallelReplicate,
        Self::ContextTooLong,
        Self::ConcurrencyBelowReplicas,
        Self::WeightsDoNotFit,
        Self::OptimizerDoesNotFit,
        Self::ActivationsDoNotFit,
        Self::CacheDoesNotFit,
        Self::BatchDoesNotFit,
        Self::FailsTooOften,
        Self::DrafterMissing,
        Self::DrafterSplit,
        Self::Overloaded,
        Self::StaticArrivals,
        Self::FleetTooSmall,
        Self::PrefillPrecisionUnsupported,
        Self::PrefillLayout,
        Self::PrefillDoesNotFit,
    ];

    /// Position in [`Reject::ALL`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Name in the `reject` column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrecisionUnsupported => "precision_unsupported",
            Self::PrecisionNotTrained => "precision_not_trained",
            Self::TensorParallelHeads => "tensor_parallel_heads",
            Self::TensorParallelMlp => "tensor_parallel_mlp",
            Self::ExpertParallelDense => "expert_parallel_dense",
            Self::ExpertParallelExperts => "expert_parallel_experts",
            Self::ExpertParallelRanks => "expert_parallel_ranks",
            Self::ExpertTensorParallel => "expert_tensor_parallel",
            Self::ContextParallelSequence => "context_parallel_sequence",
            Self::ContextParallelHeads => "context_parallel_heads",
            Self::SequenceTooLong => "sequence_too_long",
            Self::NothingTrained => "nothing_trained",
            Self::PipelineTooDeep => "pipeline_too_deep",
            Self::VirtualPipelineAlone => "virtual_pipeline_alone",
            Self::VirtualPipelineBatches => "virtual_pipeline_batches",
            Self::ScheduleAlone => "schedule_alone",
            Self::ScheduleChunks => "schedule_chunks",
            Self::ScheduleBatches => "schedule_batches",
            Self::StageLayers => "stage_layers",
            Self::DevicesNotDivisible => "devices_not_divisible",
            Self::DevicesTooFew => "devices_too_few",
            Self::GlobalBatchNotDivisible => "global_batch_not_divisible",
            Self::DataParallelReplicate => "data_parallel_replicate",
            Self::ContextTooLong => "context_too_long",
            Self::ConcurrencyBelowReplicas => "concurrency_below_replicas",
            Self::WeightsDoNotFit => "weights_do_not_fit",
            Self::OptimizerDoesNotFit => "optimizer_does_not_fit",
            Self::ActivationsDoNotFit => "activations_do_not_fit",
            Self::CacheDoesNotFit => "cache_does_not_fit",
            Self::BatchDoesNotFit => "batch_does_not_fit",
            Self::FailsTooOften => "fails_too_often",
            Self::DrafterMissing => "drafter_missing",
            Self::DrafterSplit => "drafter_split",
            Self::Overloaded => "overloaded",
            Self::StaticArrivals => "static_arrivals",
            Self::FleetTooSmall => "fleet_too_small",
            Self::PrefillPrecisionUnsupported => "prefill_precision_unsupported",
            Self::PrefillLayout => "prefill_layout",
            Self::PrefillDoesNotFit => "prefill_does_not_fit",
        }
    }

    /// One sentence: what is wrong and what would be right.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::PrecisionUnsupported => "The accelerator has no matrix units for the precision's compute format.",
            Self::PrecisionNotTrained => {
                "No training recipe exists in this precision; train in one that the precision table marks."
            }
            Self::TensorParallelHeads => "tensor_parallel must divide the attention heads (and the mixer's heads).",
            Self::TensorParallelMlp => "tensor_parallel must divide the MLP's intermediate channels.",
            Self::ExpertParallelDense => {
                "The model has no experts: expert_parallel and expert_tensor_parallel must be 1."
            }
            Self::ExpertParallelExperts => "expert_parallel must divide the number of experts.",
            Self::ExpertParallelRanks => "The expert-parallel ranks must divide the ranks that share a stage.",
            Self::ExpertTensorParallel => "expert_tensor_parallel must divide the experts' intermediate channels.",
            Self::ContextParallelSequence => {
                "2 · context_parallel must divide the sequence length (causal load balance)."
            }
            Self::ContextParallelHeads => {
                "With context_exchange \"all_to_all\" tensor_parallel · context_parallel must divide the attention heads."
            }
            Self::SequenceTooLong => "The sequence is longer than the model's learned positions.",
            Self::NothingTrained => "The model has none of the matrices of lora_modules: no adapter would train.",
            Self::PipelineTooDeep => "There are fewer layers than pipeline stages times model chunks.",
            Self::VirtualPipelineAlone => "virtual_pipeline above 1 needs pipeline_parallel above 1.",
            Self::VirtualPipelineBatches => {
                "The interleaved schedule needs micro-batches in multiples of pipeline_parallel."
            }
            Self::ScheduleAlone => "A schedule other than 1f1b needs pipeline_parallel above 1.",
            Self::ScheduleChunks => {
                "virtual_pipeline must be 2 with zero_bubble_v and dualpipe_v, and 1 with gpipe, zero_bubble_h1 and dualpipe."
            }
            Self::ScheduleBatches => {
                "dualpipe and dualpipe_v need 2 · pipeline_parallel micro-batches at least, dualpipe an even number of both."
            }
            Self::StageLayers => {
                "The layers left by first_stage_layers and last_stage_layers can't be shared by the other stages' chunks."
            }
            Self::DevicesNotDivisible => "devices must be a multiple of tensor · context · pipeline parallel.",
            Self::DevicesTooFew => "There are fewer devices than tensor · context · pipeline parallel.",
            Self::GlobalBatchNotDivisible => "global_batch must be a multiple of replicas · micro_batch.",
            Self::DataParallelReplicate => {
                "data_parallel_replicate must divide the ranks that hold the same parameters, and those of the same experts."
            }
            Self::ContextTooLong => {
                "input_tokens + output_tokens, of one request in a hundred where lengths vary, exceed the context of the model, of its draft model, or max_model_len."
            }
            Self::ConcurrencyBelowReplicas => "There are fewer requests in flight than replicas.",
            Self::WeightsDoNotFit => "The weights of the fullest device exceed its usable memory.",
            Self::OptimizerDoesNotFit => {
                "Weights, gradients and optimizer state of the fullest device exceed its usable memory."
            }
            Self::ActivationsDoNotFit => {
                "Model state fits, but with activations, logits and buffers the fullest device exceeds its usable memory."
            }
            Self::CacheDoesNotFit => "The weights fit, but the cache has no room for one request of full length.",
            Self::BatchDoesNotFit => "The cache has no room for the whole static batch.",
            Self::DrafterMissing => {
                "Nothing can guess tokens: \"draft\" needs a draft_model, \"mtp\" a model with prediction layers, \"eagle\" one with attention."
            }
            Self::DrafterSplit => "What guesses tokens can't be split over the tensor-parallel ranks.",
            Self::FailsTooOften => {
                "Failures and checkpoints leave less than 1 % of the time to training: raise device_mtbf_hours or spare_devices."
            }
            Self::Overloaded => "Requests arrive faster than the replicas can finish them, whatever they wait.",
            Self::StaticArrivals => "Static batches take no arrivals: arrival_rate_per_s needs continuous batching.",
            Self::FleetTooSmall => "One replica needs more devices than the fleet has.",
            Self::PrefillPrecisionUnsupported => {
                "The prefill pool's accelerator has no matrix units for the compute format of its precision."
            }
            Self::PrefillLayout => {
                "The prefill pool's parallelism does not divide the model's heads, channels, experts or layers, or its own ranks."
            }
            Self::PrefillDoesNotFit => {
                "The weights of the prefill pool's fullest device, or the cache of one prompt beside them, exceed its memory."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_positions() {
        for (position, reject) in Reject::ALL.iter().enumerate() {
            assert_eq!(usize::from(reject.code()), position);
        }
    }
}
