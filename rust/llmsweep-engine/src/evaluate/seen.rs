//! What an evaluator of either phase keeps of the last point that it saw.
use llmsweep_model::economics::{Fleet, Tariff, Upkeep};
use llmsweep_model::reject::Reject;

use super::Common;
use crate::axes::Level;
use crate::catalog::Provenance;
use crate::context::{Context, axis};
use crate::plan::Point;

/// Stands for a level that no point has built yet; never shown, since a point is entered before it is evaluated.
pub(super) const UNSEEN: Reject = Reject::PrecisionUnsupported;

/// The last point, and what of it does not depend on the phase.
pub(super) struct Seen<'a> {
    pub(super) context: &'a Context,
    last: Option<(Point, Tariff)>,
    /// Digits of the plan that hold still in a cell.
    cell_depth: usize,
    /// What the common results written last are of: fleet, and positions of price factor, power factor and serving mode.
    written: Option<(Fleet, [usize; 3])>,
    parameters: f64,
    active_parameters: f64,
}

impl<'a> Seen<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        let cell_depth = context.plan.depth_of(Level::Time);
        Self { context, last: None, cell_depth, written: None, parameters: 0.0, active_parameters: 0.0 }
    }

    /// Moves to a point that agrees with the last one on the first `held` digits of the plan; the first level that has to be built anew, with
    /// all after it, or `None` where only row-level axes changed.
    #[inline]
    pub(super) fn enter(&mut self, point: &Point, held: usize) -> Option<Level> {
        match &self.last {
            Some(_) if held >= self.cell_depth => None,
            Some((last, _)) if last.same_cell(point) => None,
            _ => Some(self.enter_cell(point)),
        }
    }

    fn enter_cell(&mut self, point: &Point) -> Level {
        let agrees = |level| self.last.is_some_and(|(last, _)| last.agrees(point, level));
        let first = [Level::Shape, Level::Work].into_iter().find(|&level| !agrees(level)).unwrap_or(Level::Time);
        if first == Level::Shape {
            let shape = &self.context.model(point).shape;
            self.parameters = shape.parameters();
            self.active_parameters = shape.active_parameters().with_embeddings;
        }
        self.last = Some((*point, self.tariff(point)));
        self.written = None;
        first
    }

    /// What one device costs and draws at the point entered last.
    pub(super) fn tariff_entered(&self) -> Option<&Tariff> {
        self.last.as_ref().map(|(_, tariff)| tariff)
    }

    fn tariff(&self, point: &Point) -> Tariff {
        Tariff::of(&self.context.accelerator(point), &self.context.operations)
    }

    /// Writes what every outcome has into the one that was written last; `point` may differ from that entered last in row-level axes.
    #[inline]
    pub(super) fn common(&mut self, point: &Point, fleet: Fleet, provenance: Option<Provenance>, common: &mut Common) {
        let of = Some((fleet, [axis::PRICE_SCALE, axis::POWER_SCALE, axis::MODE].map(|axis| point.index(axis))));
        if self.written != of {
            self.written = of;
            *common = self.common_of(point, fleet, provenance);
        }
    }

    /// The same where the phase adds to it.
    pub(super) fn common_of(&self, point: &Point, fleet: Fleet, provenance: Option<Provenance>) -> Common {
        let tariff = self.last.map_or_else(|| self.tariff(point), |(_, tariff)| tariff);
        Common {
            provenance,
            spread: self.context.spread(point),
            fleet,
            host_devices: f64::from(self.context.accelerators[point.index(axis::ACCELERATOR)].host_devices),
            prefill_fleet: (0.0, 0.0),
            upkeep: Upkeep::of(&tariff, fleet, self.context.factors(point)),
            parameters: self.parameters,
            active_parameters: self.active_parameters,
        }
    }

    /// The common results are no longer those written last.
    pub(super) fn forget_common(&mut self) {
        self.written = None;
    }
}
