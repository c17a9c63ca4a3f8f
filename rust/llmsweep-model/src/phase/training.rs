//! Training, level row: pipeline, data parallelism, memory, and the whole run.
use super::Device;
use super::exchange::{Routes, StageMessages};
use super::share::{Bottleneck, KernelTime};
pub use super::training_groups::{Groups, Replicas};
use super::training_memory::{Refusal, TrainingMemory};
use super::training_pipeline::Pipelined;
use super::training_stage::{StageTime, TrainingStage};
use super::training_state::state_bytes;
use super::training_times::{TrainingTimes, TrainingWork};
use super::training_traffic::Traffic;
use crate::arch::ModelShape;
use crate::goodput::{Goodput, Reliability};
use crate::memory::state::{Optimizer, StateBytes};
use crate::operations::Operations;
use crate::parallel::pipeline::{Cut, Schedule};
use crate::precision::Precision;
use crate::quantity::{Bytes, Seconds};
use crate::reject::Reject;
use crate::subset::Subset;
use crate::system::TrainingSystem;

/// The axes of the row level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingSetup {
    /// Accelerators.
    pub devices: u32,
    /// Pipeline stages.
    pub pipeline: u32,
    /// Model chunks per stage.
    pub virtual_pipeline: u32,
    /// Sequences of one optimizer step.
    pub global_batch: u32,
    /// ZeRO stage.
    pub zero_stage: u32,
    /// Copies of what ZeRO shards.
    pub data_parallel_replicate: u32,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Tokens of the whole run.
    pub tokens: f64,
    /// The same as a multiple of the model's parameters; zero where `tokens` says it.
    pub tokens_per_parameter: f64,
    /// Mean time between failures of one accelerator. \[h\]
    pub device_mtbf_hours: f64,
    /// Useful time between two checkpoints; zero for the best.
    pub checkpoint_interval: Seconds,
    /// Accelerators that are paid for and wait for one of the others to fail.
    pub spares: f64,
    /// In which order stages work.
    pub schedule: Schedule,
    /// Layers of the first stage; 0 where they are spread evenly.
    pub first_stage_layers: u32,
    /// Layers of the last stage; 0 where they are spread evenly.
    pub last_stage_layers: u32,
    /// Whether embedding and LM head count as a layer each.
    pub embedding_as_layers: bool,
    /// Layers of a stage that recomputation runs again; 0 for all.
    pub recompute_layers: u32,
    /// What lives in the host's memory, positions of [`Offload::NAMES`](super::training_state::Offload::NAMES).
    pub offload: Subset,
}

impl TrainingSetup {
    /// Tokens of the whole run, on a model of so many parameters.
    ///
    /// # Source
    /// Hoffmann et al. 2022, arXiv:2203.15556: compute is spent best at some 20 tokens per parameter.
    #[must_use]
    pub fn run_tokens(&self, parameters: f64) -> f64 {
        if self.tokens_per_parameter > 0.0 { self.tokens_per_parameter * parameters } else { self.tokens }
    }

    /// How the layers are cut into stages.
    #[must_use]
    pub fn cut(&self) -> Cut {
        Cut {
            pipeline: self.pipeline,
            chunks: self.virtual_pipeline,
            order: self.schedule.order(),
            first_layers: self.first_stage_layers,
            last_layers: self.last_stage_layers,
            embedding_as_layers: self.embedding_as_layers,
        }
    }
}

/// The terms of one step's time; they add up to the step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTerms {
    /// Kernels of the slowest stage.
    pub kernels: KernelTime,
    /// What the host adds.
    pub host: Seconds,
    /// Exposed tensor-parallel messages.
    pub tensor: Seconds,
    /// Exposed expert messages.
    pub expert: Seconds,
    /// Exposed context-parallel messages.
    pub context: Seconds,
    /// Exposed messages between stages.
    pub pipeline: Seconds,
    /// Waiting of stages for each other.
    pub bubble: Seconds,
    /// Exposed gradient and weight exchange.
    pub data: Seconds,
    /// Optimizer update.
    pub optimizer: Seconds,
    /// Exposed transfers to and from the host, and its update.
    pub offload: Seconds,
    /// Waiting of all replicas for the slowest.
    pub straggler: Seconds,
}

