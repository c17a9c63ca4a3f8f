//! Training, level row: the time of one step from that of its stages.
use super::training::{Step, StepTerms, TrainingLevels, slowest_of};
use super::training_stage::TrainingStage;
use super::training_state::Offload;
use super::training_times::BlockTime;
use crate::collective::Ring;
use crate::parallel::pipeline::{Passes, Schedule, Walk};
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

/// What the stages of a pipeline take for some micro-batches, all else left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pipelined {
    /// One micro-batch on the slowest stage.
    pub slowest: BlockTime,
    /// Messages to experts that other micro-batches' kernels hide there in one step.
    pub hidden: Seconds,
    /// What it waits for other stages in one step.
    pub bubble: Seconds,
}

impl Pipelined {
    /// Of the stages of a cut, from first to last, under a schedule with so many chunks a stage.
    #[must_use]
    pub fn of(stages: &[TrainingStage], schedule: Schedule, pipeline: f64, chunks: f64, micro_batches: f64) -> Self {
        let mut walk = Walk::new(schedule, pipeline, chunks, micro_batches);
        let mut slowest = BlockTime::default();
        let mut paces = Passes::default();
        for stage in stages.iter().rev() {
            walk.add(stage.passes, stage.class.count);
            if stage.time.total() > slowest.total() {
                (slowest, paces) = (stage.time, stage.passes);
            }
        }
        let hidden = paces.paired * schedule.paired(pipeline, micro_batches);
        Self { slowest, hidden, bubble: walk.bubble(&paces) }
    }

    /// All of it, and what replicas wait for the slowest of them.
    #[must_use]
    pub fn step(&self, micro_batches: f64, spread: f64) -> Seconds {
        let kernels = self.slowest.forward.busy() + self.slowest.backward.busy() + self.slowest.host;
        (self.slowest.total() + kernels * spread) * micro_batches - self.hidden + self.bubble
    }
}

impl Step<'_> {
    /// Time of one step: m times the slowest stage, what it waits for others, messages between stages, then gradients and the optimizer.
    pub(super) fn terms(&self) -> StepTerms {
        let setup = self.setup;
        let (pipeline, chunks) = (f64::from(setup.pipeline), f64::from(setup.virtual_pipeline));
        let (schedule, m) = (setup.schedule, self.micro_batches);
        let Pipelined { slowest, hidden, bubble } = Pipelined::of(self.stages, schedule, pipeline, chunks, m);
        let message = self.hop() * 2.0;
        let shared = if self.stages_leave_the_node() { message } else { Seconds::ZERO };
        let steady = if schedule.hides_messages(chunks) { Seconds::ZERO } else { message };
        let away = self.activations_away(&slowest);
        let exchange = self.exchange(&slowest, shared, away);
        let kernels = slowest.forward.plus(slowest.backward).times(m);
        let host = slowest.host * m;
        let spread = slowest_of(self.placement.data, self.levels.system.straggler_sigma);
        StepTerms {
            kernels,
            host,
            tensor: slowest.tensor * m,
            expert: slowest.expert * m - hidden,
            context: slowest.context * m,
            pipeline: steady * m + message * (pipeline - 1.0),
            bubble,
            data: exchange.0,
            optimizer: exchange.1.device,
            offload: exchange.1.host + (away.0 + away.1) * m,
            straggler: (kernels.busy() + host) * spread,
        }
    }

    /// Time that activations on their way to the host and back add to the two passes of one micro-batch: the slowest stage's forward pass
    /// hides the one way, its backward pass the other.
    fn activations_away(&self, slowest: &BlockTime) -> (Seconds, Seconds) {
        let device = self.levels.device;
        if !Offload::Activations.is_in(self.setup.offload) {
            return (Seconds::ZERO, Seconds::ZERO);
        }
        let stages = self.stages.iter().map(|stage| stage.kept_bytes);
        let way = Bytes(stages.fold(0.0, f64::max)) / device.accelerator.host_bandwidth;
        let (forward, backward) = self.passes(slowest.total());
        ((way - forward).max(Seconds::ZERO), (way - backward).max(Seconds::ZERO))
    }

    /// Devices between the first stage and the last of a replica.
    fn reach(&self) -> f64 {
        self.placement.pipeline_stride() * (f64::from(self.setup.pipeline) - 1.0)
    }

    fn stages_leave_the_node(&self) -> bool {
        self.reach() >= f64::from(self.levels.device.accelerator.fabric.node_devices())
    }

    /// A message from one stage to the next. Where the stages do not fit in one block some neighbours sit in different ones; the slowest
    /// hop sets the pace. Without sequence parallelism every tensor-parallel rank has the whole message: each sends its part, and the
    /// next stage gathers them, where that is faster (Narayanan et al. 2021, arXiv:2104.04473, section 4.1).
    fn hop(&self) -> Seconds {
        if self.setup.pipeline == 1 {
            return Seconds::ZERO;
        }
        let TrainingLevels { work, device, .. } = self.levels;
        let (collectives, fabric) = (&device.collectives, &device.accelerator.fabric);
        let sent = |bytes: Bytes| collectives.point_to_point(bytes, self.reach(), fabric);
        let whole = sent(work.stage_message);
        if work.split.sequence_parallel || work.split.tensor <= 1.0 {
            return whole;
        }
        let ring = Ring::new(work.split.tensor, 1.0);
        let gathered = collectives.time(Collective::AllGather, work.stage_message, ring, fabric);
        whole.min(sent(work.stage_message / work.split.tensor) + gathered)
    }
}
