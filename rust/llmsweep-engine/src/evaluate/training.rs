//! Training rows.
//!
//! Below the plan's levels stand what rows of several cells and what rows of one cell share: a memory that knows no accelerator, failures and
//! checkpoints, and micro-batches on their way through a pipeline. Each is kept by the axes that it depends on.
pub(super) mod boxes;

use llmsweep_model::arch::ModelShape;
use llmsweep_model::economics::Fleet;
use llmsweep_model::goodput::Goodput;
use llmsweep_model::parallel::pipeline::{self, StageClass};
use llmsweep_model::phase::exchange::{Routes, StageMessages, messages_like};
use llmsweep_model::phase::training::{self, Counted, Groups, Replicas, TrainingLevels, TrainingRow, TrainingSetup};
use llmsweep_model::phase::training_memory::{Refusal, TrainingMemory};
use llmsweep_model::phase::training_pipeline::Pipelined;
use llmsweep_model::phase::training_stage::{StageInput, StageTime, TrainingStage};
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingTimes, TrainingWork};
use llmsweep_model::phase::training_traffic::Traffic;
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

use super::Common;
use super::by_axes::{ByAxes, Numbering};
use super::followed::{Followed, row_axes_but};
use super::memo::Memo;
use super::seen::{Seen, UNSEEN};
pub use super::training_setup::setup;
use super::training_setup::{BLANK, WRITES};
use crate::axes::{Level, Phase};
use crate::context::{Context, ResolvedDevice, axis};
use crate::plan::Point;

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

/// Axes of the row level that act on a whole run, after its steps.
const OF_RUN: [usize; 7] = [
    axis::PRICE_SCALE,
    axis::POWER_SCALE,
    axis::TOKENS,
    axis::TOKENS_PER_PARAMETER,
    axis::DEVICE_MTBF,
    axis::CHECKPOINT_INTERVAL,
    axis::SPARES,
];

/// Those that act on what follows the last micro-batch.
const OF_STATE: [usize; 3] = [axis::ZERO, axis::OPTIMIZER, axis::OFFLOAD];

/// Those on which failures and checkpoints depend.
const OF_GOODPUT: [usize; 5] =
    [axis::DEVICES, axis::OPTIMIZER, axis::DEVICE_MTBF, axis::CHECKPOINT_INTERVAL, axis::SPARES];

/// Those that cut the layers into stages.
const OF_CUT: [usize; 6] =
    [axis::PIPELINE, axis::VIRTUAL, axis::SCHEDULE, axis::FIRST_STAGE, axis::LAST_STAGE, axis::EMBEDDING_AS_LAYERS];

/// A setup that divides, what the fullest of its devices holds, and what the busiest sends.
#[derive(Clone, Copy)]
struct Held {
    groups: Groups,
    memory: TrainingMemory,
    traffic: Traffic,
}

/// Levels of the last point seen.
pub struct TrainingEvaluator<'a> {
    seen: Seen<'a>,
    work: Result<TrainingWork, Reject>,
    device: Result<ResolvedDevice, Reject>,
    times: Option<TrainingTimes>,
    /// Of the model.
    classes: ByAxes<Result<Vec<StageClass>, Reject>>,
    setup: Followed<TrainingSetup, 5>,
    /// Of the work level, whatever the accelerator.
    stages: ByAxes<Result<Vec<TrainingStage>, Reject>>,
    held: ByAxes<Result<Held, Reject>>,
    goodput: ByAxes<Result<Goodput, Reject>>,
    /// Of one cell.
    stage_times: ByAxes<Vec<StageTime>>,
    pipelined: ByAxes<Pipelined>,
    sent: Sent,
    /// Devices' time for one sequence, at least: asked for by boxes of rows.
    least: Option<Seconds>,
    outcome: TrainingOutcome,
}

/// Messages of the last setup asked for, and the ways of those of a cell.
struct Sent {
    /// By data-parallel replicas, copies, and whether ZeRO shards anything.
    routes: Memo<Routes>,
    /// Number of the pipeline, and ZeRO's stage as far as it matters.
    last: Option<(u64, u32)>,
    messages: Vec<StageMessages>,
}

