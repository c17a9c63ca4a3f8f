//! Serving rows.
pub(super) mod boxes;

use llmsweep_model::arch::ModelShape;
use llmsweep_model::economics::{Fleet, Upkeep};
use llmsweep_model::flops::ForwardFlops;
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::inference::speculation::Drafter;
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork, PassTime};
use llmsweep_model::phase::inference::{
    self, Admission, InferenceRow, InferenceSetup, Replica, Request, ServingMode, Tables, disaggregated,
};
use llmsweep_model::reject::Reject;

use super::by_axes::{ByAxes, Numbering};
use super::followed::{Followed, row_axes_but};
use super::inference_setup::{BLANK, WRITES};
use super::memo::{Memo, StageMemo, stages_of};
use super::prefill_pool::{PrefillLayout, PrefillPools};
use super::seen::{Seen, UNSEEN};
use super::{Common, experts};
use crate::axes::{Level, Phase};
use crate::catalog::Provenance;
use crate::context::{Context, axis};
use crate::plan::Point;

/// The results of one serving row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InferenceOutcome {
    /// Results, or why it can't run.
    pub result: Result<InferenceRow, Reject>,
    /// What every outcome has.
    pub common: Common,
    /// The row level.
    pub setup: InferenceSetup,
    /// Cache of one token over all devices of a replica; NaN where the layout does not divide. \[B\]
    pub kv_bytes_per_token: f64,
    /// Bytes that one device sends for each token of a pass; NaN where the layout does not divide. \[B\]
    pub message_bytes_per_token: f64,
    /// Devices that are paid for, those of a prefill pool left out.
    pub own_devices: f64,
}

/// Axes of the row level that say how much is asked of a replica, and not what: those of a prefill pool too, whose requests are not kept.
const OF_LOAD: [usize; 19] = [
    axis::PRICE_SCALE,
    axis::POWER_SCALE,
    axis::DATA,
    axis::CONCURRENCY,
    axis::ADMISSION_INTERVAL,
    axis::ATTENTION_DP_WAIT,
    axis::ACCEPTANCE,
    axis::ARRIVAL_RATE,
    axis::SLO_TTFT,
    axis::SLO_TPOT,
    axis::MAX_BATCH,
    axis::DECODE_WORKERS,
    axis::PREFILL_WORKERS,
    axis::PREFILL_ACCELERATOR,
    axis::PREFILL_PRECISION,
    axis::PREFILL_TENSOR,
    axis::PREFILL_EXPERT,
    axis::PREFILL_PIPELINE,
    axis::PREFILL_DATA,
];

/// Levels of the last point seen.
pub struct InferenceEvaluator<'a> {
    seen: Seen<'a>,
    stages: StageMemo,
    prompt_flops: Memo<f64>,
    /// The model with copies of experts; `None` where it has no more than its own.
    shape: Option<ModelShape>,
    work: Result<InferenceWork, Reject>,
    drafter: Result<Option<Drafter>, Reject>,
    device: Result<(InferenceDevice, Provenance), Reject>,
    passes: Passes,
    pools: PrefillPools,
    /// The results of the last point, in whose place the row level is read.
    outcome: Followed<InferenceOutcome, 1>,
    /// Of one cell.
    admissions: ByAxes<Admission>,
    requests: ByAxes<Request>,
}

/// Passes of a cell, by batch and by prompt.
pub(super) struct Passes {
    prefill: Memo<PassTime>,
    decode: Memo<PassTime>,
    guess: Memo<PassTime>,
}

impl Passes {
    pub(super) fn new() -> Self {
        Self { prefill: Memo::new(), decode: Memo::new(), guess: Memo::new() }
    }

    fn forget(&mut self) {
        self.prefill.forget();
        self.decode.forget();
        self.guess.forget();
    }
}

/// What one pool of a cell keeps between its rows.
pub(super) struct CellTables<'a> {
    pub(super) shape: &'a ModelShape,
    pub(super) work: &'a InferenceWork,
    pub(super) device: &'a InferenceDevice,
    pub(super) drafter: Option<&'a Drafter>,
    pub(super) passes: &'a mut Passes,
    pub(super) prompt_flops: &'a mut Memo<f64>,
}

impl Tables for CellTables<'_> {
    fn prefill_chunk(&mut self, sequences: f64, tokens: f64, past: f64) -> PassTime {
        let Self { shape, work, device, drafter, .. } = self;
        *self.passes.prefill.get((sequences, tokens, past), || {
            let own = device.prefill_chunk(shape, work, sequences, (tokens, past));
            drafter.map_or(own, |drafter| own.plus(drafter.prefill_chunk(device, sequences, (tokens, past))))
        })
    }

    fn guess(&mut self, requests: f64) -> PassTime {
        let Self { device, drafter, .. } = self;
        let compute = || drafter.map_or(PassTime::default(), |drafter| drafter.guess(device, requests));
        *self.passes.guess.get((requests, 0.0, 0.0), compute)
    }

    fn decode(&mut self, requests: f64) -> PassTime {
        let Self { shape, work, device, .. } = self;
        *self.passes.decode.get((requests, 0.0, 0.0), || device.decode(shape, work, requests))
    }

    fn prefill_flops(&mut self, input_tokens: f64) -> f64 {
        let shape = self.shape;
        *self.prompt_flops.get((input_tokens, 0.0, 0.0), || ForwardFlops::of_sequence(shape, input_tokens).prompt())
    }
}

