//! Training, level row: pipeline, data parallelism, memory, and the whole run.
use super::Device;
use super::share::{Bottleneck, KernelTime};
use super::training_flops::needed;
use super::training_layout::TrainingLayout;
use super::training_memory::{Refusal, TrainingMemory};
use super::training_stage::TrainingStage;
use super::training_state::state_bytes;
use super::training_times::{TrainingTimes, TrainingWork};
use crate::arch::ModelShape;
use crate::bound::least_time;
use crate::goodput::{Goodput, Reliability};
use crate::memory::state::{Optimizer, StateBytes};
use crate::operations::Operations;
use crate::parallel::pipeline::{Cut, Schedule};
use crate::parallel::placement::{Placement, Sharding};
use crate::precision::Precision;
use crate::quantity::{Bytes, Flops, Seconds};
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

/// A replica's ranks and batches, checked to divide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replicas {
    /// Data-parallel replicas.
    pub data: u32,
    /// Micro-batches of one replica in one step.
    pub micro_batches: u32,
}

impl Replicas {
    /// Derives data parallelism and micro-batches from devices and global batch, on stages that the schedule can run.
    pub fn of(work: &TrainingWork, setup: &TrainingSetup) -> Result<Self, Reject> {
        let layout = &work.layout;
        let data = data_parallel(layout, setup.pipeline, setup.devices)?;
        let micro_batches = micro_batches(layout, data, setup.global_batch)?;
        setup.schedule.check_batches(setup.pipeline, setup.virtual_pipeline, micro_batches)?;
        copies_divide(layout, data, setup.data_parallel_replicate)?;
        Ok(Self { data, micro_batches })
    }
}

/// Replicas of the model on so many devices, where they and its experts divide.
pub fn data_parallel(layout: &TrainingLayout, pipeline: u32, devices: u32) -> Result<u32, Reject> {
    let wide = u64::from;
    let stage = wide(layout.tensor).saturating_mul(wide(layout.context));
    let replica = stage.saturating_mul(wide(pipeline));
    let devices = wide(devices);
    if devices < replica {
        return Err(Reject::DevicesTooFew);
    }
    if !devices.is_multiple_of(replica) {
        return Err(Reject::DevicesNotDivisible);
    }
    let data = devices / replica;
    if (stage * data).is_multiple_of(expert_ranks(layout)) {
        Ok(data as u32)
    } else {
        Err(Reject::ExpertParallelRanks)
    }
}

/// Micro-batches of one replica in one step, where the global batch divides.
pub fn micro_batches(layout: &TrainingLayout, data: u32, global_batch: u32) -> Result<u32, Reject> {
    let together = u64::from(data) * u64::from(layout.micro_batch);
    let batch = u64::from(global_batch);
    if batch.is_multiple_of(together) { Ok((batch / together) as u32) } else { Err(Reject::GlobalBatchNotDivisible) }
}

/// Whether the ranks that hold the same parameters divide into so many copies.
pub fn copies_divide(layout: &TrainingLayout, data: u32, replicate: u32) -> Result<(), Reject> {
    let (ranks, copies) = (u64::from(layout.context) * u64::from(data), u64::from(replicate));
    let same_experts = ranks * u64::from(layout.tensor) / expert_ranks(layout);
    if ranks.is_multiple_of(copies) && same_experts.is_multiple_of(copies) {
        Ok(())
    } else {
        Err(Reject::DataParallelReplicate)
    }
}

/// Ranks over which the experts of a layer are spread.
fn expert_ranks(layout: &TrainingLayout) -> u64 {
    u64::from(layout.expert) * u64::from(layout.expert_tensor)
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

/// A setup that divides, on its levels.
pub(super) struct Step<'a> {
    pub(super) levels: TrainingLevels<'a>,
    pub(super) stages: &'a [TrainingStage],
    pub(super) setup: &'a TrainingSetup,
    pub(super) placement: Placement,
    /// Where ZeRO shards dense parameters and experts.
    pub(super) dense: Sharding,
    pub(super) experts: Sharding,
    /// Ranks that hold the same dense parameters and experts.
    pub(super) state_ranks: (f64, f64),
    pub(super) bytes: StateBytes,
    pub(super) micro_batches: f64,
}

