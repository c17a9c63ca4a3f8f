//! Training, level row: what one device of a stage holds, trains, keeps and leaves to its host.
use super::training::{Counted, TrainingSetup};
use super::training_times::TrainingWork;
use crate::memory::state::{ModelState, StageParameters, StateBytes};
use crate::precision::Precision;
use crate::subset::Subset;
use crate::work::adapters::{Mode, NF4_BITS};

/// What can live in the host's memory, in the order of [`Offload::NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Offload {
    /// Master weights and moments, which the host updates (Ren et al. 2021, arXiv:2101.06840).
    Optimizer,
    /// What layers keep for their backward pass.
    Activations,
}

impl Offload {
    /// Names in specifications.
    pub const NAMES: [&'static str; 2] = ["optimizer", "activations"];

    /// Whether it is among the chosen.
    #[must_use]
    pub const fn is_in(self, chosen: Subset) -> bool {
        chosen.has(self as usize)
    }
}

/// Layers whose activations are on the device while the others' are on the host: the one at work and the one that travels.
const LAYERS_AT_WORK: f64 = 2.0;

/// Of `bytes` that the layers of a stage keep, those that stay on the device.
#[must_use]
pub fn on_device(bytes: f64, work: &TrainingWork, setup: &TrainingSetup) -> f64 {
    if !Offload::Activations.is_in(setup.offload) {
        return bytes;
    }
    bytes.min(LAYERS_AT_WORK * work.largest_kept_bytes)
}

/// Bytes per parameter; `weight` is that of the layers' own matrices.
pub(super) fn state_bytes(precision: &Precision, work: &TrainingWork, setup: &TrainingSetup) -> StateBytes {
    let layout = &work.layout;
    let bytes = StateBytes { gradient: layout.gradient.bytes(), ..StateBytes::of(precision, setup.optimizer) };
    match layout.mode {
        Mode::Qlora => StateBytes { weight: NF4_BITS / 8.0, ..bytes },
        // Frozen weights have no use for the transposed copies that gradients of weights read.
        Mode::Lora => StateBytes { weight: precision.unquantised_bytes(), ..bytes },
        Mode::Pretraining | Mode::FullFinetuning => bytes,
    }
}

impl Counted<'_> {
    /// Weights, gradients and optimizer state of one device of a stage, wherever they live.
    #[inline]
    pub(super) fn state(&self, parameters: &StageParameters) -> ModelState {
        let plain = self.precision.unquantised_bytes();
        let (data, experts) = self.groups.state_ranks;
        ModelState::of_stage(parameters, &self.bytes, plain, self.setup.zero_stage, data, experts)
    }

    /// Parameters that one device of a stage updates.
    #[inline]
    pub(super) fn updated(&self, parameters: &StageParameters) -> f64 {
        self.state(parameters).optimizer / self.bytes.optimizer
    }
}
