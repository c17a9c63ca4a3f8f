//! Training rows.
use llmsweep_model::economics::Fleet;
use llmsweep_model::goodput::most_goodput;
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::training::{self, Replicas, TrainingLevels, TrainingRow, TrainingSetup, slowest_of};
use llmsweep_model::phase::training_ideal::{ROUNDING, least_device_time};
use llmsweep_model::phase::training_memory::{Refusal, TrainingMemory};
use llmsweep_model::phase::training_pipeline::Pipelined;
use llmsweep_model::phase::training_stage::{StageInput, TrainingStage};
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingTimes, TrainingWork};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

use super::Common;
use super::ideal::Span;
use super::ideal::training::{TrainingIdeal, upkeep_of_one};
use super::memo::{TrainingStageMemo, stages_of};
use super::seen::{Seen, UNSEEN};
use crate::axes::Level;
use crate::context::{Context, ResolvedDevice, axis};
use crate::plan::Point;

/// The axes that decide on the stages, the ranks and their micro-batches.
pub(super) const BATCH: [usize; 9] = [
    axis::PIPELINE,
    axis::VIRTUAL,
    axis::SCHEDULE,
    axis::FIRST_STAGE,
    axis::LAST_STAGE,
    axis::EMBEDDING_AS_LAYERS,
    axis::RECOMPUTE_LAYERS,
    axis::DEVICES,
    axis::GLOBAL_BATCH,
];

/// The results of one training row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingOutcome {
    /// Results, or why it can't run.
    pub result: Result<TrainingRow, Reject>,
    /// Memory of the fullest device, also where it is too much; `None` where something else refuses the setup before.
    pub memory: Option<TrainingMemory>,
    /// What every outcome has.
    pub common: Common,
}

/// Levels of the last point seen.
pub struct TrainingEvaluator<'a> {
    seen: Seen<'a>,
    work: Result<TrainingWork, Reject>,
    device: Result<ResolvedDevice, Reject>,
    times: Option<TrainingTimes>,
    stages: TrainingStageMemo,
    /// Devices' time for one sequence, at least: asked for by boxes of rows.
    least: Option<Seconds>,
}

