//! Serving rows.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::flops::ForwardFlops;
use llmsweep_model::hardware::Accelerator;
use llmsweep_model::parallel::pipeline::{StageClass, stages};
use llmsweep_model::phase::inference::{self, InferenceRow, InferenceSetup, Tables};
use llmsweep_model::phase::inference_times::{InferenceDevice, InferenceWork, PassTime};
use llmsweep_model::reject::Reject;

use super::Common;
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
    /// Cache of one token over all devices of a replica; NaN where the layout does not divide. \[B\]
    pub kv_bytes_per_token: f64,
}

/// Levels of the last point seen.
pub struct InferenceEvaluator<'a> {
    context: &'a Context,
    axes: [Vec<usize>; 3],
    seen: Option<Point>,
    accelerator: Option<Accelerator>,
    parameters: (f64, f64),
    stages: Vec<(u32, Option<Vec<StageClass>>)>,
    prompt_flops: Memo<f64>,
    work: Result<InferenceWork, Reject>,
    device: Result<(InferenceDevice, Provenance), Reject>,
    passes: Passes,
}

/// Values by the numbers that they depend on; a cell has few, so a scan beats hashing.
#[derive(Default)]
struct Memo<T>(Vec<((f64, f64), T)>);

impl<T: Copy> Memo<T> {
    fn get(&mut self, key: (f64, f64), compute: impl FnOnce() -> T) -> T {
        if let Some((_, value)) = self.0.iter().rev().find(|(known, _)| *known == key) {
            return *value;
        }
        let value = compute();
        if self.0.len() == MEMO_LIMIT {
            self.0.clear();
        }
        self.0.push((key, value));
        value
    }
}

/// Entries of a memo before it starts anew: more than a sweep has batch sizes, few enough to scan.
const MEMO_LIMIT: usize = 64;

/// Passes of the last cell, by batch and by prompt.
#[derive(Default)]
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

/// Stands where nothing has been computed yet; never shown.
const UNSEEN: Reject = Reject::PrecisionUnsupported;

impl<'a> InferenceEvaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        Self {
            context,
            axes: [Level::Shape, Level::Work, Level::Time].map(|level| context.plan.up_to(level)),
            seen: None,
            accelerator: None,
            parameters: (0.0, 0.0),
            stages: Vec::new(),
            prompt_flops: Memo(Vec::new()),
            work: Err(UNSEEN),
            device: Err(UNSEEN),
            passes: Passes { prefill: Memo(Vec::new()), decode: Memo(Vec::new()) },
        }
    }

    /// Builds the levels whose axes changed since the last point.
    pub fn enter(&mut self, point: &Point) {
        let same = |axes: &[usize]| self.seen.is_some_and(|seen| seen.agrees(point, axes));
        let (shape_same, work_same, time_same) = (same(&self.axes[0]), same(&self.axes[1]), same(&self.axes[2]));
        if time_same {
            return;
        }
        let context = self.context;
        let shape = &context.model(point).shape;
        if !shape_same {
            self.parameters = (shape.parameters(), shape.active_parameters().with_embeddings);
            self.stages.clear();
            self.prompt_flops.0.clear();
        }
        if !work_same {
            let kv = context.kv_precisions[point.index(axis::KV_PRECISION)];
            let (tensor, expert) = (context.count(point, axis::TENSOR), context.count(point, axis::EXPERT));
            self.work = InferenceWork::count(shape, context.precision(point), kv, tensor, expert);
        }
        self.accelerator = Some(context.accelerator(point));
        self.device = context
            .device(point)
            .map(|resolved| (InferenceDevice::of(&resolved.device, context.engine(point)), resolved.provenance));
        self.passes.prefill.0.clear();
        self.passes.decode.0.clear();
        self.seen = Some(*point);
    }

    /// The results of a point.
    pub fn outcome(&mut self, point: &Point) -> InferenceOutcome {
        self.enter(point);
        let setup = setup(self.context, point);
        let accelerator = self.accelerator.unwrap_or_else(|| self.context.accelerator(point));
        let price_scale = self.context.number(point, axis::PRICE_SCALE);
        let devices = self.context.number(point, axis::TENSOR) * f64::from(setup.pipeline) * f64::from(setup.data);
        let provenance = self.device.as_ref().ok().map(|(_, provenance)| *provenance);
        InferenceOutcome {
            result: self.row(point, &setup),
            common: Common::of(&accelerator, devices, price_scale, provenance, self.parameters),
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

    fn row(&mut self, point: &Point, setup: &InferenceSetup) -> Result<InferenceRow, Reject> {
        let context = self.context;
        let shape = &context.model(point).shape;
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        if !self.stages.iter().any(|(known, _)| *known == setup.pipeline) {
            self.stages.push((setup.pipeline, stages(shape, setup.pipeline, 1)));
        }
        let found = self.stages.iter().find(|(known, _)| *known == setup.pipeline);
        let stages = found.and_then(|(_, stages)| stages.as_deref());
        let mut tables =
            CellTables { shape, work, device, passes: &mut self.passes, prompt_flops: &mut self.prompt_flops };
        inference::row(shape, work, device, context.engine(point), stages, &mut tables, setup)
    }
}

/// The row level of a point.
#[must_use]
pub fn setup(context: &Context, point: &Point) -> InferenceSetup {
    InferenceSetup {
        input_tokens: context.number(point, axis::INPUT),
        output_tokens: context.number(point, axis::OUTPUT),
        pipeline: context.count(point, axis::PIPELINE),
        data: context.count(point, axis::DATA),
        mode: context.mode(point),
        concurrency: context.number(point, axis::CONCURRENCY),
    }
}
