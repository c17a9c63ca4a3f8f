//! Training, level row: the time of one step from that of its stages.
use super::exchange::StageMessages;
use super::training::{Counted, Groups, StepTerms, TrainingLevels, TrainingSetup, slowest_of};
use super::training_stage::{StageTime, TrainingStage};
use super::training_state::Offload;
use super::training_times::BlockTime;
use crate::bound::least_time;
use crate::collective::Ring;
use crate::memory::activations::Recompute;
use crate::parallel::pipeline::{Passes, Walk};
use crate::quantity::{Bytes, Flops, Seconds};
use crate::work::Collective;

/// Micro-batches on their way through the stages: all of a step that depends neither on ZeRO's stage, nor on the optimizer, nor on what
/// lives in the host's memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipelined {
    /// Groups of ranks.
    pub groups: Groups,
    /// The slowest stage's time for one micro-batch.
    pub slowest: BlockTime,
    /// Both ways of one micro-batch's message between two stages, as far as it leaves the node.
    pub between_nodes: Seconds,
    /// The step's terms; nothing yet where the exchange, the update and transfers to the host add to them.
    pub terms: StepTerms,
    /// Layers of the first stage.
    pub first_stage_layers: f64,
    /// Layers of the last stage.
    pub last_stage_layers: f64,
    /// Layers of the stage with the most.
    pub largest_stage_layers: f64,
    /// Tokens of one step.
    pub step_tokens: f64,
    /// FLOPs of one step, causal.
    pub model_flops: f64,
    /// FLOPs of one step, full square.
    pub model_flops_full: f64,
    /// FLOPs of one step with recomputation.
    pub hardware_flops: f64,
    /// Time that the model FLOPs need at peak.
    pub step_bound: Seconds,
}

impl Pipelined {
    /// m times the slowest stage, what it waits for others, and messages between stages.
    #[must_use]
    pub fn of(
        levels: &TrainingLevels,
        groups: &Groups,
        (stages, stage_times): (&[TrainingStage], &[StageTime]),
        setup: &TrainingSetup,
    ) -> Self {
        let TrainingLevels { work, device, system, .. } = *levels;
        let (pipeline, chunks) = (f64::from(setup.pipeline), f64::from(setup.virtual_pipeline));
        let (schedule, m) = (setup.schedule, groups.micro_batches);
        let mut walk = Walk::new(schedule, pipeline, chunks, m);
        let mut slowest = BlockTime::default();
        let mut paces = Passes::default();
        for (stage, &StageTime { time, passes }) in stages.iter().zip(stage_times).rev() {
            walk.add(passes, stage.class.count);
            if time.total() > slowest.total() {
                (slowest, paces) = (time, passes);
            }
        }
        let reach = groups.placement.pipeline_stride() * (pipeline - 1.0);
        let message = hop(levels, setup, reach) * 2.0;
        let leaves_the_node = reach >= f64::from(device.accelerator.fabric.node_devices());
        let steady = if schedule.hides_messages(chunks) { Seconds::ZERO } else { message };
        let kernels = slowest.forward.plus(slowest.backward).times(m);
        let host = slowest.host * m;
        let spread = slowest_of(groups.placement.data, system.straggler_sigma);
        let sequences = f64::from(setup.global_batch);
        let model_flops = work.needed_flops * sequences;
        let again = again_of_all(stages, setup);
        Self {
            groups: *groups,
            slowest,
            between_nodes: if leaves_the_node { message } else { Seconds::ZERO },
            terms: StepTerms {
                kernels,
                host,
                tensor: slowest.tensor * m,
                expert: slowest.expert * m - paces.paired * schedule.paired(pipeline, m),
                context: slowest.context * m,
                pipeline: steady * m + message * (pipeline - 1.0),
                bubble: walk.bubble(&paces),
                straggler: (kernels.busy() + host) * spread,
                ..StepTerms::default()
            },
            first_stage_layers: stages.first().map_or(0.0, |stage| stage.class.layer_count),
            last_stage_layers: stages
                .iter()
                .find(|stage| stage.class.last)
                .map_or(0.0, |stage| stage.class.layer_count),
            largest_stage_layers: stages.iter().map(|stage| stage.class.layer_count).fold(0.0, f64::max),
            step_tokens: sequences * f64::from(work.layout.sequence_length),
            model_flops,
            model_flops_full: work.needed_flops_full * sequences,
            hardware_flops: (work.hardware_flops - work.again_flops * (1.0 - again)) * sequences,
            step_bound: least_time(
                Flops(model_flops),
                device.kernels.peak.max(device.kernels.plain_peak),
                Bytes::ZERO,
                device.kernels.bandwidth,
                f64::from(setup.devices),
            ),
        }
    }

    /// Time of one step: the stages', then gradients and the optimizer.
    #[must_use]
    pub fn step(&self, levels: &TrainingLevels, counted: &Counted, messages: &[StageMessages]) -> StepTerms {
        let away = self.activations_away(levels, counted);
        let (data, update) = self.exchange(levels, counted, messages, away);
        let transfers = (away.0 + away.1) * self.groups.micro_batches;
        StepTerms { data, optimizer: update.device, offload: update.host + transfers, ..self.terms }
    }

    /// Time that activations on their way to the host and back add to the two passes of one micro-batch: the slowest stage's forward pass
    /// hides the one way, its backward pass the other.
    fn activations_away(&self, levels: &TrainingLevels, counted: &Counted) -> (Seconds, Seconds) {
        if !Offload::Activations.is_in(counted.setup.offload) {
            return (Seconds::ZERO, Seconds::ZERO);
        }
        let stages = counted.stages.iter().map(|stage| stage.kept_bytes);
        let way = Bytes(stages.fold(0.0, f64::max)) / levels.device.accelerator.host_bandwidth;
        let (forward, backward) = passes(levels, self.slowest.total());
        ((way - forward).max(Seconds::ZERO), (way - backward).max(Seconds::ZERO))
    }
}

/// Forward and backward pass of a micro-batch: every stage takes the slowest one's time, of which the forward pass is one part in three,
/// or in four where it runs again.
pub(super) fn passes(levels: &TrainingLevels, time: Seconds) -> (Seconds, Seconds) {
    let whole_again = levels.work.layout.recompute == Recompute::Full;
    let forward = time / if whole_again { 4.0 } else { 3.0 };
    (forward, time - forward)
}

/// A message from one stage to the next, over the devices between the first stage and the last of a replica. Where the stages do not fit in
/// one block some neighbours sit in different ones; the slowest hop sets the pace. Without sequence parallelism every tensor-parallel rank
/// has the whole message: each sends its part, and the next stage gathers them, where that is faster (Narayanan et al. 2021,
/// arXiv:2104.04473, section 4.1).
fn hop(levels: &TrainingLevels, setup: &TrainingSetup, reach: f64) -> Seconds {
    if setup.pipeline == 1 {
        return Seconds::ZERO;
    }
    let TrainingLevels { work, device, .. } = *levels;
    let (collectives, fabric) = (&device.collectives, &device.accelerator.fabric);
    let sent = |bytes: Bytes| collectives.point_to_point(bytes, reach, fabric);
    let whole = sent(work.stage_message);
    if work.split.sequence_parallel || work.split.tensor <= 1.0 {
        return whole;
    }
    let ring = Ring::new(work.split.tensor, 1.0);
    let gathered = collectives.time(Collective::AllGather, work.stage_message, ring, fabric);
    whole.min(sent(work.stage_message / work.split.tensor) + gathered)
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
