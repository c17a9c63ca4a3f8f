//! What the rows of a box could reach at best: a value of each objective that none of them betters.
pub(super) mod training;

use super::Evaluator;
use super::training::boxes::BATCH;
use crate::axes::{Level, Phase};
use crate::context::{Context, axis};
use crate::plan::{Plan, Point};
use crate::values::Value;

/// Depths of the boxes of which an ideal tells more than that of the box around them, outer ones first.
#[must_use]
pub fn ideal_depths(plan: &Plan) -> Vec<usize> {
    let axes: &[&[usize]] = match plan.phase {
        Phase::Training => &[&[], &[axis::DEVICES], &BATCH],
        Phase::Inference => &[],
    };
    axes.iter().map(|axes| plan.depth(axes).max(plan.depth_of(Level::Time))).collect()
}

impl Evaluator<'_> {
    /// Puts a value of each objective, times its sign, that no row of a box is below, into `best`, where the evaluator has entered the box's
    /// cell; `None` where nothing is known of one of them.
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

    fn fold(&self, axis: usize, start: f64, take: fn(f64, f64) -> f64) -> f64 {
        if self.holds(&[axis]) {
            return self.context.number(self.point, axis);
        }
        self.context.numbers(axis).iter().copied().fold(start, take)
    }

    /// The best value of an axis that is an objective itself.
    fn best(&self, axis: usize, sign: f64) -> f64 {
        if sign > 0.0 { self.least(axis) } else { -self.most(axis) }
    }
}
