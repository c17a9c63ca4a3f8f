//! Training, level row: what one device of a stage holds, trains, keeps and leaves to its host.
use super::exchange::stage_parameters;
use super::training::{Step, TrainingSetup};
use super::training_times::TrainingWork;
use crate::memory::state::{DeviceParameters, ModelState, StageParameters, StateBytes};
use crate::parallel::pipeline::StageClass;
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

/// Share of a stage's layers that are run again: all, or `recompute_layers` of them (Megatron-LM's `--recompute-num-layers`).
#[must_use]
pub fn share_again(stage: &StageClass, setup: &TrainingSetup) -> f64 {
    let layers = stage.layer_count;
    match setup.recompute_layers {
        0 => 1.0,
        chosen => (f64::from(chosen) / layers.max(1.0)).min(1.0),
    }
}

/// Bytes that a stage's layers keep of one micro-batch, prediction layers not counted.
#[must_use]
pub fn kept_bytes(work: &TrainingWork, stage: &StageClass, setup: &TrainingSetup) -> f64 {
    let again = share_again(stage, setup);
    let kinds = work.kept_bytes.iter().zip(work.plain_kept_bytes).zip(stage.layers);
    kinds.map(|((kept, plain), count)| (kept * again + plain * (1.0 - again)) * count).sum()
}

/// Of `bytes` that the layers of a stage keep, those that stay on the device.
#[must_use]
pub fn on_device(bytes: f64, work: &TrainingWork, setup: &TrainingSetup) -> f64 {
    if !Offload::Activations.is_in(setup.offload) {
        return bytes;
    }
    let largest = work.kept_bytes.iter().chain(&work.plain_kept_bytes).copied().fold(0.0, f64::max);
    bytes.min(LAYERS_AT_WORK * largest)
}

impl Step<'_> {
    /// Bytes per parameter; `weight` is that of the layers' own matrices.
    pub(super) fn state_bytes(&self) -> StateBytes {
        let layout = &self.levels.work.layout;
        let bytes = StateBytes {
            gradient: layout.gradient.bytes(),
            ..StateBytes::of(self.levels.precision, self.setup.optimizer)
        };
        match layout.mode {
            Mode::Qlora => StateBytes { weight: NF4_BITS / 8.0, ..bytes },
            // Frozen weights have no use for the transposed copies that gradients of weights read.
            Mode::Lora => StateBytes { weight: self.levels.precision.unquantised_bytes(), ..bytes },
            Mode::Pretraining | Mode::FullFinetuning => bytes,
        }
    }

    /// Parameters of one device of a stage.
    pub(super) fn parameters(&self, stage: &StageClass) -> StageParameters {
        let work = self.levels.work;
        let mut held = stage_parameters(self.levels.shape, work, stage);
        let mut layers = DeviceParameters::default();
        let mut adapters = DeviceParameters::default();
        for ((own, trained), count) in work.parameters.iter().zip(&work.trained).zip(stage.layers) {
            layers.add(own, count);
            adapters.add(trained, count);
        }
        if stage.last {
            layers.add(&work.prediction_parameters, 1.0);
            adapters.add(&work.prediction_trained, 1.0);
            adapters.add(&work.head_adapter, 1.0);
        }
        if work.layout.mode.frozen() {
            held.add(&adapters, 1.0);
            StageParameters { held, layers, trained: adapters }
        } else {
            StageParameters { held, layers, trained: held }
        }
    }

    /// Weights, gradients and optimizer state of one device of a stage, wherever they live.
    pub(super) fn state(&self, parameters: &StageParameters) -> ModelState {
        // A second copy of the model on the same devices doubles the ranks that hold the same parameters.
        let copies = self.setup.schedule.copies();
        let (data, experts) =
            (self.placement.sharding().shards.size * copies, self.placement.expert_sharding().shards.size * copies);
        let plain = self.levels.precision.unquantised_bytes();
        ModelState::of_stage(parameters, &self.state_bytes(), plain, self.setup.zero_stage, data, experts)
    }
}
