//! Serving rows.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::economics::{Fleet, Upkeep};
use llmsweep_model::flops::ForwardFlops;
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::inference::offload::HostShare;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::speculation::{Drafter, Guess};
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork, PassTime};
use llmsweep_model::phase::inference::{
    self, InferenceRow, InferenceSetup, Replica, ServingMode, Tables, disaggregated,
};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;
use llmsweep_model::system::ServingEngine;

use super::memo::{Memo, stages_of};
use super::prefill_pool::{PrefillLayout, PrefillPools};
use super::seen::{Seen, UNSEEN};
use super::{Common, experts};
use crate::axes::Level;
use crate::catalog::Provenance;
use crate::context::{Context, axis};
use crate::plan::Point;
use crate::spec::Search;

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
}

/// Levels of the last point seen.
pub struct InferenceEvaluator<'a> {
    seen: Seen<'a>,
    prompt_flops: Memo<f64>,
    /// The model with copies of experts; `None` where it has no more than its own.
    shape: Option<ModelShape>,
    work: Result<InferenceWork, Reject>,
    drafter: Result<Option<Drafter>, Reject>,
    device: Result<(InferenceDevice, Provenance), Reject>,
    passes: Passes,
    pools: PrefillPools,
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
        self.passes.prefill.get((sequences, tokens, past), || {
            let own = device.prefill_chunk(shape, work, sequences, (tokens, past));
            drafter.map_or(own, |drafter| own.plus(drafter.prefill_chunk(device, sequences, (tokens, past))))
        })
    }

    fn guess(&mut self, requests: f64) -> PassTime {
        let Self { device, drafter, .. } = self;
        let compute = || drafter.map_or(PassTime::default(), |drafter| drafter.guess(device, requests));
        self.passes.guess.get((requests, 0.0, 0.0), compute)
    }

    fn decode(&mut self, requests: f64) -> PassTime {
        let Self { shape, work, device, .. } = self;
        self.passes.decode.get((requests, 0.0, 0.0), || device.decode(shape, work, requests))
    }

    fn prefill_flops(&mut self, input_tokens: f64) -> f64 {
        let shape = self.shape;
        self.prompt_flops.get((input_tokens, 0.0, 0.0), || ForwardFlops::of_sequence(shape, input_tokens).prompt())
    }
}

