//! What one look at a box of serving rows tells of all of them.
use llmsweep_model::economics::{Fleet, Upkeep};
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::inference::ideal::ServingIdeal;
use llmsweep_model::phase::inference::{self, Admission, Replica, Request, ServingMode};
use llmsweep_model::reject::Reject;

use super::{CellTables, InferenceEvaluator};
use crate::context::{Context, axis};
use crate::evaluate::ideal::Span;
use crate::evaluate::ideal::inference::InferenceIdeal;
use crate::evaluate::memo::stages_of;
use crate::plan::Point;

/// The axes that say how many requests there are, what is promised them, and what they cost; the innermost ones.
pub(in crate::evaluate) const LOAD: [usize; 6] =
    [axis::CONCURRENCY, axis::ARRIVAL_RATE, axis::SLO_TTFT, axis::SLO_TPOT, axis::PRICE_SCALE, axis::POWER_SCALE];

impl<'a> InferenceEvaluator<'a> {
    /// Whether the cell of a point runs at all.
    pub(in crate::evaluate) fn cell_runs(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        self.device()?;
        self.work()?;
        self.drafter.as_ref().map(drop).map_err(|reject| *reject)
    }

    /// Whether the layers of the cell entered last can be cut into the stages asked for.
    pub(in crate::evaluate) fn model_cuts(&mut self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let pipeline = context.count(point, axis::PIPELINE);
        stages_of(&mut self.stages, shape, Cut::even(pipeline, 1)).map(drop)
    }

    /// The sweep whose points it evaluates.
    pub(in crate::evaluate) fn context(&self) -> &'a Context {
        self.seen.context
    }

    /// Whether `each` is true of what every load of a box could reach at best, the box being one in which all but the load holds still;
    /// `None` where that is not known.
    pub(in crate::evaluate) fn all_ideals(
        &mut self,
        span: Span,
        mut each: impl FnMut(&InferenceIdeal) -> Option<bool>,
    ) -> Option<bool> {
        self.enter(span.point);
        let (context, outcome) = (self.seen.context, &self.outcome.setup);
        let setup = &outcome.setup;
        if setup.mode == ServingMode::Disaggregated || !span.holds_all_but(&LOAD) {
            return None;
        }
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(span.point).shape);
        let (device, _) = self.device.as_ref().ok()?;
        let work = self.work.as_ref().ok()?;
        let drafter = self.drafter.as_ref().ok()?.as_ref();
        let stages = stages_of(&mut self.stages, shape, Cut::even(setup.pipeline, 1)).ok()?;
        let mut tables =
            CellTables { shape, work, device, drafter, passes: &mut self.passes, prompt_flops: &mut self.prompt_flops };
        let replica = Replica { shape, work, device, engine: context.engine(span.point), stages, drafter };
        let [number] = self.outcome.numbers;
        let admission = *self.admissions.get(number, || Admission::of(&replica, setup));
        let request = self.requests.get(number, || Request::of(&replica, &mut tables, setup, admission));
        let fleet = Fleet { devices: outcome.own_devices, spares: 0.0 };
        let upkeep = Upkeep::of(self.seen.tariff_entered()?, fleet, span.least_factors());
        let of = |ideal| InferenceIdeal { ideal, upkeep, devices: fleet.devices, output: setup.output_tokens };
        let rates = span.values(axis::ARRIVAL_RATE);
        for &rate in rates.iter().filter(|rate| **rate > 0.0) {
            if !each(&of(ServingIdeal::open(&replica, setup, request, rate)))? {
                return Some(false);
            }
        }
        if rates.iter().any(|rate| *rate <= 0.0) {
            for &concurrency in span.values(axis::CONCURRENCY) {
                let ideal = ServingIdeal::closed(&replica, &mut tables, setup, request, concurrency);
                if let Some(ideal) = ideal
                    && !each(&of(ideal))?
                {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// Whether there is room for requests; two pools have rooms of their own.
    pub(in crate::evaluate) fn has_room(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        let (context, setup) = (self.seen.context, &self.outcome.setup.setup);
        if setup.mode == ServingMode::Disaggregated {
            return Ok(());
        }
        let shape = self.shape.as_ref().unwrap_or_else(|| &context.model(point).shape);
        let (device, _) = self.device.as_ref().map_err(|reject| *reject)?;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let drafter = self.drafter.as_ref().map_err(|reject| *reject)?.as_ref();
        let stages = stages_of(&mut self.stages, shape, Cut::even(setup.pipeline, 1))?;
        let replica = Replica { shape, work, device, engine: context.engine(point), stages, drafter };
        let [number] = self.outcome.numbers;
        let admission = self.admissions.get(number, || Admission::of(&replica, setup));
        inference::admits(&replica, setup, admission).map(drop)
    }
}
