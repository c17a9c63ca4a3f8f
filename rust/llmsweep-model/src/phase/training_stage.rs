//! Training, between cell and row: what the stages of one cut hold, and how long a micro-batch takes on them, whatever else a row says.
use super::training::TrainingLevels;
use super::training_layout::TrainingLayout;
use super::training_times::{BlockTime, TrainingTimes, TrainingWork};
use super::training_traffic::Traffic;
use crate::arch::ModelShape;
use crate::memory::activations::Recompute;
use crate::memory::state::{DeviceParameters, StageParameters, table_parameters};
use crate::parallel::pipeline::{Order, Passes, StageClass};
use crate::system::TrainingSystem;

/// What the stages of a cut hold, as far as it can be counted: rows that agree on it have the same stages, whatever their accelerator.
#[derive(Clone, Copy, Debug)]
pub struct StageInput<'a> {
    /// The model.
    pub shape: &'a ModelShape,
    /// What one micro-batch does.
    pub work: &'a TrainingWork,
    /// Layers of a stage that recomputation runs again; 0 for all.
    pub recompute_layers: u32,
}

/// A stage, counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingStage {
    /// Its layers and its place.
    pub class: StageClass,
    /// Share of its layers that are run again.
    pub again: f64,
    /// Parameters of one of its devices.
    pub parameters: StageParameters,
    /// Parameters of the layer whose gradient is largest, its experts' added to the sum one by one.
    pub largest_gradient: f64,
    /// The same where ranks wait for the gradients of all experts.
    pub largest_gradient_whole: f64,
    /// Bytes that its layers keep of one micro-batch, prediction layers not counted.
    pub kept_bytes: f64,
    /// What one of its devices sends to others than the stages beside it, for one micro-batch.
    pub sent: Traffic,
}

impl TrainingStage {
    /// A stage of this class.
    #[must_use]
    pub fn of(input: &StageInput, class: &StageClass) -> Self {
        let StageInput { shape, work, .. } = *input;
        let again = share_again(class, input.recompute_layers);
        Self {
            class: *class,
            again,
            parameters: parameters(shape, work, class),
            largest_gradient: largest_gradient(shape, work, class, false),
            largest_gradient_whole: largest_gradient(shape, work, class, true),
            kept_bytes: kept_bytes(work, class, again),
            sent: sent(work, class, again),
        }
    }

    /// The stages of a cut, from first to last.
    #[must_use]
    pub fn all(input: &StageInput, classes: &[StageClass]) -> Vec<Self> {
        classes.iter().map(|class| Self::of(input, class)).collect()
    }
}

/// How long one micro-batch takes on a stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageTime {
    /// All of it.
    pub time: BlockTime,
    /// The same by what other stages wait for.
    pub passes: Passes,
}

impl StageTime {
    /// Of a stage in an order of chunks.
    #[must_use]
    pub fn of(
        (work, times): (&TrainingWork, &TrainingTimes),
        system: &TrainingSystem,
        order: Order,
        stage: &TrainingStage,
    ) -> Self {
        let time = stage_time(times, work, order, stage);
        Self { time, passes: passes(&time, &work.layout, system) }
    }

    /// Of all stages of a cut.
    #[must_use]
    pub fn all(levels: &TrainingLevels, order: Order, stages: &[TrainingStage]) -> Vec<Self> {
        let TrainingLevels { work, times, system, .. } = *levels;
        stages.iter().map(|stage| Self::of((work, times), system, order, stage)).collect()
    }
}

/// Share of a stage's layers that are run again: all, or `recompute_layers` of them (Megatron-LM's `--recompute-num-layers`).
#[must_use]
pub fn share_again(stage: &StageClass, recompute_layers: u32) -> f64 {
    match recompute_layers {
        0 => 1.0,
        chosen => (f64::from(chosen) / stage.layer_count.max(1.0)).min(1.0),
    }
}

/// Bytes that a stage's layers keep of one micro-batch, prediction layers not counted.
fn kept_bytes(work: &TrainingWork, stage: &StageClass, again: f64) -> f64 {
    let kinds = work.kept_bytes.iter().zip(work.plain_kept_bytes).zip(stage.layers);
    kinds.map(|((kept, plain), count)| (kept * again + plain * (1.0 - again)) * count).sum()
}

/// What a device sends for one micro-batch that passes all layers of a stage.
fn sent(work: &TrainingWork, stage: &StageClass, again: f64) -> Traffic {
    let own = &work.sent;
    let kinds = own.layers.iter().zip(own.plain).zip(stage.layers);
    let layers = kinds.map(|((sent, plain), count)| sent.times(again).plus(plain.times(1.0 - again)).times(count));
    let mut sum = layers.fold(Traffic::default(), Traffic::plus);
    if stage.first {
        sum = sum.plus(own.embedding);
    }
    if stage.last {
        sum = sum.plus(own.head.times(1.0 + work.prediction_layers)).plus(own.prediction);
    }
    sum
}

/// Parameters of one device of a stage. Prediction layers stand on the last, with a copy of the embedding where the first is another.
fn held(shape: &ModelShape, work: &TrainingWork, stage: &StageClass) -> DeviceParameters {
    let mut sum = DeviceParameters::of_stage(shape, &work.parameters, stage, work.split.tensor);
    if stage.last && work.prediction_layers > 0.0 {
        sum.dense += work.prediction_parameters.dense;
        sum.experts += work.prediction_parameters.experts;
        if !stage.first && !shape.tied_embeddings {
            sum.dense += table_parameters(shape) / work.split.tensor;
        }
    }
    sum
}

/// The same by what is done with them.
fn parameters(shape: &ModelShape, work: &TrainingWork, stage: &StageClass) -> StageParameters {
    let mut held = held(shape, work, stage);
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

/// Parameters of the stage's layer whose gradient is largest: its experts' are added to the sum one by one, unless ranks wait for all.
fn largest_gradient(shape: &ModelShape, work: &TrainingWork, stage: &StageClass, all_experts: bool) -> f64 {
    let local = shape.moe.map_or(1.0, |moe| f64::from(moe.experts) / work.split.expert);
    let experts = if all_experts { 1.0 } else { 1.0 / local.max(1.0) };
    let gradient = |layer: &DeviceParameters| layer.dense + layer.experts * experts;
    let present = work.parameters.iter().zip(stage.layers).filter(|(_, count)| *count > 0.0);
    present.map(|(layer, _)| gradient(layer)).fold(0.0, f64::max)
}

/// One stage's time for one micro-batch. A device that holds a stage of either copy meets a micro-batch on one of the two.
fn stage_time(times: &TrainingTimes, work: &TrainingWork, order: Order, stage: &TrainingStage) -> BlockTime {
    let TrainingStage { class: stage, again, .. } = *stage;
    let share = 1.0 / order.copies();
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
fn passes(time: &BlockTime, layout: &TrainingLayout, system: &TrainingSystem) -> Passes {
    // Forward and backward, and forward once more where all is computed again; the host launches a backward pass twice as long.
    let message_passes = if layout.recompute == Recompute::Full { 3.0 } else { 2.0 };
    let host = time.host / (message_passes + 1.0);
    let messages = (time.tensor + time.expert + time.context) / message_passes;
    let forward = time.forward.busy() + messages + host;
    let weight = time.weight + host;
    let compute = time.total() - time.expert;
    let exposed = (time.expert - compute).max(time.expert * system.paired_exposed);
    Passes { forward, input: time.total() - forward - weight, weight, paired: time.expert - exposed }
}
