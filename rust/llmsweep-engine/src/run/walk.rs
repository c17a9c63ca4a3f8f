//! The way along the rows of a plan, past the boxes of which one look tells enough.
use std::ops::Range;

use super::collect::Collector;
use super::filter::Filter;
use super::stats::Stats;
use super::{CHECK_ROWS, Pruning, Run};
use crate::axes::Level;
use crate::control::{Cancelled, Control};
use crate::evaluate::{Evaluator, gates, ideal::ideal_depths};
use crate::plan::{Plan, Point};

/// A look at the boxes of one depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Whether the filter at this position wants them: it tests an axis that holds still in them.
    Wanted(usize),
    /// Whether the refusal at this position of the phase's list applies.
    Refused(usize),
    /// Whether the best that any of their rows could reach is beaten already.
    Beaten,
}

/// Which looks to take at which depths.
pub(super) struct Itinerary {
    /// Outer boxes first. A refusal never comes before those that a row would meet first.
    looks: Vec<(usize, Look)>,
}

impl Itinerary {
    /// For a run that wants every row, whatever its outcome: only filters can leave some out.
    pub(super) fn of_all(run: &Run) -> Self {
        Self::new(wanted(run))
    }

    /// For a run that wants rows that can run.
    pub(super) fn of_feasible(run: &Run) -> Self {
        let mut looks = wanted(run);
        looks.extend(refused(run));
        Self::new(looks)
    }

    /// For a run that wants the best rows.
    pub(super) fn of_best(run: &Run) -> Self {
        let mut looks = wanted(run);
        looks.extend(refused(run));
        looks.extend(beaten(run));
        Self::new(looks)
    }

    fn new(mut looks: Vec<(usize, Look)>) -> Self {
        looks.sort_by_key(|(depth, _)| *depth);
        Self { looks }
    }
}

fn wanted(run: &Run) -> Vec<(usize, Look)> {
    let looks = run.filters.iter().enumerate().filter_map(|(position, filter)| {
        let axis = filter.value.axis()?;
        Some((run.context.plan.depth(&[axis]), Look::Wanted(position)))
    });
    looks.collect()
}

fn refused(run: &Run) -> Vec<(usize, Look)> {
    if run.pruning == Pruning::Off {
        return Vec::new();
    }
    let plan = &run.context.plan;
    let depths = gates::refusal_depths(plan).into_iter().enumerate();
    // A row by itself meets all refusals in its evaluation.
    let boxes = depths.filter(|(_, depth)| plan.box_rows(*depth) > 1);
    boxes.map(|(position, depth)| (depth, Look::Refused(position))).collect()
}

fn beaten(run: &Run) -> Vec<(usize, Look)> {
    if !run.prunes() {
        return Vec::new();
    }
    let plan = &run.context.plan;
    let together = run.groups.iter().map(|(axis, _)| *axis).collect::<Vec<_>>();
    let least = plan.depth(&together).max(plan.depth_of(Level::Time));
    let mut depths: Vec<usize> = ideal_depths(plan).into_iter().map(|depth| depth.max(least)).collect();
    depths.dedup();
    depths.into_iter().map(|depth| (depth, Look::Beaten)).collect()
}

/// What a walker finds at a box.
enum Finding {
    Go,
    Leave(usize),
}

/// Walks ranges of rows, one after the other, with one evaluator.
pub(super) struct Walker<'r, 'a> {
    run: &'r Run<'a>,
    itinerary: &'r Itinerary,
    evaluator: Evaluator<'a>,
    pub(super) stats: Stats,
}

impl<'r, 'a> Walker<'r, 'a> {
    pub(super) fn new(run: &'r Run<'a>, itinerary: &'r Itinerary) -> Self {
        Self { run, itinerary, evaluator: Evaluator::new(run.context), stats: run.stats() }
    }

    /// Offers the rows of a range, but those that are left out, to a collector.
    pub(super) fn walk(
        &mut self,
        rows: Range<u64>,
        collector: &mut impl Collector,
        control: &Control,
    ) -> Result<(), Cancelled> {
        let plan = &self.run.context.plan;
        let mut point = plan.point(rows.start);
        // Every box is new at the start.
        let mut common = None;
        // Digits that are still those of the row evaluated last; looks on the way are at boxes that have more of them in common.
        let mut held = 0;
        let (mut row, mut seen, mut steps) = (rows.start, rows.start, 0);
        let before = self.stats.feasible;
        while row < rows.end {
            if steps == CHECK_ROWS {
                control.check()?;
                control.advance(row - seen);
                (seen, steps) = (row, 0);
            }
            steps += 1;
            match self.look(&point, common, (row, rows.end), collector) {
                Finding::Leave(depth) => {
                    row = end_of_box(plan, depth, row).min(rows.end);
                    let still = plan.step(&mut point, depth);
                    (common, held) = (Some(still), held.min(still));
                }
                Finding::Go => {
                    let outcome = self.evaluator.outcome_after(&point, held);
                    let verdict = self.run.judge(&mut self.stats, row, &point, &outcome);
                    collector.offer(self.run, (row, &point, &outcome), verdict, &mut self.stats);
                    row += 1;
                    held = plan.advance(&mut point);
                    common = Some(held);
                }
            }
        }
        control.advance(rows.end - seen);
        control.count_feasible(self.stats.feasible - before);
        Ok(())
    }

    /// Looks at the boxes that start at a point or hold it and were not looked at yet: those deeper than what it has in `common` with the
    /// row before.
    fn look(
        &mut self,
        point: &Point,
        common: Option<usize>,
        (row, end): (u64, u64),
        collector: &mut impl Collector,
    ) -> Finding {
        let Self { run, itinerary, evaluator, stats } = self;
        let plan = &run.context.plan;
        for &(depth, look) in &itinerary.looks {
            if common.is_some_and(|common| depth <= common) {
                continue;
            }
            let rows = || end_of_box(plan, depth, row).min(end) - row;
            match look {
                Look::Wanted(filter) => {
                    if !wants(run, &run.filters[filter], point) {
                        stats.unwanted += rows();
                        return Finding::Leave(depth);
                    }
                }
                Look::Refused(position) => {
                    if let Some(reject) = evaluator.refuses(position, point) {
                        stats.refuse(reject, rows());
                        return Finding::Leave(depth);
                    }
                }
                Look::Beaten => {
                    if collector.is_beaten(run, evaluator, point, depth) {
                        stats.pruned += rows();
                        return Finding::Leave(depth);
                    }
                }
            }
        }
        Finding::Go
    }
}

fn wants(run: &Run, filter: &Filter, point: &Point) -> bool {
    filter.value.axis().is_none_or(|axis| filter.test.passes(run.context.number(point, axis)))
}

/// The first row after the box of a depth that holds a row.
fn end_of_box(plan: &Plan, depth: usize, row: u64) -> u64 {
    let size = plan.box_rows(depth);
    (row / size).saturating_add(1).saturating_mul(size)
}