impl<'a> TrainingEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            seen: Seen::new(context),
            work: Err(UNSEEN),
            device: Err(UNSEEN),
            times: None,
            stages: TrainingStageMemo::new(),
            least: None,
        }
    }

    /// Builds the levels whose axes changed since the last point.
    pub fn enter(&mut self, point: &Point) {
        let Some(first) = self.seen.enter(point) else { return };
        let context = self.seen.context;
        if first <= Level::Work {
            let shape = &context.model(point).shape;
            let layout = layout(context, point);
            self.work = TrainingWork::count(shape, context.precision(point), layout, context.stack(point));
        }
        self.device = context.device(point);
        self.stages.forget();
        self.least = None;
        self.times = match (&self.work, &self.device) {
            (Ok(work), Ok(device)) => Some(TrainingTimes::of(work, &device.device, context.stack(point))),
            _ => None,
        };
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> TrainingOutcome {
        self.enter(point);
        let setup = setup(self.seen.context, point);
        let provenance = self.device.as_ref().ok().map(|device| device.provenance);
        let answer = self.row(point, &setup);
        TrainingOutcome {
            memory: match &answer {
                Ok(row) => Some(row.memory),
                Err(refusal) => refusal.memory,
            },
            result: answer.map_err(|refusal| refusal.reject),
            common: self.seen.common(
                point,
                Fleet { devices: f64::from(setup.devices), spares: setup.spares },
                provenance,
            ),
        }
    }

    /// The sweep whose points it evaluates.
    pub(super) fn context(&self) -> &'a Context {
        self.seen.context
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

    /// Whether the cell of a point runs at all.
    pub(super) fn cell_runs(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        self.device.as_ref().map_err(|reject| *reject)?;
        self.work.as_ref().map(drop).map_err(|reject| *reject)
    }

    /// Replicas of a point of the cell entered last; see [`training::data_parallel`].
    pub(super) fn data_parallel(&self, point: &Point) -> Result<u32, Reject> {
        let context = self.seen.context;
        let layout = &self.work()?.layout;
        training::data_parallel(layout, context.count(point, axis::PIPELINE), context.count(point, axis::DEVICES))
    }

    /// Micro-batches of a replica, where the schedule runs so many; see [`training::micro_batches`].
    pub(super) fn micro_batches(&self, point: &Point) -> Result<u32, Reject> {
        let data = self.data_parallel(point)?;
        let context = self.seen.context;
        let micro_batches = training::micro_batches(&self.work()?.layout, data, context.count(point, axis::GLOBAL_BATCH))?;
        let (pipeline, chunks) = (context.count(point, axis::PIPELINE), context.count(point, axis::VIRTUAL));
        context.schedule(point).check_batches(pipeline, chunks, micro_batches)?;
        Ok(micro_batches)
    }

    /// Whether the replicas divide into the copies asked for.
    pub(super) fn copies_divide(&self, point: &Point) -> Result<(), Reject> {
        let data = self.data_parallel(point)?;
        training::copies_divide(&self.work()?.layout, data, self.seen.context.count(point, axis::REPLICATE))
    }

    /// Whether the schedule can run on such stages.
    pub(super) fn schedule_runs(&self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let (pipeline, chunks) = (context.count(point, axis::PIPELINE), context.count(point, axis::VIRTUAL));
        context.schedule(point).check_stages(pipeline, chunks)
    }

    /// Whether the layers can be cut into the stages asked for.
    pub(super) fn model_cuts(&mut self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let shape = &context.model(point).shape;
        stages_of(&mut self.seen.stages, shape, setup(context, point).cut()).map(drop)
    }

    /// What the rows of a box of the cell entered last could reach at best; `None` where none runs.
    pub(super) fn ideal<'e>(&'e mut self, span: Span<'e>) -> Option<TrainingIdeal<'e>> {
        let context = self.seen.context;
        let of_cell = self.least_device_time(span.point)?;
        // The stages are known wherever the ranks are: their axes are further out.
        let of_batch = if span.holds(&BATCH) {
            self.least_device_time_of_batch(span.point).unwrap_or(of_cell)
        } else {
            of_cell
        };
        let (work, device) = (self.work.as_ref().ok()?, self.device.as_ref().ok()?);
        Some(TrainingIdeal {
            work,
            peak: device.device.kernels.peak,
            sequence: of_cell.max(of_batch),
            upkeep: upkeep_of_one(self.seen.tariff_entered()?, &span),
            goodput: most_goodput(span.least(axis::DEVICES), span.most(axis::DEVICE_MTBF), &context.operations),
            span,
        })
    }

    /// Devices' time for one sequence in the cell of a point, at least.
    fn least_device_time(&mut self, point: &Point) -> Option<Seconds> {
        let context = self.seen.context;
        if self.least.is_none() {
            let work = self.work.as_ref().ok()?;
            let whole = stages_of(&mut self.seen.stages, &context.model(point).shape, Cut::even(1, 1)).ok()?;
            let hides = context.schedules().iter().any(|schedule| schedule.pairs());
            self.least = Some(least_device_time(whole.first()?, work, self.times.as_ref()?, hides));
        }
        self.least
    }

    /// The same of rows that agree on stages, ranks and global batch; `None` where none of them runs.
    fn least_device_time_of_batch(&mut self, point: &Point) -> Option<Seconds> {
        let context = self.seen.context;
        let data = f64::from(self.data_parallel(point).ok()?);
        let micro_batches = f64::from(self.micro_batches(point).ok()?);
        let spread = slowest_of(data, context.stack(point).straggler_sigma);
        let setup = setup(context, point);
        let stages = self.stages(point, &setup).ok()?;
        let (pipeline, chunks) = (f64::from(setup.pipeline), f64::from(setup.virtual_pipeline));
        let step = Pipelined::of(stages, setup.schedule, pipeline, chunks, micro_batches).step(micro_batches, spread);
        let per_sequence = f64::from(setup.devices) / f64::from(setup.global_batch);
        Some(step * (per_sequence * (1.0 - ROUNDING)))
    }

    /// The stages of a setup of the cell entered last.
    #[inline]
    fn stages(&mut self, point: &Point, setup: &TrainingSetup) -> Result<&[TrainingStage], Reject> {
        let context = self.seen.context;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let times = self.times.as_ref().ok_or(UNSEEN)?;
        let (shape, system) = (&context.model(point).shape, context.stack(point));
        let (cut, recompute_layers) = (setup.cut(), setup.recompute_layers);
        let stages = self.stages.get((cut, recompute_layers), || {
            let input = StageInput { shape, work, times, system, order: cut.order, recompute_layers };
            stages_of(&mut self.seen.stages, shape, cut).map(|classes| TrainingStage::all(&input, classes))
        });
        stages.as_deref().map_err(|reject| *reject)
    }

    #[inline]
    fn row(&mut self, point: &Point, setup: &TrainingSetup) -> Result<TrainingRow, Refusal> {
        let context = self.seen.context;
        let device = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let times = self.times.as_ref().ok_or(UNSEEN)?;
        let shape = &context.model(point).shape;
        let system = context.stack(point);
        setup.schedule.check_stages(setup.pipeline, setup.virtual_pipeline)?;
        let (cut, recompute_layers) = (setup.cut(), setup.recompute_layers);
        let stages = self.stages.get((cut, recompute_layers), || {
            let input = StageInput { shape, work, times, system, order: cut.order, recompute_layers };
            stages_of(&mut self.seen.stages, shape, cut).map(|classes| TrainingStage::all(&input, classes))
        });
        let stages = stages.as_deref().map_err(|reject| *reject)?;
        let replicas = Replicas::of(work, setup)?;
        let (precision, operations) = (context.precision(point), &context.operations);
        let levels = TrainingLevels { shape, precision, work, times, device: &device.device, system, operations };
        training::row(levels, replicas, stages, setup)
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
        recompute_modules: context.recompute_modules(point),
        mode: context.training_mode(point),
        lora_rank: context.count(point, axis::LORA_RANK),
        lora_modules: context.lora_modules(point),
        gradient: context.gradient(point),
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
        tokens_per_parameter: context.number(point, axis::TOKENS_PER_PARAMETER),
        device_mtbf_hours: context.number(point, axis::DEVICE_MTBF),
        checkpoint_interval: Seconds(context.number(point, axis::CHECKPOINT_INTERVAL)),
        spares: context.number(point, axis::SPARES),
        schedule: context.schedule(point),
        first_stage_layers: context.count(point, axis::FIRST_STAGE),
        last_stage_layers: context.count(point, axis::LAST_STAGE),
        embedding_as_layers: context.flag(point, axis::EMBEDDING_AS_LAYERS),
        recompute_layers: context.count(point, axis::RECOMPUTE_LAYERS),
        offload: context.offload(point),
    }
}
