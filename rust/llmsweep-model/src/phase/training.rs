//! Training, level row: pipeline, data parallelism, memory, and the whole run.
use super::Device;
use super::share::{Bottleneck, KernelTime};
use super::training_memory::TrainingMemory;
use super::training_times::{BlockTime, TrainingTimes, TrainingWork};
use crate::arch::ModelShape;
use crate::bound::least_time;
use crate::memory::state::Optimizer;
use crate::parallel::pipeline::StageClass;
use crate::parallel::placement::Placement;
use crate::precision::Precision;
use crate::quantity::{Bytes, Flops, Seconds};
use crate::reject::Reject;
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
        self.compute() + self.communication() + self.bubble + self.optimizer + self.straggler
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
    /// Memory.
    pub memory: TrainingMemory,
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
    /// The whole run.
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
    /// Derives data parallelism and micro-batches from devices and global batch.
    pub fn of(work: &TrainingWork, setup: &TrainingSetup) -> Result<Self, Reject> {
        let layout = &work.layout;
        let wide = u64::from;
        let stage = wide(layout.tensor).saturating_mul(wide(layout.context));
        let replica = stage.saturating_mul(wide(setup.pipeline));
        let devices = wide(setup.devices);
        if devices < replica {
            return Err(Reject::DevicesTooFew);
        }
        if !devices.is_multiple_of(replica) {
            return Err(Reject::DevicesNotDivisible);
        }
        let data = (devices / replica) as u32;
        let stage_ranks = stage * wide(data);
        if !stage_ranks.is_multiple_of(wide(layout.expert) * wide(layout.expert_tensor)) {
            return Err(Reject::ExpertParallelRanks);
        }
        let together = u64::from(data) * u64::from(layout.micro_batch);
        if !u64::from(setup.global_batch).is_multiple_of(together) {
            return Err(Reject::GlobalBatchNotDivisible);
        }
        let copies = wide(setup.data_parallel_replicate);
        let same_experts = stage_ranks / (wide(layout.expert) * wide(layout.expert_tensor));
        if !(wide(layout.context) * wide(data)).is_multiple_of(copies) || !same_experts.is_multiple_of(copies) {
            return Err(Reject::DataParallelReplicate);
        }
        let micro_batches = (u64::from(setup.global_batch) / together) as u32;
        if setup.virtual_pipeline > 1 {
            if setup.pipeline == 1 {
                return Err(Reject::VirtualPipelineAlone);
            }
            if !micro_batches.is_multiple_of(setup.pipeline) {
                return Err(Reject::VirtualPipelineBatches);
            }
        }
        Ok(Self { data, micro_batches })
    }
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
}

/// A setup that divides, on its levels.
pub(super) struct Step<'a> {
    pub(super) levels: TrainingLevels<'a>,
    pub(super) stages: &'a [StageClass],
    pub(super) setup: &'a TrainingSetup,
    pub(super) placement: Placement,
    pub(super) micro_batches: f64,
}

/// Results of a setup, or why it can't run. `stages` are those of the setup's pipeline, `None` where it is too deep.
pub fn row(
    levels: TrainingLevels,
    stages: Option<&[StageClass]>,
    setup: &TrainingSetup,
) -> Result<TrainingRow, Reject> {
    let TrainingLevels { work, device, .. } = levels;
    let replicas = Replicas::of(work, setup)?;
    let stages = stages.ok_or(Reject::PipelineTooDeep)?;
    let placement = Placement {
        tensor: work.split.tensor,
        context: work.split.context,
        data: f64::from(replicas.data),
        expert: work.split.expert,
        expert_tensor: work.split.expert_tensor,
        replicate: f64::from(setup.data_parallel_replicate),
    };
    let micro_batches = f64::from(replicas.micro_batches);
    let whole = Step { levels, stages, setup, placement, micro_batches };
    let memory = whole.peak_memory()?;
    let terms = whole.terms();
    let step = terms.total();
    let sequences = f64::from(setup.global_batch);
    let devices = f64::from(setup.devices);
    let step_tokens = sequences * f64::from(work.layout.sequence_length);
    let model_flops = 3.0 * work.flops.causal() * sequences;
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
        memory,
        terms,
        step,
        step_bound,
        tokens_per_s: step_tokens / step.0,
        model_flops,
        model_flops_full: 3.0 * work.flops.full() * sequences,
        hardware_flops: work.hardware_flops * sequences,
        peak_flops: (device.kernels.peak * step).0 * devices,
        time_to_train: step * (setup.tokens / step_tokens),
    })
}

