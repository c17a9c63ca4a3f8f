//! Training, level row: what one device of a stage holds, trains, keeps and leaves to its host.
use super::training::{Step, TrainingLevels, TrainingSetup};
use super::training_times::TrainingWork;
use crate::memory::state::{ModelState, StageParameters, StateBytes};
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
    let largest = work.kept_bytes.iter().chain(&work.plain_kept_bytes).copied().fold(0.0, f64::max);
    bytes.min(LAYERS_AT_WORK * largest)
}

/// Bytes per parameter; `weight` is that of the layers' own matrices.
pub(super) fn state_bytes(levels: &TrainingLevels, setup: &TrainingSetup) -> StateBytes {
    let layout = &levels.work.layout;
    let bytes = StateBytes { gradient: layout.gradient.bytes(), ..StateBytes::of(levels.precision, setup.optimizer) };
    match layout.mode {
        Mode::Qlora => StateBytes { weight: NF4_BITS / 8.0, ..bytes },
        // Frozen weights have no use for the transposed copies that gradients of weights read.
        Mode::Lora => StateBytes { weight: levels.precision.unquantised_bytes(), ..bytes },
        Mode::Pretraining | Mode::FullFinetuning => bytes,
    }
}

impl Step<'_> {
    /// Weights, gradients and optimizer state of one device of a stage, wherever they live.
    #[inline]
    pub(super) fn state(&self, parameters: &StageParameters) -> ModelState {
        let plain = self.levels.precision.unquantised_bytes();
        let (data, experts) = self.state_ranks;
        ModelState::of_stage(parameters, &self.bytes, plain, self.setup.zero_stage, data, experts)
    }
}