impl Sent {
    fn new() -> Self {
        Self { routes: Memo::new(), last: None, messages: Vec::new() }
    }

    /// Messages of a pipeline by its number, if it has one.
    #[inline]
    fn of(&mut self, number: Option<u64>, levels: &TrainingLevels, counted: &Counted) -> &[StageMessages] {
        let asked = number.map(|number| (number, messages_like(counted.setup)));
        if asked.is_none() || asked != self.last {
            self.count(levels, counted);
            self.last = asked;
        }
        &self.messages
    }

    fn count(&mut self, levels: &TrainingLevels, counted: &Counted) {
        let Counted { groups, setup, .. } = counted;
        let sharded = f64::from(u8::from(setup.zero_stage > 0));
        let key = (groups.placement.data, groups.placement.replicate, sharded);
        let routes = self.routes.get(key, || Routes::of(levels, groups, setup));
        self.messages.clear();
        self.messages.extend(StageMessages::of_all(levels, counted, routes));
    }

    fn forget(&mut self) {
        self.routes.forget();
        self.last = None;
    }
}

impl<'a> TrainingEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        let plan = &context.plan;
        let of = |axes: &[usize]| Numbering::new(plan, axes);
        let rows_but = |left_out: &[&[usize]]| of(&row_axes_but(Phase::Training, &left_out.concat()));
        let (held, goodput, pipelined) = (rows_but(&[&OF_RUN]), of(&OF_GOODPUT), rows_but(&[&OF_RUN, &OF_STATE]));
        let (classes, stages) = (of(&OF_CUT), of(&[&OF_CUT[..], &[axis::RECOMPUTE_LAYERS]].concat()));
        Self {
            seen: Seen::new(context),
            work: Err(UNSEEN),
            device: Err(UNSEEN),
            times: None,
            classes: ByAxes::new(&classes),
            stages: ByAxes::new(&stages),
            held: ByAxes::new(&held),
            goodput: ByAxes::new(&goodput),
            stage_times: ByAxes::new(&stages),
            pipelined: ByAxes::new(&pipelined),
            setup: Followed::new(plan, BLANK, WRITES, [&held, &goodput, &pipelined, &classes, &stages]),
            sent: Sent::new(),
            least: None,
            outcome: TrainingOutcome { result: Err(UNSEEN), memory: None, common: Common::UNSEEN },
        }
    }

    /// Builds the levels whose axes changed since the last point.
    #[inline]
    pub fn enter(&mut self, point: &Point) {
        self.enter_after(point, 0);
    }

    /// The same where the point agrees with the last one on the first `held` digits of the plan.
    #[inline]
    fn enter_after(&mut self, point: &Point, held: usize) {
        let context = self.seen.context;
        match self.seen.enter(point, held) {
            None => self.setup.follow(context, point, held),
            Some(first) => self.enter_cell(point, first),
        }
    }

    fn enter_cell(&mut self, point: &Point, first: Level) {
        let context = self.seen.context;
        self.setup.restart(context, point);
        if first == Level::Shape {
            self.classes.forget();
        }
        if first <= Level::Work {
            let shape = &context.model(point).shape;
            let layout = layout(context, point);
            self.work = TrainingWork::count(shape, context.precision(point), layout, context.stack(point));
            self.stages.forget();
            self.held.forget();
            self.goodput.forget();
        }
        self.device = context.device(point);
        self.stage_times.forget();
        self.pipelined.forget();
        self.sent.forget();
        self.least = None;
        self.times = match (&self.work, &self.device) {
            (Ok(work), Ok(device)) => Some(TrainingTimes::of(work, &device.device, context.stack(point))),
            _ => None,
        };
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> &TrainingOutcome {
        self.outcome_after(point, 0)
    }

    /// The results of a point that agrees with the last one on the first `held` digits of the plan.
    #[inline]
    pub(super) fn outcome_after(&mut self, point: &Point, held: usize) -> &TrainingOutcome {
        self.enter_after(point, held);
        let setup = &self.setup.setup;
        let fleet = Fleet { devices: f64::from(setup.devices), spares: setup.spares };
        let provenance = self.device.as_ref().ok().map(|device| device.provenance);
        self.seen.common(point, fleet, provenance, &mut self.outcome.common);
        if let Err(Refusal { reject, memory }) = self.row(point) {
            (self.outcome.memory, self.outcome.result) = (memory, Err(reject));
        }
        &self.outcome
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

    /// Writes the results of the last point entered, or says why it can't run.
    #[inline]
    fn row(&mut self, point: &Point) -> Result<(), Refusal> {
        let device = &self.device.as_ref().map_err(|reject| *reject)?.device;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let context = self.seen.context;
        let (setup, system) = (&self.setup.setup, context.stack(point));
        let [held, goodput, pipelined, classes, stages] = self.setup.numbers;
        let counted = || (&context.model(point).shape, context.precision(point));
        let held = self.held.get(held, || {
            // Before the layers are cut, as in a look at a box.
            setup.schedule.check_stages(setup.pipeline, setup.virtual_pipeline)?;
            let (shape, precision) = counted();
            let asked = ((&mut self.stages, stages), (&mut self.classes, classes));
            let stages = stages_of(asked, shape, work, setup)?;
            let groups = Groups::of(work, Replicas::of(work, setup)?, setup);
            let counted = Counted::of(precision, work, system, &groups, stages, setup);
            Ok(Held { groups, memory: counted.memory(), traffic: counted.traffic() })
        });
        let Held { groups, memory, traffic } = held.as_ref().map_err(|reject| *reject)?;
        let memory = memory.on(device, system)?;
        let (shape, precision) = counted();
        let times = self.times.as_ref().ok_or(UNSEEN)?;
        let levels = TrainingLevels { shape, precision, work, times, device, system, operations: &context.operations };
        let goodput = (*self.goodput.get(goodput, || training::goodput(&levels, setup)))?;
        let asked = ((&mut self.stages, stages), (&mut self.classes, classes));
        let counted = Counted::of(precision, work, system, groups, stages_of(asked, shape, work, setup)?, setup);
        let number = self.pipelined.tells_apart().then_some(pipelined);
        let times = &mut self.stage_times;
        let pipelined =
            self.pipelined.get(pipelined, || self::pipelined(&levels, groups, (counted.stages, stages), times, setup));
        let terms = pipelined.step(&levels, &counted, self.sent.of(number, &levels, &counted));
        self.outcome.result = Ok(TrainingRow::of(&levels, pipelined, setup, (memory, *traffic, terms, goodput)));
        self.outcome.memory = Some(memory);
        Ok(())
    }
}

/// Micro-batches on their way through stages, which have this number.
fn pipelined(
    levels: &TrainingLevels,
    groups: &Groups,
    (stages, number): (&[TrainingStage], u64),
    times: &mut ByAxes<Vec<StageTime>>,
    setup: &TrainingSetup,
) -> Pipelined {
    let times = times.get(number, || StageTime::all(levels, setup.schedule.order(), stages));
    Pipelined::of(levels, groups, (stages, times), setup)
}

/// A table and the number asked for.
type Asked<'a, T> = (&'a mut ByAxes<Result<Vec<T>, Reject>>, u64);

/// The stages of a point's cut, or why the model can't be cut so.
#[inline]
fn stages_of<'a>(
    ((stages, number), (classes, cut)): (Asked<'a, TrainingStage>, Asked<StageClass>),
    shape: &ModelShape,
    work: &TrainingWork,
    setup: &TrainingSetup,
) -> Result<&'a [TrainingStage], Reject> {
    let count = || {
        let classes = classes.get(cut, || pipeline::stages(shape, &setup.cut()));
        let input = StageInput { shape, work, recompute_layers: setup.recompute_layers };
        classes.as_ref().map(|classes| TrainingStage::all(&input, classes)).map_err(|reject| *reject)
    };
    stages.get(number, count).as_deref().map_err(|reject| *reject)
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
