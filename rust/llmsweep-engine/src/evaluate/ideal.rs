//! What the rows of a box could reach at best: a value of each objective that none of them betters.
pub(super) mod inference;
pub(super) mod training;

use llmsweep_model::economics::Factors;

use self::inference::InferenceIdeal;
use self::training::TrainingIdeal;
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
        Phase::Inference => vec![plan.depth_but(&LOAD), plan.depth(&LOAD[..2])],
    };
    depths.into_iter().map(|depth| depth.max(plan.depth_of(Level::Time))).collect()
}

/// An objective, and how far it can go.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    /// The column.
    pub value: Value,
    /// 1 where less is better, −1 where more is.
    pub sign: f64,
    bound: Option<Bound>,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Axis(usize),
    Training(fn(&TrainingIdeal) -> Option<f64>),
    Inference(fn(&InferenceIdeal) -> Option<f64>),
}

impl Objective {
    /// Of a phase.
    #[must_use]
    pub fn new(phase: Phase, value: Value, sign: f64) -> Self {
        let bound = match (value.axis(), phase) {
            (Some(axis), _) => Some(Bound::Axis(axis)),
            (None, Phase::Training) => TrainingIdeal::bound(value.name, sign).map(Bound::Training),
            (None, Phase::Inference) => InferenceIdeal::bound(value.name, sign).map(Bound::Inference),
        };
        Self { value, sign, bound }
    }
}

impl Evaluator<'_> {
    /// Whether what the rows of a box could reach at best is beaten: asks `beaten` of points, each a value of every objective, times its sign,
    /// until one is not; every row of the box has one that it is nowhere below. `None` where nothing is known of an objective. The evaluator
    /// has entered the box's cell, and `best` is room for a point.
    pub fn ideal(
        &mut self,
        point: &Point,
        depth: usize,
        objectives: &[Objective],
        best: &mut Vec<f64>,
        mut beaten: impl FnMut(&[f64]) -> bool,
    ) -> Option<bool> {
        match self {
            Self::Training(evaluator) => {
                let span = Span { context: evaluator.context(), point, depth };
                let ideal = evaluator.ideal(span)?;
                best.clear();
                for objective in objectives {
                    let value = match objective.bound? {
                        Bound::Axis(axis) => span.best(axis, objective.sign),
                        Bound::Training(bound) => objective.sign * bound(&ideal)?,
                        Bound::Inference(_) => return None,
                    };
                    best.push(value);
                }
                Some(beaten(best))
            }
            Self::Inference(evaluator) => {
                let span = Span { context: evaluator.context(), point, depth };
                evaluator.all_ideals(span, |ideal| {
                    best.clear();
                    for objective in objectives {
                        let value = match objective.bound? {
                            Bound::Axis(axis) => span.best(axis, objective.sign),
                            Bound::Inference(bound) => objective.sign * bound(ideal)?,
                            Bound::Training(_) => return None,
                        };
                        best.push(value);
                    }
                    Some(beaten(best))
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

    /// The smallest factors on what devices cost and draw.
    pub(super) fn least_factors(&self) -> Factors {
        Factors { price: self.least(axis::PRICE_SCALE), power: self.least(axis::POWER_SCALE) }
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
