//! What one look at a box of serving rows tells of all of them.
use llmsweep_model::parallel::pipeline::Cut;
use llmsweep_model::phase::inference::{self, Replica, Room, ServingMode};
use llmsweep_model::reject::Reject;

use super::InferenceEvaluator;
use crate::context::axis;
use crate::evaluate::memo::stages_of;
use crate::plan::Point;

impl InferenceEvaluator<'_> {
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
        inference::admits(&replica, setup, setup.longest())?;
        Room::of(&replica, setup).map(drop)
    }
}
