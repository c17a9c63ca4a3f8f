//! What the rows of a box could reach at best: a value of each objective that none of them betters.
pub(super) mod training;

use super::Evaluator;
use crate::axes::{Level, Phase};
use crate::context::{Context, axis};
use crate::plan::{Plan, Point};
use crate::values::Value;

/// Depths of the boxes of which an ideal tells more than that of the box around them, outer ones first.
#[must_use]
pub fn ideal_depths(plan: &Plan) -> Vec<usize> {
    let axes: &[&[usize]] = match plan.phase {
        Phase::Training => &[&[], &[axis::PIPELINE, axis::DEVICES], &[axis::PIPELINE, axis::DEVICES, axis::GLOBAL_BATCH]],
        Phase::Inference => &[],
    };
    axes.iter().map(|axes| plan.depth(axes).max(plan.depth_of(Level::Time))).collect()
}

impl Evaluator<'_> {
    /// A value of each objective, times its sign, that no row of a box is below, where the evaluator has entered the box's cell; `None` where
    /// nothing is known of one of them.
    pub fn ideal(&mut self, point: &Point, depth: usize, objectives: &[(Value, f64)]) -> Option<Vec<f64>> {
        match self {
            Self::Training(evaluator) => {
                let context = evaluator.context();
                let ideal = evaluator.ideal(Span { context, point, depth })?;
                objectives.iter().map(|(value, sign)| ideal.best(value, *sign)).collect()
            }
            Self::Inference(_) => None,
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
    fn least(&self, axis: usize) -> f64 {
        self.fold(axis, f64::INFINITY, f64::min)
    }

    /// Largest value that an axis takes in it.
    fn most(&self, axis: usize) -> f64 {
        self.fold(axis, f64::NEG_INFINITY, f64::max)
    }

    fn fold(&self, axis: usize, start: f64, take: fn(f64, f64) -> f64) -> f64 {
        if self.context.plan.depth(&[axis]) <= self.depth {
            return self.context.number(self.point, axis);
        }
        self.context.numbers(axis).iter().copied().fold(start, take)
    }

    /// The best value of an axis that is an objective itself.
    fn best(&self, axis: usize, sign: f64) -> f64 {
        if sign > 0.0 { self.least(axis) } else { -self.most(axis) }
    }
}
