//! What one look at a box of the plan tells of all its rows: that one reason refuses them, and what they could reach at best.
use llmsweep_model::reject::Reject;

use super::Evaluator;
use super::inference::InferenceEvaluator;
use super::training::TrainingEvaluator;
use crate::axes::{Level, Phase};
use crate::context::axis;
use crate::plan::{Plan, Point};

/// What refuses all rows of a box, each by one method of an evaluator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Cell,
    DataParallel,
    MicroBatches,
    Copies,
    Schedule,
    Cut,
    Room,
}

/// A check, and the row-level axes that decide it together with those of the checks before it and of the dearer levels.
type Refusal = (Check, &'static [usize]);

/// In the order in which a training row meets them.
const TRAINING: [Refusal; 6] = [
    (Check::Cell, &[]),
    (Check::Schedule, &[axis::PIPELINE, axis::VIRTUAL, axis::SCHEDULE]),
    (Check::Cut, &[axis::FIRST_STAGE, axis::LAST_STAGE, axis::EMBEDDING_AS_LAYERS]),
    (Check::DataParallel, &[axis::DEVICES]),
    (Check::MicroBatches, &[axis::GLOBAL_BATCH]),
    (Check::Copies, &[axis::REPLICATE]),
];

/// In the order in which a serving row meets them. Whether there is room does not depend on the traffic.
const INFERENCE: [Refusal; 3] = [
    (Check::Cell, &[]),
    (Check::Cut, &[axis::PIPELINE]),
    (
        Check::Room,
        &[
            axis::DATA,
            axis::MODE,
            axis::INPUT,
            axis::OUTPUT,
            axis::SPECULATIVE_TOKENS,
            axis::KV_ALLOCATOR,
            axis::MAX_MODEL_LEN,
            axis::WEIGHT_OFFLOAD,
            axis::KV_OFFLOAD,
            axis::PREFIX_HIT_RATE,
            axis::PREFIX_SHARED,
            axis::INPUT_CV,
            axis::OUTPUT_CV,
            axis::LENGTH_CORRELATION,
            axis::DECODE_WORKERS,
        ],
    ),
];

const fn refusals(phase: Phase) -> &'static [Refusal] {
    match phase {
        Phase::Training => &TRAINING,
        Phase::Inference => &INFERENCE,
    }
}

/// Depths of the boxes of which each refusal tells, in the order in which a row meets them.
pub(crate) fn refusal_depths(plan: &Plan) -> Vec<usize> {
    let mut deepest = plan.depth_of(Level::Time);
    let mut depth = |axes: &[usize]| {
        deepest = deepest.max(plan.depth(axes));
        deepest
    };
    refusals(plan.phase).iter().map(|(_, axes)| depth(axes)).collect()
}

impl Evaluator<'_> {
    /// The reason why all rows of a box are refused, by the refusal at this position; the box is deep enough for it and those before it
    /// did not apply.
    pub(crate) fn refuses(&mut self, position: usize, point: &Point) -> Option<Reject> {
        match self {
            Self::Training(evaluator) => evaluator.check(TRAINING[position].0, point),
            Self::Inference(evaluator) => evaluator.check(INFERENCE[position].0, point),
        }
        .err()
    }
}

impl TrainingEvaluator<'_> {
    fn check(&mut self, check: Check, point: &Point) -> Result<(), Reject> {
        match check {
            Check::Cell => self.cell_runs(point),
            Check::DataParallel => self.data_parallel(point).map(drop),
            Check::MicroBatches => self.micro_batches(point).map(drop),
            Check::Copies => self.copies_divide(point),
            Check::Schedule => self.schedule_runs(point),
            Check::Cut => self.model_cuts(point),
            Check::Room => Ok(()),
        }
    }
}

impl InferenceEvaluator<'_> {
    fn check(&mut self, check: Check, point: &Point) -> Result<(), Reject> {
        match check {
            Check::Cell => self.cell_runs(point),
            Check::Cut => self.model_cuts(point),
            Check::Room => self.has_room(point),
            Check::DataParallel | Check::MicroBatches | Check::Copies | Check::Schedule => Ok(()),
        }
    }
}