impl<'a> InferenceEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        let requests = Numbering::new(&context.plan, &row_axes_but(Phase::Inference, &OF_LOAD));
        Self {
            seen: Seen::new(context),
            stages: StageMemo::new(),
            prompt_flops: Memo::new(),
            shape: None,
            work: Err(UNSEEN),
            drafter: Err(UNSEEN),
            device: Err(UNSEEN),
            passes: Passes::new(),
            pools: PrefillPools::new(),
            outcome: Followed::new(&context.plan, BLANK, WRITES, [&requests]),
            admissions: ByAxes::new(&requests),
            requests: ByAxes::new(&requests),
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
            None => self.outcome.follow(context, point, held),
            Some(first) => self.enter_cell(point, first),
        }
    }

    fn enter_cell(&mut self, point: &Point, first: Level) {
        let context = self.seen.context;
        self.outcome.restart(context, point);
        if first == Level::Shape {
            self.stages.forget();
        }
        if first <= Level::Work {
            // The router knows copies of experts, which are an axis of this level.
            self.prompt_flops.forget();
            self.shape = experts::with_copies(context, point);
            let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
            let kv = context.kv_precisions[point.index(axis::KV_PRECISION)];
            let (tensor, expert) = (context.count(point, axis::TENSOR), context.count(point, axis::EXPERT));
            let ranks = context.count(point, axis::CONTEXT);
            let (precision, quantised) = (context.precision(point), context.quantised(point));
            self.work = InferenceWork::count(shape, precision, quantised, kv, (tensor, expert, ranks));
            let (speculation, draft) = context.speculation(point);
            let draft = draft.map(|entry| &entry.shape);
            self.drafter = Drafter::of(speculation, shape, draft, (precision, quantised, kv), (tensor, expert, ranks));
        }
        let ranks = context.number(point, axis::EXPERT);
        self.device = context
            .device(point)
            .map(|resolved| (experts::device(context, point, &resolved.device, ranks), resolved.provenance));
        self.passes.forget();
        self.admissions.forget();
        self.requests.forget();
        self.pools.forget(first <= Level::Work);
        self.outcome.setup.message_bytes_per_token =
            self.work.as_ref().map_or(f64::NAN, |work| work.sent_bytes_per_token);
        self.outcome.setup.kv_bytes_per_token = self.work.as_ref().map_or(f64::NAN, |work| work.kv_bytes_per_token);
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> &InferenceOutcome {
        self.outcome_after(point, 0)
    }

    /// The results of a point that agrees with the last one on the first `held` digits of the plan.
    #[inline]
    pub(super) fn outcome_after(&mut self, point: &Point, held: usize) -> &InferenceOutcome {
        self.enter_after(point, held);
        let outcome = &self.outcome.setup;
        let provenance = self.device.as_ref().ok().map(|(_, provenance)| *provenance);
        let fleet = Fleet { devices: outcome.own_devices, spares: 0.0 };
        if outcome.setup.mode == ServingMode::Disaggregated {
            let common = self.seen.common_of(point, fleet, provenance);
            self.outcome.setup.common = self.with_pool(point, common);
            self.seen.forget_common();
        } else {
            self.seen.common(point, fleet, provenance, &mut self.outcome.setup.common);
        }
        self.outcome.setup.result = self.row(point);
        &self.outcome.setup
    }

    /// The model of a point, the last one entered, with its copies of experts.
    pub fn shape(&self, point: &Point) -> &ModelShape {
        self.shape.as_ref().unwrap_or_else(|| &self.seen.context.model(point).shape)
    }

    /// The spread model of the last point entered.
    pub fn work(&self) -> Result<&InferenceWork, Reject> {
        self.work.as_ref().map_err(|reject| *reject)
    }

    /// What guesses tokens at the last point entered.
    #[must_use]
    pub fn drafter(&self) -> Option<&Drafter> {
        self.drafter.as_ref().ok().and_then(Option::as_ref)
    }

    /// The device of the last point entered, and how its efficiencies are known.
    pub fn device(&self) -> Result<&(InferenceDevice, Provenance), Reject> {
        self.device.as_ref().map_err(|reject| *reject)
    }

    /// What the devices of both pools cost; of the decode pool alone where the other can't be laid out.
    fn with_pool(&mut self, point: &Point, common: Common) -> Common {
        let context = self.seen.context;
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let Ok(bill) = self.pools.bill(context, point, shape) else { return common };
        let devices = PrefillLayout::of(context, point).devices();
        let upkeep = Upkeep::of(&bill.tariff, Fleet { devices, spares: 0.0 }, context.factors(point));
        let worse = |own: Provenance| if bill.provenance as u8 > own as u8 { bill.provenance } else { own };
        let common = common.with_prefill_pool(devices, bill.host_devices, &upkeep);
        Common { provenance: common.provenance.map(worse), ..common }
    }

    #[inline]
    fn row(&mut self, point: &Point) -> Result<InferenceRow, Reject> {
        let (context, setup) = (self.seen.context, &self.outcome.setup.setup);
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let drafter = self.drafter.as_ref().map_err(|reject| *reject)?.as_ref();
        let stages = stages_of(&mut self.stages, shape, Cut::even(setup.pipeline, 1))?;
        let mut tables =
            CellTables { shape, work, device, drafter, passes: &mut self.passes, prompt_flops: &mut self.prompt_flops };
        let replica = Replica { shape, work, device, engine: context.engine(point), stages, drafter };
        if setup.mode == ServingMode::Disaggregated {
            let mut entered = self.pools.enter(context, point, shape)?;
            return disaggregated::row(&replica, &mut tables, &entered.pool, &mut entered.tables, setup);
        }
        let [number] = self.outcome.numbers;
        let admission = *self.admissions.get(number, || Admission::of(&replica, setup));
        let request = self.requests.get(number, || Request::of(&replica, &mut tables, setup, admission));
        inference::row(&replica, &mut tables, setup, request)
    }
}
