//! What the rows of a box could reach at best: a value of each objective that none of them betters.
pub(super) mod inference;
pub(super) mod training;

use super::Evaluator;
use super::inference::boxes::LOAD;
use super::training::boxes::BATCH;
use crate::axes::{Level, Phase};
use crate::context::{Context, axis};
use crate::plan::{Plan, Point};
use crate::values::Value;

/// Depths of the boxes of which an ideal tells more than that of the box around them, outer ones first.
#[must_use]
pub fn ideal_depths(plan: &Plan) -> Vec<usize> {
    let depths = match plan.phase {
        Phase::Training => [&[][..], &[axis::DEVICES], &BATCH].map(|axes| plan.depth(axes)).to_vec(),
        Phase::Inference => vec![plan.depth_but(&LOAD)],
    };
    depths.into_iter().map(|depth| depth.max(plan.depth_of(Level::Time))).collect()
}

impl Evaluator<'_> {
    /// Puts points into `best`, one after the other, each a value of every objective, times its sign: every row
    /// of a box has one that it is nowhere below. `None` where nothing is known of an objective. The evaluator has entered the box's cell.
    pub fn ideal(
        &mut self,
        point: &Point,
        depth: usize,
        objectives: &[(Value, f64)],
        best: &mut Vec<f64>,
    ) -> Option<()> {
        best.clear();
        match self {
            Self::Training(evaluator) => {
                let context = evaluator.context();
                let ideal = evaluator.ideal(Span { context, point, depth })?;
                for (value, sign) in objectives {
                    best.push(ideal.best(value, *sign)?);
                }
                Some(())
            }
            Self::Inference(evaluator) => {
                let context = evaluator.context();
                evaluator.ideals(Span { context, point, depth }, |ideal| {
                    for (value, sign) in objectives {
                        best.push(ideal.best(value, *sign)?);
                    }
                    Some(())
                })
            }
        }
    }
}

/// A box of the plan.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) context: &'a Context,
    pub(super) point: &'a Point,
    pub(super) depth: usize,
}

impl Span<'_> {
    /// Smallest value that an axis takes in it.
    pub(super) fn least(&self, axis: usize) -> f64 {
        self.fold(axis, f64::INFINITY, f64::min)
    }

    /// Largest value that an axis takes in it.
    pub(super) fn most(&self, axis: usize) -> f64 {
        self.fold(axis, f64::NEG_INFINITY, f64::max)
    }

    /// Whether these axes hold still in it.
    pub(super) fn holds(&self, axes: &[usize]) -> bool {
        self.context.plan.depth(axes) <= self.depth
    }

    /// Whether all axes hold still in it but for some.
    pub(super) fn holds_all_but(&self, axes: &[usize]) -> bool {
        self.context.plan.depth_but(axes) <= self.depth
    }

    /// Values that an axis takes in it.
    pub(super) fn values(&self, axis: usize) -> &[f64] {
        let numbers = self.context.numbers(axis);
        let index = self.point.index(axis);
        if self.holds(&[axis]) { &numbers[index..=index] } else { numbers }
    }

    fn fold(&self, axis: usize, start: f64, take: fn(f64, f64) -> f64) -> f64 {
        self.values(axis).iter().copied().fold(start, take)
    }

    /// The best value of an axis that is an objective itself.
    fn best(&self, axis: usize, sign: f64) -> f64 {
        if sign > 0.0 { self.least(axis) } else { -self.most(axis) }
    }
}
