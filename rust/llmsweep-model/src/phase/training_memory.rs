//! Training, level row: memory of the fullest device.
use super::Device;
use super::training::{Counted, Groups};
use super::training_stage::TrainingStage;
use super::training_state::{Offload, on_device};
use crate::memory::moments::StageStep;
use crate::memory::state::ModelState;
use crate::parallel::pipeline::StageClass;
use crate::quantity::Bytes;
use crate::reject::Reject;
use crate::system::TrainingSystem;

/// Bytes of a gradient in single precision.
const SINGLE: f64 = 4.0;

/// Memory of the fullest device at the fullest moment of a step. \[B\]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TrainingMemory {
    /// Weights.
    pub weights: f64,
    /// Gradients.
    pub gradients: f64,
    /// Optimizer state.
    pub optimizer: f64,
    /// Activations.
    pub activations: f64,
    /// Logits and their gradient.
    pub logits: f64,
    /// Whole weights of layers that are held in parts.
    pub gathered: f64,
    /// What lives for one kernel or message: gradients before they are added to the sum, buffers.
    pub temporary: f64,
    /// What the allocator reserves beyond all of it.
    pub fragmentation: f64,
    /// All of it.
    pub peak: f64,
    /// The framework's context and the buffers of its groups of ranks, outside of the allocator.
    pub context: f64,
    /// What lives in the host's memory instead.
    pub host: f64,
    /// What a process can use beside the context.
    pub usable: f64,
    /// Stage that is fullest, from 0.
    pub stage: f64,
}

/// The terms of a device's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is the field of the same name of `TrainingMemory`")]
pub enum MemoryTerm {
    Weights,
    Gradients,
    Optimizer,
    Activations,
    Logits,
    Gathered,
    Temporary,
}

impl MemoryTerm {
    /// Names in the `memory_term` column, in the order of the codes.
    pub const NAMES: [&'static str; 7] =
        ["weights", "gradients", "optimizer", "activations", "logits", "gathered", "temporary"];
}

impl TrainingMemory {
    /// Its terms; with what fragments they add up to the peak.
    #[must_use]
    pub const fn terms(&self) -> [(MemoryTerm, f64); 7] {
        [
            (MemoryTerm::Weights, self.weights),
            (MemoryTerm::Gradients, self.gradients),
            (MemoryTerm::Optimizer, self.optimizer),
            (MemoryTerm::Activations, self.activations),
            (MemoryTerm::Logits, self.logits),
            (MemoryTerm::Gathered, self.gathered),
            (MemoryTerm::Temporary, self.temporary),
        ]
    }

    /// The term that holds most.
    #[must_use]
    pub fn largest(&self) -> MemoryTerm {
        let [first, rest @ ..] = self.terms();
        rest.into_iter().fold(first, |one, other| if other.1 > one.1 { other } else { one }).0
    }

    /// With what the allocator holds back as well, as far as there is room: it gives that back before it runs out.
    #[must_use]
    pub fn with_cache(self, cached: f64) -> Self {
        let peak = (self.peak * cached).min(self.usable);
        Self { peak, fragmentation: self.fragmentation + peak - self.peak, ..self }
    }

    /// The first of weights, model state and everything that does not fit.
    fn check(&self) -> Result<(), Reject> {
        let state = self.weights + self.gradients + self.optimizer;
        let reserved = self.peak / (self.peak - self.fragmentation);
        if self.peak <= self.usable {
            Ok(())
        } else if self.weights > self.usable {
            Err(Reject::WeightsDoNotFit)
        } else if state * reserved > self.usable {
            Err(Reject::OptimizerDoesNotFit)
        } else {
            Err(Reject::ActivationsDoNotFit)
        }
    }
}

/// Why a setup can't run, and how much memory it would need if it is that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refusal {
    /// The reason.
    pub reject: Reject,
    /// What the fullest device would hold, where the reason is memory.
    pub memory: Option<TrainingMemory>,
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self { reject, memory: None }
    }
}

impl TrainingMemory {
    /// The same on a device, where it fits.
    ///
    /// # Errors
    /// The first of weights, model state and everything that does not, with all that is held.
    #[inline]
    pub fn on(self, device: &Device, system: &TrainingSystem) -> Result<Self, Refusal> {
        let usable = (device.accelerator.memory - Bytes(self.context)).max(Bytes::ZERO).0;
        let held = Self { usable, ..self };
        match held.check() {
            Ok(()) => Ok(held.with_cache(system.cached)),
            Err(reject) => Err(Refusal { reject, memory: Some(held) }),
        }
    }
}

