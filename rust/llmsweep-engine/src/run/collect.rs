//! What a run does with the rows that its walk passes.
use super::stats::Stats;
use super::{Run, Verdict};
use crate::evaluate::{Evaluator, Outcome};
use crate::plan::Point;

/// A row on its way past: its number, its point, its outcome.
pub(super) type Passing<'p> = (u64, &'p Point, &'p Outcome<'p>);

/// Takes rows, in any order; every thread has one of its own.
pub(super) trait Collector {
    /// Takes a row or leaves it.
    fn offer(&mut self, run: &Run, row: Passing, verdict: Verdict, stats: &mut Stats);

    /// Whether none of the rows that agree with a point on the first `depth` digits could be kept.
    fn is_beaten(&mut self, _run: &Run, _evaluator: &mut Evaluator, _point: &Point, _depth: usize) -> bool {
        false
    }
}
