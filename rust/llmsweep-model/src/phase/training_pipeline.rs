//! Training, level row: the time of one step from that of its stages.
use super::training::{Step, StepTerms, TrainingLevels, TrainingSetup, slowest_of};
use super::training_state::{Offload, kept_bytes, share_again};
use super::training_times::BlockTime;
use crate::collective::Ring;
use crate::memory::activations::Recompute;
use crate::parallel::pipeline::{Passes, StageClass, Walk};
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

/// Part of the multiprocessors that move data while a pair of passes hides its messages: 20 of an H800's 132 (DeepSeek-AI 2024,
/// arXiv:2412.19437, section 3.2.2). Assumed for other chips too; the multiplications are slower by as much meanwhile.
const MESSAGE_UNITS: f64 = 20.0 / 132.0;

impl Step<'_> {
    /// Time of one step: m times the slowest stage, what it waits for others, messages between stages, then gradients and the optimizer.
    pub(super) fn terms(&self) -> StepTerms {
        let work = self.levels.work;
        let setup = self.setup;
        let (pipeline, chunks) = (f64::from(setup.pipeline), f64::from(setup.virtual_pipeline));
        let (schedule, m) = (setup.schedule, self.micro_batches);
        let mut walk = Walk::new(schedule, pipeline, chunks, m);
        let mut slowest = BlockTime::default();
        let mut paces = Passes::default();
        for stage in self.stages.iter().rev() {
            let time = stage_time(self.levels, stage, setup);
            let passes = passes(&time, work.layout.recompute);
            walk.add(passes, stage.count);
            if time.total() > slowest.total() {
                (slowest, paces) = (time, passes);
            }
        }
        let message = self.hop() * 2.0;
        let shared = if self.stages_leave_the_node() { message } else { Seconds::ZERO };
        let steady = if schedule.hides_messages(chunks) { Seconds::ZERO } else { message };
        let exchange = self.exchange(&slowest, shared);
        let kernels = slowest.forward.plus(slowest.backward).times(m);
        let host = slowest.host * m;
        let spread = slowest_of(self.placement.data, self.levels.system.straggler_sigma);
        StepTerms {
            kernels,
            host,
            tensor: slowest.tensor * m,
            expert: slowest.expert * m - paces.paired * schedule.paired(pipeline, m),
            context: slowest.context * m,
            pipeline: steady * m + message * (pipeline - 1.0),
            bubble: walk.bubble(&paces),
            data: exchange.0,
            optimizer: exchange.1.device,
            offload: exchange.1.host + self.activations_away(&slowest) * m,
            straggler: (kernels.busy() + host) * spread,
        }
    }

    /// Time of one micro-batch that activations on their way to the host and back add: the slowest stage's forward pass hides the one way,
    /// its backward pass the other.
    fn activations_away(&self, slowest: &BlockTime) -> Seconds {
        let TrainingLevels { work, device, .. } = self.levels;
        if !Offload::Activations.is_in(self.setup.offload) {
            return Seconds::ZERO;
        }
        let stages = self.stages.iter().map(|stage| kept_bytes(work, stage, self.setup));
        let way = Bytes(stages.fold(0.0, f64::max)) / device.accelerator.host_bandwidth;
        let (forward, backward) = self.passes(slowest.total());
        (way - forward).max(Seconds::ZERO) + (way - backward).max(Seconds::ZERO)
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

/// One stage's time for one micro-batch. A device that holds a stage of either copy meets a micro-batch on one of the two.
fn stage_time(levels: TrainingLevels, stage: &StageClass, setup: &TrainingSetup) -> BlockTime {
    let TrainingLevels { work, times, .. } = levels;
    let (share, again) = (1.0 / setup.schedule.copies(), share_again(stage, setup));
    let mut sum = BlockTime::default();
    let mut add = |block: &BlockTime, count: f64| {
        let count = count * share;
        sum.forward = sum.forward.plus(block.forward.times(count));
        sum.backward = sum.backward.plus(block.backward.times(count));
        sum.weight += block.weight * count;
        sum.host += block.host * count;
        sum.tensor += block.tensor * count;
        sum.expert += block.expert * count;
        sum.context += block.context * count;
        sum.network += block.network * count;
    };
    for ((block, plain), count) in times.layers.iter().zip(&times.plain).zip(stage.layers) {
        if count > 0.0 {
            add(block, count * again);
            if again < 1.0 {
                add(plain, count * (1.0 - again));
            }
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

/// A stage's time by what others wait for. Messages and the host's part are spread evenly over the passes that have them.
fn passes(time: &BlockTime, recompute: Recompute) -> Passes {
    // Forward and backward, and forward once more where all is computed again; the host launches a backward pass twice as long.
    let message_passes = if recompute == Recompute::Full { 3.0 } else { 2.0 };
    let host = time.host / (message_passes + 1.0);
    let messages = (time.tensor + time.expert + time.context) / message_passes;
    let forward = time.forward.busy() + messages + host;
    let weight = time.weight + host;
    let compute = time.total() - time.expert;
    let exposed = (time.expert - compute).max(time.expert * MESSAGE_UNITS);
    Passes { forward, input: time.total() - forward - weight, weight, paired: time.expert - exposed }
}