impl Counted<'_> {
    /// The fullest stage at its fullest moment, wherever it may fit: what is usable is not known yet.
    #[must_use]
    pub fn memory(&self) -> TrainingMemory {
        let system = self.system;
        let (mut fullest, mut held) = (None, 0.0);
        for stage in self.stages {
            let (state, away) = self.on_device(stage);
            let step = self.stage_step(stage);
            let own = state.total() + step.most();
            if own > held {
                (fullest, held) = (Some((stage, state, away, step)), own);
            }
        }
        let context = (system.context + system.communicator * self.communicators()).0;
        let Some((stage, state, away, step)) = fullest else {
            return TrainingMemory { context, ..TrainingMemory::default() };
        };
        let moment = step.fullest();
        let peak = held * system.fragmentation;
        TrainingMemory {
            weights: state.weights,
            gradients: state.gradients,
            optimizer: state.optimizer,
            activations: moment.activations,
            logits: moment.logits,
            gathered: moment.gathered,
            temporary: moment.temporary,
            fragmentation: peak - held,
            peak,
            context,
            host: away + self.activations_on_host(stage),
            usable: 0.0,
            stage: stage.class.earliest,
        }
    }

    /// Model state of a stage's device, and what of it is its host's.
    #[inline]
    fn on_device(&self, stage: &TrainingStage) -> (ModelState, f64) {
        let Self { precision, system, setup, bytes, .. } = *self;
        let whole = self.state(&stage.parameters);
        // A 16-bit gradient that stays beside the sum in single precision is not sharded before that is.
        let copied = if bytes.gradient > precision.unquantised_bytes() {
            system.gradient_copy_bytes / bytes.gradient
        } else {
            0.0
        };
        let away = if Offload::Optimizer.is_in(setup.offload) { whole.optimizer } else { 0.0 };
        let gradients = whole.gradients * (1.0 + copied);
        (ModelState { gradients, optimizer: whole.optimizer - away, ..whole }, away)
    }

    /// Groups of ranks that send to each other, all of them together included: each has buffers of its own.
    fn communicators(&self) -> f64 {
        let Self { setup, groups: Groups { placement, .. }, .. } = self;
        let sizes = [
            f64::from(setup.devices),
            placement.tensor,
            placement.context,
            placement.data,
            placement.expert,
            f64::from(setup.pipeline),
        ];
        sizes.into_iter().filter(|size| *size > 1.0).count() as f64
    }

    /// Bytes that a stage keeps of one micro-batch, and how many wait for their backward pass.
    fn waiting(&self, stage: &TrainingStage) -> (f64, f64) {
        let Self { work, setup, .. } = self;
        let prediction = if stage.class.last { work.prediction_kept_bytes } else { 0.0 };
        let (pipeline, chunks) = (f64::from(setup.pipeline), f64::from(setup.virtual_pipeline));
        let in_flight = setup.schedule.in_flight(pipeline, chunks, self.groups.micro_batches, stage.class.earliest);
        (stage.kept_bytes + prediction, in_flight)
    }

    /// Of what a stage keeps, the bytes that its host holds.
    fn activations_on_host(&self, stage: &TrainingStage) -> f64 {
        let (kept, in_flight) = self.waiting(stage);
        kept * in_flight - on_device(kept * in_flight, self.work, self.setup)
    }

    /// What a stage holds in the course of a step.
    #[inline]
    fn stage_step(&self, stage: &TrainingStage) -> StageStep {
        let Self { precision, work, system, setup, bytes, groups, .. } = *self;
        let (kept, in_flight) = self.waiting(stage);
        let resident = on_device(kept * in_flight, work, setup);
        let StageClass { first, last, .. } = stage.class;
        // Gradients are written in the 16 bits of plain weights; frozen weights have none.
        let written = if work.layout.mode.frozen() { 0.0 } else { precision.unquantised_bytes() };
        // A stage whose result stays until its backward pass keeps one more stream than its layers' inputs.
        let result = if setup.pipeline > 1 && !last { system.stage_results_kept * work.stage_message.0 } else { 0.0 };
        let only = |condition: bool, bytes: f64| if condition { bytes } else { 0.0 };
        let scattered = setup.zero_stage >= 2 && groups.state_ranks.1 > 1.0;
        let layer_gradient = if scattered { stage.largest_gradient_whole } else { stage.largest_gradient };
        StageStep {
            kept: resident / in_flight + result,
            in_flight,
            live: work.live_bytes,
            logits: only(last, work.logits_bytes),
            // ZeRO-3 holds the whole weights of the layer at work and of the one it fetches ahead.
            gathered: only(setup.zero_stage == 3, 2.0 * work.largest_layer_parameters * bytes.weight),
            layer_gradient: written * layer_gradient,
            head_gradient: only(last, written * work.head_parameters),
            embedding_gradient: only(first, written * work.embedding_parameters),
            update: only(bytes.gradient < SINGLE, self.updated(&stage.parameters) * SINGLE),
            buffers: only(groups.placement.data_ring().size > 1.0, system.bucket_bytes),
        }
    }
}
