//! The best rows of a plan by one column, without any other in memory.
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::blocks;
use super::collect::{Collector, Passing};
use super::stats::Stats;
use super::walk::{Itinerary, Walker};
use super::{Best, Output, Run, Verdict};
use crate::control::{Cancelled, Control};
use crate::evaluate::Evaluator;
use crate::evaluate::ideal::Objective;
use crate::plan::Point;
use crate::values::Value;

impl Run<'_> {
    /// The rows themselves, without time.
    pub(super) fn top(&self, best: &Best, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let itinerary = Itinerary::of_best(self);
        let parts = blocks::share(
            self,
            || (Walker::new(self, &itinerary), TopCollector::new(self, *best)),
            |(walker, collector), block| walker.walk(block, collector, control),
        )?;
        let mut stats = self.stats();
        let mut places = Vec::new();
        for (walker, collector) in parts {
            stats = stats.add(&walker.stats);
            places.extend(collector.heap);
        }
        places.sort_unstable();
        places.truncate(best.rows);
        let rows: Vec<u64> = places.iter().map(|place| place.row).collect();
        Ok(Output { stats, ..self.numbered(&rows, values) })
    }
}

/// A row and what it is ranked by; the larger, the worse.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    key: f64,
    row: u64,
}

impl Eq for Place {}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.total_cmp(&other.key).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best rows so far, the worst of them on top.
struct TopCollector {
    best: Best,
    objective: Objective,
    heap: BinaryHeap<Place>,
    ideal: Vec<f64>,
}

impl TopCollector {
    fn new(run: &Run, best: Best) -> Self {
        let sign = if best.descending { -1.0 } else { 1.0 };
        let objective = Objective::new(run.context.plan.phase, best.value, sign);
        Self { best, objective, heap: BinaryHeap::new(), ideal: Vec::new() }
    }

    /// What a row must beat, once there are enough.
    fn worst(&self) -> Option<&Place> {
        self.heap.peek().filter(|_| self.heap.len() >= self.best.rows)
    }
}

impl Collector for TopCollector {
    fn offer(&mut self, run: &Run, (row, point, outcome): Passing, verdict: Verdict, stats: &mut Stats) {
        if !verdict.selected() {
            return;
        }
        let key = self.objective.sign * self.best.value.of(run.context, row, point, outcome);
        if key.is_nan() {
            stats.unpriced += 1;
            return;
        }
        // Both zeros are one number.
        let place = Place { key: key + 0.0, row };
        if self.worst().is_some_and(|worst| *worst <= place) {
            return;
        }
        if self.heap.len() == self.best.rows {
            self.heap.pop();
        }
        self.heap.push(place);
    }

    fn is_beaten(&mut self, _run: &Run, evaluator: &mut Evaluator, point: &Point, depth: usize) -> bool {
        let Some(worst) = self.worst().map(|worst| worst.key) else { return false };
        let objective = [self.objective];
        evaluator.ideal(point, depth, &objective, &mut self.ideal, |best| best[0] > worst) == Some(true)
    }
}
