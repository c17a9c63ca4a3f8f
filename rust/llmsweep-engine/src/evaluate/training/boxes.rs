//! What one look at a box of training rows tells of all of them: that a check refuses them, and what they could reach at best.
use llmsweep_model::bound::ROUNDING;
use llmsweep_model::goodput::most_goodput;
use llmsweep_model::parallel::pipeline::{self, Cut};
use llmsweep_model::phase::training::{Groups, Replicas, TrainingLevels};
use llmsweep_model::phase::training_groups;
use llmsweep_model::phase::training_ideal::least_device_time;
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

use super::{TrainingEvaluator, UNSEEN, stages_of};
use crate::context::{Context, axis};
use crate::evaluate::ideal::Span;
use crate::evaluate::ideal::training::{TrainingIdeal, upkeep_of_one};
use crate::plan::Point;

/// The axes that decide on the stages, the ranks and their micro-batches.
pub(in crate::evaluate) const BATCH: [usize; 9] = [
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

impl<'a> TrainingEvaluator<'a> {
    /// The sweep whose points it evaluates.
    pub(in crate::evaluate) fn context(&self) -> &'a Context {
        self.seen.context
    }

    /// Whether the cell of a point runs at all.
    pub(in crate::evaluate) fn cell_runs(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        self.device()?;
        self.work().map(drop)
    }

    /// Whether the schedule can run on such stages, of the cell entered last.
    pub(in crate::evaluate) fn schedule_runs(&self, point: &Point) -> Result<(), Reject> {
        let context = self.seen.context;
        let (pipeline, chunks) = (context.count(point, axis::PIPELINE), context.count(point, axis::VIRTUAL));
        context.schedule(point).check_stages(pipeline, chunks)
    }

    /// Whether the layers can be cut into the stages asked for.
    pub(in crate::evaluate) fn model_cuts(&mut self, point: &Point) -> Result<(), Reject> {
        self.enter(point);
        let [.., classes, _] = self.setup.numbers;
        let (shape, setup) = (&self.seen.context.model(point).shape, &self.setup.setup);
        self.classes.get(classes, || pipeline::stages(shape, &setup.cut())).as_ref().map(drop).map_err(|reject| *reject)
    }

    /// Replicas of a point of the cell entered last.
    pub(in crate::evaluate) fn data_parallel(&self, point: &Point) -> Result<u32, Reject> {
        let context = self.seen.context;
        let (pipeline, devices) = (context.count(point, axis::PIPELINE), context.count(point, axis::DEVICES));
        training_groups::data_parallel(&self.work()?.layout, pipeline, devices)
    }

    /// Micro-batches of a replica, where the schedule runs so many.
    pub(in crate::evaluate) fn micro_batches(&self, point: &Point) -> Result<u32, Reject> {
        let context = self.seen.context;
        let (layout, data) = (&self.work()?.layout, self.data_parallel(point)?);
        let micro_batches = training_groups::micro_batches(layout, data, context.count(point, axis::GLOBAL_BATCH))?;
        let (pipeline, chunks) = (context.count(point, axis::PIPELINE), context.count(point, axis::VIRTUAL));
        context.schedule(point).check_batches(pipeline, chunks, micro_batches)?;
        Ok(micro_batches)
    }

    /// Whether the replicas divide into the copies asked for.
    pub(in crate::evaluate) fn copies_divide(&self, point: &Point) -> Result<(), Reject> {
        let data = self.data_parallel(point)?;
        let copies = self.seen.context.count(point, axis::REPLICATE);
        training_groups::copies_divide(&self.work()?.layout, data, copies)
    }

    /// What the rows of a box of the cell entered last could reach at best; `None` where none runs.
    pub(in crate::evaluate) fn ideal<'e>(&'e mut self, span: Span<'e>) -> Option<TrainingIdeal<'e>> {
        let context = self.seen.context;
        let of_cell = self.least_device_time(span.point)?;
        let of_batch = if span.holds(&BATCH) { self.least_device_time_of_batch(span.point).ok() } else { None };
        let (work, device) = (self.work.as_ref().ok()?, self.device.as_ref().ok()?);
        Some(TrainingIdeal {
            work,
            peak: device.device.kernels.peak,
            sequence: of_batch.map_or(of_cell, |of_batch| of_batch.max(of_cell)),
            upkeep: upkeep_of_one(self.seen.tariff_entered()?, &span),
            goodput: most_goodput(span.least(axis::DEVICES), span.most(axis::DEVICE_MTBF), &context.operations),
            span,
        })
    }

    /// Devices' time for one sequence in the cell of a point, at least.
    fn least_device_time(&mut self, point: &Point) -> Option<Seconds> {
        let context = self.seen.context;
        if self.least.is_none() {
            let whole = pipeline::stages(&context.model(point).shape, &Cut::even(1, 1)).ok()?;
            let hides = context.schedules().iter().any(|schedule| schedule.pairs());
            let work = self.work.as_ref().ok()?;
            self.least = Some(least_device_time(whole.first()?, work, self.times.as_ref()?, hides));
        }
        self.least
    }

    /// The same of rows that agree on stages, ranks and micro-batches: all of a step but for what follows its last micro-batch.
    fn least_device_time_of_batch(&mut self, point: &Point) -> Result<Seconds, Reject> {
        self.enter(point);
        let context = self.seen.context;
        let device = &self.device.as_ref().map_err(|reject| *reject)?.device;
        let work = self.work.as_ref().map_err(|reject| *reject)?;
        let (setup, system) = (&self.setup.setup, context.stack(point));
        let (shape, precision) = (&context.model(point).shape, context.precision(point));
        let times = self.times.as_ref().ok_or(UNSEEN)?;
        let levels = TrainingLevels { shape, precision, work, times, device, system, operations: &context.operations };
        let [_, _, pipelined, classes, stages] = self.setup.numbers;
        let groups = Groups::of(work, Replicas::of(work, setup)?, setup);
        let asked = ((&mut self.stages, stages), (&mut self.classes, classes));
        let counted = stages_of(asked, shape, work, setup)?;
        let times = &mut self.stage_times;
        let pipelined =
            self.pipelined.get(pipelined, || super::pipelined(&levels, &groups, (counted, stages), times, setup));
        let per_sequence = f64::from(setup.devices) / f64::from(setup.global_batch);
        Ok(pipelined.terms.total() * (per_sequence * (1.0 - ROUNDING)))
    }
}