impl StepTerms {
    /// Kernels with what the host adds.
    #[must_use]
    pub fn compute(&self) -> Seconds {
        self.kernels.busy() + self.host
    }

    /// All exposed messages.
    #[must_use]
    pub fn communication(&self) -> Seconds {
        self.tensor + self.expert + self.context + self.pipeline + self.data
    }

    /// The step.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.compute() + self.communication() + self.bubble + self.optimizer + self.offload + self.straggler
    }

    /// What takes most.
    #[must_use]
    pub fn bottleneck(&self) -> Bottleneck {
        Bottleneck::largest(&[
            (Bottleneck::Compute, self.kernels.compute),
            (Bottleneck::MemoryBandwidth, self.kernels.memory),
            (Bottleneck::Host, self.host),
            (Bottleneck::TensorCommunication, self.tensor),
            (Bottleneck::ExpertCommunication, self.expert),
            (Bottleneck::ContextCommunication, self.context),
            (Bottleneck::PipelineCommunication, self.pipeline),
            (Bottleneck::PipelineBubble, self.bubble),
            (Bottleneck::DataCommunication, self.data),
            (Bottleneck::Optimizer, self.optimizer),
            (Bottleneck::HostTransfer, self.offload),
            (Bottleneck::Straggler, self.straggler),
        ])
    }
}

/// Results of one setup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingRow {
    /// Data-parallel replicas.
    pub replicas: f64,
    /// Micro-batches of one replica in one step.
    pub micro_batches: f64,
    /// Layers of the first stage.
    pub first_stage_layers: f64,
    /// Layers of the last stage.
    pub last_stage_layers: f64,
    /// Layers of the stage with the most.
    pub largest_stage_layers: f64,
    /// Memory.
    pub memory: TrainingMemory,
    /// Bytes that a device sends in one step.
    pub traffic: Traffic,
    /// Parameters of the whole model that train.
    pub trainable_parameters: f64,
    /// Time.
    pub terms: StepTerms,
    /// The step.
    pub step: Seconds,
    /// Time that the model FLOPs need at peak.
    pub step_bound: Seconds,
    /// Tokens per second of all devices.
    pub tokens_per_s: f64,
    /// FLOPs of one step, causal.
    pub model_flops: f64,
    /// FLOPs of one step, full square.
    pub model_flops_full: f64,
    /// FLOPs of one step with recomputation.
    pub hardware_flops: f64,
    /// Steps' FLOPs at peak: the denominator of MFU and HFU.
    pub peak_flops: f64,
    /// Tokens of the whole run.
    pub tokens: f64,
    /// What failures and checkpoints leave of the time.
    pub goodput: Goodput,
    /// All steps of the run, without failures and checkpoints.
    pub training_time: Seconds,
    /// The whole run on the wall clock.
    pub time_to_train: Seconds,
}

/// The levels that a row stands on.
#[derive(Clone, Copy, Debug)]
pub struct TrainingLevels<'a> {
    /// The model.
    pub shape: &'a ModelShape,
    /// The precision.
    pub precision: &'a Precision,
    /// What one micro-batch does.
    pub work: &'a TrainingWork,
    /// How long that takes.
    pub times: &'a TrainingTimes,
    /// The accelerator.
    pub device: &'a Device,
    /// The training stack.
    pub system: &'a TrainingSystem,
    /// How the cluster is run.
    pub operations: &'a Operations,
}

/// A setup that divides, as far as it can be counted: nothing here knows the accelerator, so that setups that differ in it alone share it.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The precision.
    pub precision: &'a Precision,
    /// What one micro-batch does.
    pub work: &'a TrainingWork,
    /// The training stack.
    pub system: &'a TrainingSystem,
    /// The stages of the setup's cut.
    pub stages: &'a [TrainingStage],
    /// The row level.
    pub setup: &'a TrainingSetup,
    /// Groups of ranks.
    pub groups: &'a Groups,
    /// Bytes per parameter.
    pub bytes: StateBytes,
}

impl<'a> Counted<'a> {
    /// A setup that divides into these groups. `stages` are those of its cut.
    #[inline]
    #[must_use]
    pub fn of(
        precision: &'a Precision,
        work: &'a TrainingWork,
        system: &'a TrainingSystem,
        groups: &'a Groups,
        stages: &'a [TrainingStage],
        setup: &'a TrainingSetup,
    ) -> Self {
        Self { precision, work, system, stages, setup, groups, bytes: state_bytes(precision, work, setup) }
    }
}

