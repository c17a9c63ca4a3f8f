//! The Pareto front of a plan, without a row of it in memory that is not on it.
use std::collections::HashSet;

use super::blocks;
use super::collect::{Collector, Passing};
use super::stats::Stats;
use super::walk::{Itinerary, Walker};
use super::{Output, Run, Verdict};
use crate::control::{Cancelled, Control};
use crate::evaluate::Evaluator;
use crate::pareto::{GroupedArchive, Ids};
use crate::plan::Point;
use crate::values::Value;

impl Run<'_> {
    /// The front, without time.
    pub(super) fn front(&self, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let itinerary = Itinerary::of_best(self);
        let start = self.outset(control)?;
        let parts = blocks::share(
            self,
            || (Walker::new(self, &itinerary), start.clone()),
            |(walker, collector), block| {
                walker.walk(block, collector, control)?;
                collector.settle();
                control.show_front(collector.archive.settled() as u64);
                Ok(())
            },
        )?;
        let mut archive = GroupedArchive::new(self.objectives.len(), self.ties);
        let mut stats = self.stats();
        for (walker, collector) in parts {
            archive.merge(collector.archive);
            stats = stats.add(&walker.stats);
        }
        let mut members = archive.into_members();
        // A scout that was met on the way as well is there twice; one from elsewhere has no place here.
        members.dedup();
        members.retain(|row| self.rows.contains(row));
        stats.front = Some(members.len() as u64);
        let rows = self.numbered(&members, values);
        Ok(Output { stats, ..rows })
    }

    /// Rows to start with [`against`](Self::against) which the parts of a run are walked, so that not each has to look for its own; none where
    /// nothing is pruned.
    pub fn scouted(&self, control: &Control) -> Result<Vec<u64>, Cancelled> {
        let start = self.outset(control)?;
        Ok(start.archive.into_members())
    }

    /// A front to start with, so that the first blocks have something to be beaten by: of rows given, or else of some from all over the plan and
    /// of what differs from the best of those in one axis.
    fn outset(&self, control: &Control) -> Result<FrontCollector, Cancelled> {
        let mut start = FrontCollector::new(self);
        let mut evaluator = Evaluator::new(self.context);
        start.look(self, &mut evaluator, self.against.clone(), control)?;
        if !self.prunes() || !self.against.is_empty() {
            return Ok(start);
        }
        // Multiples of the golden ratio spread evenly, whatever period the axes have.
        let spread = (1..=SCOUTS).map(|number| {
            let share = (number as f64 * GOLDEN).fract();
            self.rows.start + (share * self.len() as f64) as u64
        });
        start.look(self, &mut evaluator, spread.collect(), control)?;
        let mut left = (self.len() / PER_LOOK).clamp(SCOUTS, MOST_LOOKS) as usize;
        let mut known: HashSet<u64> = HashSet::new();
        loop {
            let members = start.archive.members().into_iter().filter(|row| known.insert(*row));
            let neighbours = members.flat_map(|row| self.context.plan.neighbours(row));
            let neighbours: Vec<u64> = neighbours.filter(|row| self.rows.contains(row)).take(left).collect();
            if neighbours.is_empty() {
                return Ok(start);
            }
            left -= neighbours.len();
            start.look(self, &mut evaluator, neighbours, control)?;
        }
    }
}

/// Rows from all over the plan that are looked at before the walk starts.
const SCOUTS: u64 = 2_048;
/// The fractional part of the golden ratio.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// Rows of the plan for each that is looked at beforehand: most of these are in cells of their own, which take as long as a hundred rows.
const PER_LOOK: u64 = 2_000;
/// Rows that are looked at beforehand at most.
const MOST_LOOKS: u64 = 65_536;

/// An archive, and rows on their way into it.
#[derive(Clone)]
struct FrontCollector {
    archive: GroupedArchive,
    columns: Vec<Vec<f64>>,
    groups: Vec<u64>,
    rows: Vec<u64>,
    ideal: Vec<f64>,
}

/// Rows that wait together for the archive.
const WAITING: usize = 4096;

impl FrontCollector {
    fn new(run: &Run) -> Self {
        let dimensions = run.objectives.len();
        Self {
            archive: GroupedArchive::new(dimensions, run.ties),
            columns: vec![Vec::new(); dimensions],
            groups: Vec::new(),
            rows: Vec::new(),
            ideal: Vec::new(),
        }
    }

    /// Takes these rows of the run, as far as they are selected.
    fn look(
        &mut self,
        run: &Run,
        evaluator: &mut Evaluator,
        mut rows: Vec<u64>,
        control: &Control,
    ) -> Result<(), Cancelled> {
        let mut stats = run.stats();
        // Rows of one cell one after the other.
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            control.check()?;
            let point = run.context.plan.point(row);
            let outcome = evaluator.outcome(&point);
            let verdict = run.judge(&mut stats, row, &point, &outcome);
            self.offer(run, (row, &point, &outcome), verdict, &mut stats);
        }
        self.settle();
        Ok(())
    }

    fn settle(&mut self) {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        self.archive.push_block(&self.groups, &columns, Ids::Each(&self.rows), None);
        self.columns.iter_mut().for_each(Vec::clear);
        self.groups.clear();
        self.rows.clear();
    }
}

impl Collector for FrontCollector {
    fn offer(&mut self, run: &Run, (row, point, outcome): Passing, verdict: Verdict, stats: &mut Stats) {
        if !verdict.selected() {
            return;
        }
        let start = self.rows.len();
        let mut exists = true;
        for (column, objective) in self.columns.iter_mut().zip(&run.objectives) {
            let number = objective.sign * objective.value.of(run.context, row, point, outcome);
            exists &= !number.is_nan();
            column.push(number);
        }
        if exists {
            self.groups.push(run.group(point));
            self.rows.push(row);
        } else {
            stats.unpriced += 1;
            for column in &mut self.columns {
                column.truncate(start);
            }
        }
        if self.rows.len() == WAITING {
            self.settle();
        }
    }

    fn is_beaten(&mut self, run: &Run, evaluator: &mut Evaluator, point: &Point, depth: usize) -> bool {
        let (group, archive) = (run.group(point), &self.archive);
        let beaten = |best: &[f64]| archive.dominates(group, best);
        evaluator.ideal(point, depth, &run.objectives, &mut self.ideal, beaten) == Some(true)
    }
}
