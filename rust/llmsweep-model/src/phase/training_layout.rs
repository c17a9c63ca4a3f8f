//! Training, level work: how a layer is spread, how much it sees at once, what is trained and what is run again.
use crate::arch::ModelShape;
use crate::memory::activations::Recompute;
use crate::memory::recompute::Again;
use crate::memory::state::GradientPrecision;
use crate::parallel::context::ContextExchange;
use crate::parallel::divide;
use crate::precision::Precision;
use crate::reject::Reject;
use crate::subset::Subset;
use crate::work::Split;
use crate::work::adapters::{Adapters, Mode};
use crate::work::attention::AttentionKernel;

/// Level *work*: how a layer is spread and how much of the data it sees at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingLayout {
    /// Tensor-parallel size.
    pub tensor: u32,
    /// Expert-parallel size.
    pub expert: u32,
    /// Devices that share one expert's matrices.
    pub expert_tensor: u32,
    /// Context-parallel size.
    pub context: u32,
    /// What context-parallel ranks send each other.
    pub context_exchange: ContextExchange,
    /// Whether norms and residuals are split over the tensor-parallel group too.
    pub sequence_parallel: bool,
    /// Tokens of a sequence.
    pub sequence_length: u32,
    /// Sequences of a micro-batch.
    pub micro_batch: u32,
    /// What is computed again in the backward pass.
    pub recompute: Recompute,
    /// How scores are computed.
    pub kernel: AttentionKernel,
    /// Whether the model's multi-token-prediction layers train too, on the last stage.
    pub multi_token_prediction: bool,
    /// The modules of selective recomputation, positions of [`Module::NAMES`](crate::memory::recompute::Module::NAMES).
    pub recompute_modules: Subset,
    /// What is trained.
    pub mode: Mode,
    /// Rank of adapters.
    pub lora_rank: u32,
    /// The matrices that have adapters, positions of [`Target::NAMES`](crate::work::adapters::Target::NAMES).
    pub lora_modules: Subset,
    /// Format of the sum of gradients.
    pub gradient: GradientPrecision,
    /// Tokens of the busiest expert-parallel rank over the mean, beside the stack's own imbalance.
    pub expert_imbalance: f64,
}

impl TrainingLayout {
    /// What is run again in the backward pass.
    #[must_use]
    pub fn again(&self) -> Again {
        Again { recompute: self.recompute, modules: self.recompute_modules }
    }

    /// The same as the counting functions take it.
    pub(super) fn split(&self) -> Split {
        Split {
            tensor: f64::from(self.tensor),
            sequence_parallel: self.sequence_parallel && self.tensor > 1,
            context: f64::from(self.context),
            context_exchange: self.context_exchange,
            expert: f64::from(self.expert),
            expert_tensor: f64::from(self.expert_tensor),
        }
    }

    /// Refuses what no device can run, however large.
    pub(super) fn check(&self, shape: &ModelShape, precision: &Precision) -> Result<(), Reject> {
        if !precision.trains {
            return Err(Reject::PrecisionNotTrained);
        }
        divide::layer(shape, self.tensor, self.expert, self.expert_tensor)?;
        if self.context > 1 && !u64::from(self.sequence_length).is_multiple_of(2 * u64::from(self.context)) {
            return Err(Reject::ContextParallelSequence);
        }
        self.context_exchange.divides(shape, self.tensor, self.context)?;
        if shape.position == crate::arch::Position::Learned && self.sequence_length > shape.max_context {
            return Err(Reject::SequenceTooLong);
        }
        Ok(())
    }

    /// The adapters, where the model's own weights are frozen.
    #[must_use]
    pub fn adapters(&self) -> Option<Adapters> {
        self.mode.frozen().then(|| Adapters { rank: f64::from(self.lora_rank), targets: self.lora_modules })
    }
}