/// Results of a setup that divides into `replicas`, or why it can't run: all its parts in turn. `stages` are those of the setup's cut.
///
/// A sweep asks for the same parts, and keeps each for the rows that share it.
pub fn row(
    levels: TrainingLevels,
    replicas: Replicas,
    stages: &[TrainingStage],
    setup: &TrainingSetup,
) -> Result<TrainingRow, Refusal> {
    let groups = Groups::of(levels.work, replicas, setup);
    let counted = Counted::of(levels.precision, levels.work, levels.system, &groups, stages, setup);
    let memory = counted.memory().on(levels.device, levels.system)?;
    let goodput = goodput(&levels, setup)?;
    let stage_times = StageTime::all(&levels, setup.schedule.order(), stages);
    let pipelined = Pipelined::of(&levels, &groups, (stages, &stage_times), setup);
    let routes = Routes::of(&levels, &groups, setup);
    let messages: Vec<StageMessages> = StageMessages::of_all(&levels, &counted, &routes).collect();
    let terms = pipelined.step(&levels, &counted, &messages);
    Ok(TrainingRow::of(&levels, &pipelined, setup, (memory, counted.traffic(), terms, goodput)))
}

impl TrainingRow {
    /// Of a step's terms and what failures leave of the time.
    #[allow(clippy::inline_always, reason = "a row is large, and is to be written where it stays")]
    #[inline(always)]
    #[must_use]
    pub fn of(
        levels: &TrainingLevels,
        pipelined: &Pipelined,
        setup: &TrainingSetup,
        (memory, traffic, terms, goodput): (TrainingMemory, Traffic, StepTerms, Goodput),
    ) -> Self {
        let TrainingLevels { work, device, .. } = *levels;
        let step = terms.total();
        let tokens = setup.run_tokens(work.total_parameters);
        let training_time = step * (tokens / pipelined.step_tokens);
        Self {
            replicas: pipelined.groups.placement.data,
            micro_batches: pipelined.groups.micro_batches,
            first_stage_layers: pipelined.first_stage_layers,
            last_stage_layers: pipelined.last_stage_layers,
            largest_stage_layers: pipelined.largest_stage_layers,
            memory,
            traffic,
            trainable_parameters: work.trainable_parameters,
            terms,
            step,
            step_bound: pipelined.step_bound,
            tokens_per_s: pipelined.step_tokens / step.0,
            model_flops: pipelined.model_flops,
            model_flops_full: pipelined.model_flops_full,
            hardware_flops: pipelined.hardware_flops,
            peak_flops: (device.kernels.peak * step).0 * f64::from(setup.devices),
            tokens,
            goodput,
            training_time,
            time_to_train: training_time / goodput.share,
        }
    }
}

/// How much longer the slowest of `replicas` takes than the mean, whose times spread normally by `sigma` of the mean: `σ·√(2 ln n)`, the
/// leading term of the expected maximum of n normal variables.
///
/// ```
/// # use llmsweep_model::phase::training::slowest_of;
/// assert_eq!(slowest_of(1.0, 0.01), 0.0);
/// assert!((slowest_of(1024.0, 0.01) - 0.03723).abs() < 1e-5);
/// ```
#[must_use]
pub fn slowest_of(replicas: f64, sigma: f64) -> f64 {
    sigma * (2.0 * replicas.ln()).sqrt()
}

/// What failures and checkpoints leave of the time. A checkpoint holds each parameter that trains once, with its optimizer state, and no
/// gradients.
///
/// # Errors
/// [`Reject::FailsTooOften`].
pub fn goodput(levels: &TrainingLevels, setup: &TrainingSetup) -> Result<Goodput, Reject> {
    let TrainingLevels { work, precision, operations, .. } = *levels;
    let state = precision.unquantised_bytes() + state_bytes(precision, work, setup).optimizer;
    let reliability = Reliability {
        devices: f64::from(setup.devices),
        spares: setup.spares,
        device_mtbf_hours: setup.device_mtbf_hours,
        interval: setup.checkpoint_interval,
        checkpoint: Bytes(work.trainable_parameters * state),
    };
    Goodput::of(&reliability, operations)
}