/// Results of a setup that divides into `replicas`, or why it can't run. `stages` are those of the setup's cut.
pub fn row(
    levels: TrainingLevels,
    replicas: Replicas,
    stages: &[TrainingStage],
    setup: &TrainingSetup,
) -> Result<TrainingRow, Refusal> {
    let TrainingLevels { work, device, .. } = levels;
    let placement = Placement {
        tensor: work.split.tensor,
        context: work.split.context,
        data: f64::from(replicas.data),
        expert: work.split.expert,
        expert_tensor: work.split.expert_tensor,
        replicate: f64::from(setup.data_parallel_replicate),
    };
    let micro_batches = f64::from(replicas.micro_batches);
    let (dense, experts) = (placement.sharding(), placement.expert_sharding());
    // A second copy of the model on the same devices doubles the ranks that hold the same parameters.
    let copies = setup.schedule.copies();
    let state_ranks = (dense.shards.size * copies, experts.shards.size * copies);
    let bytes = state_bytes(&levels, setup);
    let whole = Step { levels, stages, setup, placement, dense, experts, state_ranks, bytes, micro_batches };
    let memory = whole.peak_memory()?;
    let goodput = whole.goodput()?;
    let terms = whole.terms();
    let step = terms.total();
    let sequences = f64::from(setup.global_batch);
    let devices = f64::from(setup.devices);
    let step_tokens = sequences * f64::from(work.layout.sequence_length);
    let tokens = setup.run_tokens(work.total_parameters);
    let training_time = step * (tokens / step_tokens);
    let needed = |attention| needed(&work.flops, attention, &work.adapters, &work.layout) * sequences;
    let model_flops = needed(work.flops.attention_causal);
    let again = again_of_all(stages, setup);
    let step_bound = least_time(
        Flops(model_flops),
        device.kernels.peak.max(device.kernels.plain_peak),
        Bytes::ZERO,
        device.kernels.bandwidth,
        devices,
    );
    Ok(TrainingRow {
        replicas: f64::from(replicas.data),
        micro_batches,
        first_stage_layers: stages.first().map_or(0.0, |stage| stage.class.layer_count),
        last_stage_layers: stages.iter().find(|stage| stage.class.last).map_or(0.0, |stage| stage.class.layer_count),
        largest_stage_layers: stages.iter().map(|stage| stage.class.layer_count).fold(0.0, f64::max),
        memory,
        trainable_parameters: work.trainable_parameters,
        terms,
        step,
        step_bound,
        tokens_per_s: step_tokens / step.0,
        model_flops,
        model_flops_full: needed(work.flops.attention_full),
        hardware_flops: (work.hardware_flops - work.again_flops * (1.0 - again)) * sequences,
        peak_flops: (device.kernels.peak * step).0 * devices,
        tokens,
        goodput,
        training_time,
        time_to_train: training_time / goodput.share,
    })
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

/// Share of all layers that are run again.
fn again_of_all(stages: &[TrainingStage], setup: &TrainingSetup) -> f64 {
    if setup.recompute_layers == 0 {
        return 1.0;
    }
    let (mut again, mut all) = (0.0, 0.0);
    for stage in stages {
        let layers = stage.class.layer_count * stage.class.count;
        again += layers * stage.again;
        all += layers;
    }
    again / all
}

impl Step<'_> {
    /// What failures and checkpoints leave of the time. A checkpoint holds each parameter that trains once, with its optimizer state, and no gradients.
    fn goodput(&self) -> Result<Goodput, Reject> {
        let TrainingLevels { work, precision, operations, .. } = self.levels;
        let setup = self.setup;
        let state = precision.unquantised_bytes() + self.bytes.optimizer;
        let reliability = Reliability {
            devices: f64::from(setup.devices),
            spares: setup.spares,
            device_mtbf_hours: setup.device_mtbf_hours,
            interval: setup.checkpoint_interval,
            checkpoint: Bytes(work.trainable_parameters * state),
        };
        Goodput::of(&reliability, operations)
    }
}