impl<'a> InferenceEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            seen: Seen::new(context),
            prompt_flops: Memo::new(),
            shape: None,
            work: Err(UNSEEN),
            drafter: Err(UNSEEN),
            device: Err(UNSEEN),
            passes: Passes::new(),
            pools: PrefillPools::new(),
        }
    }

    /// Builds the levels whose axes changed since the last point.
    pub fn enter(&mut self, point: &Point) {
        let Some(first) = self.seen.enter(point) else { return };
        let context = self.seen.context;
        if first == Level::Shape {
            self.prompt_flops.forget();
        }
        if first <= Level::Work {
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
        self.pools.forget(first == Level::Shape);
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> InferenceOutcome {
        self.enter(point);
        let setup = setup(self.seen.context, point);
        let ranks = |axis| self.seen.context.number(point, axis);
        let used = ranks(axis::TENSOR) * ranks(axis::CONTEXT) * f64::from(setup.pipeline) * f64::from(setup.data);
        let provenance = self.device.as_ref().ok().map(|(_, provenance)| *provenance);
        let disaggregated = setup.mode == ServingMode::Disaggregated;
        let used = if disaggregated { used * setup.decode_workers } else { used };
        let devices = search(self.seen.context, point, 1.0).paid(used);
        let mut common = self.seen.common(point, Fleet { devices, spares: 0.0 }, provenance);
        if disaggregated {
            common = self.with_pool(point, common);
        }
        InferenceOutcome {
            result: self.row(point, &setup),
            common,
            setup,
            kv_bytes_per_token: self.work.as_ref().map_or(f64::NAN, |work| work.kv_bytes_per_token),
        }
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
        let price_scale = context.number(point, axis::PRICE_SCALE);
        let upkeep = Upkeep::of(&bill.tariff, Fleet { devices, spares: 0.0 }, price_scale);
        let worse = |own: Provenance| if bill.provenance as u8 > own as u8 { bill.provenance } else { own };
        let common = common.with_prefill_pool(devices, bill.host_devices, &upkeep);
        Common { provenance: common.provenance.map(worse), ..common }
    }

    /// Whether the cell of a point runs at all.
    pub(super) fn cell_runs(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        self.device()?;
        self.work()?;
        self.drafter.as_ref().map(drop).map_err(|reject| *reject)
    }

    /// Whether the layers can be cut into the stages asked for.
    pub(super) fn model_cuts(&mut self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let pipeline = context.count(point, axis::PIPELINE);
        stages_of(&mut self.seen.stages, shape, Cut::even(pipeline, 1)).map(drop)
    }

    /// Whether there is room for requests; two pools have rooms of their own.
    pub(super) fn has_room(&mut self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let setup = setup(context, point);
        if setup.mode == ServingMode::Disaggregated {
            return Ok(());
        }
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let drafter = self.drafter.as_ref().map_err(|reject| *reject)?.as_ref();
        let stages = stages_of(&mut self.seen.stages, shape, Cut::even(setup.pipeline, 1))?;
        let replica = Replica { shape, work, device, engine: context.engine(point), stages, drafter };
        inference::room(&replica, &setup).map(drop)
    }

    #[inline]
    fn row(&mut self, point: &Point, setup: &InferenceSetup) -> Result<InferenceRow, Reject> {
        let context = self.seen.context;
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let drafter = self.drafter.as_ref().map_err(|reject| *reject)?.as_ref();
        let stages = stages_of(&mut self.seen.stages, shape, Cut::even(setup.pipeline, 1))?;
        let mut tables =
            CellTables { shape, work, device, drafter, passes: &mut self.passes, prompt_flops: &mut self.prompt_flops };
        let replica = Replica { shape, work, device, engine: context.engine(point), stages, drafter };
        if setup.mode == ServingMode::Disaggregated {
            let mut entered = self.pools.enter(context, point, shape)?;
            return disaggregated::row(&replica, &mut tables, &entered.pool, &mut entered.tables, setup);
        }
        inference::row(&replica, &mut tables, setup)
    }
}

/// Requests that one replica runs together: what the axis says, or where it is 0 the engine.
fn most(number: f64, engine: &ServingEngine) -> f64 {
    if number > 0.0 { number } else { engine.max_batch }
}

/// The row level of a point.
#[must_use]
pub fn setup(context: &Context, point: &Point) -> InferenceSetup {
    InferenceSetup {
        input_tokens: context.number(point, axis::INPUT),
        output_tokens: context.number(point, axis::OUTPUT),
        input_cv: context.number(point, axis::INPUT_CV),
        output_cv: context.number(point, axis::OUTPUT_CV),
        length_correlation: context.number(point, axis::LENGTH_CORRELATION),
        pipeline: context.count(point, axis::PIPELINE),
        data: replicas(context, point),
        mode: context.mode(point),
        concurrency: context.number(point, axis::CONCURRENCY),
        admission_interval: context.number(point, axis::ADMISSION_INTERVAL),
        guess: Guess {
            tokens: context.number(point, axis::SPECULATIVE_TOKENS),
            acceptance: context.number(point, axis::ACCEPTANCE),
        },
        allocator: context.allocator(point),
        max_model_len: context.number(point, axis::MAX_MODEL_LEN),
        host: HostShare {
            weights: context.number(point, axis::WEIGHT_OFFLOAD),
            cache: context.number(point, axis::KV_OFFLOAD),
        },
        prefix: Prefix {
            hit_rate: context.number(point, axis::PREFIX_HIT_RATE),
            shared: context.flag(point, axis::PREFIX_SHARED),
        },
        arrival_rate: context.number(point, axis::ARRIVAL_RATE),
        slo_ttft: Seconds(context.number(point, axis::SLO_TTFT)),
        slo_tpot: Seconds(context.number(point, axis::SLO_TPOT)),
        max_batch: most(context.number(point, axis::MAX_BATCH), context.engine(point)),
        decode_workers: context.number(point, axis::DECODE_WORKERS),
        two_batch_overlap: context.flag(point, axis::TWO_BATCH_OVERLAP),
    }
}

/// Attention replicas of a point, or of one decode worker: as the axis says, or as `[search]` has it.
fn replicas(context: &Context, point: &Point) -> u32 {
    search(context, point, context.number(point, axis::DECODE_WORKERS)).replicas(
        context.count(point, axis::TENSOR) * context.count(point, axis::CONTEXT),
        context.count(point, axis::PIPELINE),
        context.count(point, axis::EXPERT),
        context.count(point, axis::DATA),
    )
}

/// What `[search]` leaves to each of as many decode workers, where another pool prefills.
fn search(context: &Context, point: &Point, workers: f64) -> Search {
    match context.mode(point) {
        ServingMode::Disaggregated => context.search.beside(PrefillLayout::of(context, point).devices(), workers),
        ServingMode::Continuous | ServingMode::Static => context.search,
    }
}
