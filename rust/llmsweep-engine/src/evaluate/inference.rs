//! Serving rows.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::economics::Fleet;
use llmsweep_model::flops::ForwardFlops;
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork, PassTime};
use llmsweep_model::phase::inference::{self, InferenceRow, InferenceSetup, Replica, Tables};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

use super::Common;
use super::memo::{Memo, stages_of};
use super::seen::{Seen, UNSEEN};
use crate::axes::Level;
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
}

/// Levels of the last point seen.
pub struct InferenceEvaluator<'a> {
    seen: Seen<'a>,
    prompt_flops: Memo<f64>,
    work: Result<InferenceWork, Reject>,
    device: Result<(InferenceDevice, Provenance), Reject>,
    passes: Passes,
}

/// Passes of the last cell, by batch and by prompt.
struct Passes {
    prefill: Memo<PassTime>,
    decode: Memo<PassTime>,
}

struct CellTables<'a> {
    shape: &'a ModelShape,
    work: &'a InferenceWork,
    device: &'a InferenceDevice,
    passes: &'a mut Passes,
    prompt_flops: &'a mut Memo<f64>,
}

impl Tables for CellTables<'_> {
    fn prefill(&mut self, sequences: f64, input_tokens: f64) -> PassTime {
        let Self { shape, work, device, .. } = self;
        self.passes.prefill.get((sequences, input_tokens), || device.prefill(shape, work, sequences, input_tokens))
    }

    fn decode(&mut self, requests: f64) -> PassTime {
        let Self { shape, work, device, .. } = self;
        self.passes.decode.get((requests, 0.0), || device.decode(shape, work, requests))
    }

    fn prefill_flops(&mut self, input_tokens: f64) -> f64 {
        let shape = self.shape;
        self.prompt_flops.get((input_tokens, 0.0), || ForwardFlops::of_sequence(shape, input_tokens).prompt())
    }
}

impl<'a> InferenceEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            seen: Seen::new(context),
            prompt_flops: Memo::new(),
            work: Err(UNSEEN),
            device: Err(UNSEEN),
            passes: Passes { prefill: Memo::new(), decode: Memo::new() },
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
            let shape = &context.model(point).shape;
            let kv = context.kv_precisions[point.index(axis::KV_PRECISION)];
            let (tensor, expert) = (context.count(point, axis::TENSOR), context.count(point, axis::EXPERT));
            self.work = InferenceWork::count(shape, context.precision(point), kv, tensor, expert);
        }
        self.device = context
            .device(point)
            .map(|resolved| (InferenceDevice::of(&resolved.device, context.engine(point)), resolved.provenance));
        self.passes.prefill.forget();
        self.passes.decode.forget();
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> InferenceOutcome {
        self.enter(point);
        let setup = setup(self.seen.context, point);
        let used = self.seen.context.number(point, axis::TENSOR) * f64::from(setup.pipeline) * f64::from(setup.data);
        let devices = self.seen.context.search.paid(used);
        let provenance = self.device.as_ref().ok().map(|(_, provenance)| *provenance);
        InferenceOutcome {
            result: self.row(point, &setup),
            common: self.seen.common(point, Fleet { devices, spares: 0.0 }, provenance),
            setup,
            kv_bytes_per_token: self.work.as_ref().map_or(f64::NAN, |work| work.kv_bytes_per_token),
        }
    }

    /// The spread model of the last point entered.
    pub fn work(&self) -> Result<&InferenceWork, Reject> {
        self.work.as_ref().map_err(|reject| *reject)
    }

    /// The device of the last point entered, and how its efficiencies are known.
    pub fn device(&self) -> Result<&(InferenceDevice, Provenance), Reject> {
        self.device.as_ref().map_err(|reject| *reject)
    }

    #[inline]
    fn row(&mut self, point: &Point, setup: &InferenceSetup) -> Result<InferenceRow, Reject> {
        let context = self.seen.context;
        let shape = &context.model(point).shape;
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let stages = stages_of(&mut self.seen.stages, shape, Cut::even(setup.pipeline, 1))?;
        let mut tables =
            CellTables { shape, work, device, passes: &mut self.passes, prompt_flops: &mut self.prompt_flops };
        let replica = Replica { shape, work, device, engine: context.engine(point), stages };
        inference::row(&replica, &mut tables, setup)
    }
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
        arrival_rate: context.number(point, axis::ARRIVAL_RATE),
        slo_ttft: Seconds(context.number(point, axis::SLO_TTFT)),
        slo_tpot: Seconds(context.number(point, axis::SLO_TPOT)),
    }
}

/// Replicas of a point: as the axis says, or as `[search]` has it.
fn replicas(context: &Context, point: &Point) -> u32 {
    context.search.replicas(
        context.count(point, axis::TENSOR),
        context.count(point, axis::PIPELINE),
        context.count(point, axis::EXPERT),
        context.count(point, axis::DATA),
    )
}