impl Step<'_> {
    /// Time of one step: `m·(t_max + p2p) + (Σ t − t_max)/v + (p − 1)·p2p`, then gradients and the optimizer.
    ///
    /// The first micro-batch passes all stages, the slowest paces the rest; with even stages the middle term is `(p − 1)·t/v`.
    ///
    /// # Source
    /// Narayanan et al. 2021, arXiv:2104.04473, section 2.2: bubble `(p − 1)(t_f + t_b)/v`.
    fn terms(&self) -> StepTerms {
        let TrainingLevels { work, times, device, system, .. } = self.levels;
        let setup = self.setup;
        let pipeline = f64::from(setup.pipeline);
        let chunks = f64::from(setup.virtual_pipeline);
        let mut slowest = BlockTime::default();
        let mut sum = Seconds::ZERO;
        for stage in self.stages {
            let time = stage_time(work, times, stage);
            sum += time.total() * stage.count;
            if time.total() > slowest.total() {
                slowest = time;
            }
        }
        // Where the stages do not fit in one block some neighbours sit in different ones; the slowest hop sets the pace.
        let reach = self.placement.pipeline_stride() * (pipeline - 1.0);
        let message = if setup.pipeline > 1 {
            let fabric = &device.accelerator.fabric;
            device.collectives.point_to_point(work.stage_message, reach, fabric) * 2.0
        } else {
            Seconds::ZERO
        };
        // The interleaved schedule has another chunk to work on while a message travels.
        let steady = if setup.virtual_pipeline > 1 { Seconds::ZERO } else { message };
        let m = self.micro_batches;
        let leaves = reach >= f64::from(device.accelerator.fabric.node_devices());
        let shared = if leaves { message } else { Seconds::ZERO };
        let exchange = self.exchange(&slowest, shared);
        let kernels = slowest.forward.plus(slowest.backward).times(m);
        let host = slowest.host * m;
        StepTerms {
            kernels,
            host,
            tensor: slowest.tensor * m,
            expert: slowest.expert * m,
            context: slowest.context * m,
            pipeline: steady * m + message * (pipeline - 1.0),
            bubble: (sum - slowest.total()).max(Seconds::ZERO) / chunks,
            data: exchange.0,
            optimizer: exchange.1,
            straggler: (kernels.busy() + host) * slowest_of(self.placement.data, system.straggler_sigma),
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

/// One stage's time for one micro-batch.
fn stage_time(work: &TrainingWork, times: &TrainingTimes, stage: &StageClass) -> BlockTime {
    let mut sum = BlockTime::default();
    let mut add = |block: &BlockTime, count: f64| {
        sum.forward = sum.forward.plus(block.forward.times(count));
        sum.backward = sum.backward.plus(block.backward.times(count));
        sum.host += block.host * count;
        sum.tensor += block.tensor * count;
        sum.expert += block.expert * count;
        sum.context += block.context * count;
        sum.network += block.network * count;
    };
    for (block, count) in times.layers.iter().zip(stage.layers) {
        if count > 0.0 {
            add(block, count);
        }
    }
    if stage.first {
        add(&times.embedding, 1.0);
    }
    if stage.last {
        add(&times.head, 1.0 + work.prediction_layers);
        add(&times.prediction, 1.0);
    }
    sum
}
