//! Training rows.
use llmsweep_model::phase::training::{self, TrainingLevels, TrainingRow, TrainingSetup};
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingTimes, TrainingWork};
use llmsweep_model::reject::Reject;

use super::Common;
use super::seen::{Seen, UNSEEN};
use crate::axes::Level;
use crate::context::{Context, ResolvedDevice, axis};
use crate::plan::Point;

/// The results of one training row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingOutcome {
    /// Results, or why it can't run.
    pub result: Result<TrainingRow, Reject>,
    /// What every outcome has.
    pub common: Common,
    /// Whether the pipeline interleaves chunks, runs 1F1B, or is none.
    pub schedule: Schedule,
}

/// Pipeline schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Schedule {
    /// One stage.
    None,
    /// One forward, one backward.
    OneForwardOneBackward,
    /// The same with several model chunks per stage.
    Interleaved,
}

impl Schedule {
    /// Names in the `schedule` column, in the order of the codes.
    pub const NAMES: [&'static str; 3] = ["none", "1f1b", "interleaved"];
}

/// Levels of the last point seen.
pub struct TrainingEvaluator<'a> {
    seen: Seen<'a>,
    work: Result<TrainingWork, Reject>,
    device: Result<ResolvedDevice, Reject>,
    times: Option<TrainingTimes>,
}

impl<'a> TrainingEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self { seen: Seen::new(context), work: Err(UNSEEN), device: Err(UNSEEN), times: None }
    }

    /// Builds the levels whose axes changed since the last point.
    pub fn enter(&mut self, point: &Point) {
        let Some(first) = self.seen.enter(point) else { return };
        let context = self.seen.context;
        if first <= Level::Work {
            let shape = &context.model(point).shape;
            let layout = layout(context, point);
            self.work = TrainingWork::count(shape, context.precision(point), layout, &context.training);
        }
        self.device = context.device(point);
        self.times = match (&self.work, &self.device) {
            (Ok(work), Ok(device)) => Some(TrainingTimes::of(work, &device.device, &context.training)),
            _ => None,
        };
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> TrainingOutcome {
        self.enter(point);
        let setup = setup(self.seen.context, point);
        let provenance = self.device.as_ref().ok().map(|device| device.provenance);
        let schedule = match (setup.pipeline, setup.virtual_pipeline) {
            (1, _) => Schedule::None,
            (_, 1) => Schedule::OneForwardOneBackward,
            _ => Schedule::Interleaved,
        };
        TrainingOutcome {
            result: self.row(point, &setup),
            common: self.seen.common(point, f64::from(setup.devices), provenance),
            schedule,
        }
    }

    /// The counted work of the last point entered.
    pub fn work(&self) -> Result<&TrainingWork, Reject> {
        self.work.as_ref().map_err(|reject| *reject)
    }

    /// The device of the last point entered.
    pub fn device(&self) -> Result<&ResolvedDevice, Reject> {
        self.device.as_ref().map_err(|reject| *reject)
    }

    /// The times of the last point entered, if its work can be counted and its device timed.
    #[must_use]
    pub fn times(&self) -> Option<&TrainingTimes> {
        self.times.as_ref()
    }

    #[inline]
    fn row(&mut self, point: &Point, setup: &TrainingSetup) -> Result<TrainingRow, Reject> {
        let context = self.seen.context;
        let device = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let times = self.times.as_ref().ok_or(UNSEEN)?;
        let shape = &context.model(point).shape;
        let stages = self.seen.stages.get(shape, setup.pipeline, setup.virtual_pipeline);
        let (precision, system) = (context.precision(point), &context.training);
        let levels = TrainingLevels { shape, precision, work, times, device: &device.device, system };
        training::row(levels, stages, setup)
    }
}

/// The work level of a point.
fn layout(context: &Context, point: &Point) -> TrainingLayout {
    TrainingLayout {
        tensor: context.count(point, axis::TENSOR),
        expert: context.count(point, axis::EXPERT),
        expert_tensor: context.count(point, axis::EXPERT_TENSOR),
        context: context.count(point, axis::CONTEXT),
        sequence_parallel: context.flag(point, axis::SEQUENCE_PARALLEL),
        multi_token_prediction: context.flag(point, axis::PREDICTION),
        sequence_length: context.count(point, axis::SEQUENCE_LENGTH),
        micro_batch: context.count(point, axis::MICRO_BATCH),
        recompute: context.recompute(point),
        kernel: context.attention_kernel(point),
        context_exchange: context.context_exchange(point),
        expert_imbalance: context.number(point, axis::EXPERT_IMBALANCE),
    }
}

/// The row level of a point.
#[must_use]
pub fn setup(context: &Context, point: &Point) -> TrainingSetup {
    TrainingSetup {
        devices: context.count(point, axis::DEVICES),
        pipeline: context.count(point, axis::PIPELINE),
        virtual_pipeline: context.count(point, axis::VIRTUAL),
        global_batch: context.count(point, axis::GLOBAL_BATCH),
        zero_stage: context.count(point, axis::ZERO),
        data_parallel_replicate: context.count(point, axis::REPLICATE),
        optimizer: context.optimizer(point),
        tokens: context.number(point, axis::TOKENS),
    }
}
