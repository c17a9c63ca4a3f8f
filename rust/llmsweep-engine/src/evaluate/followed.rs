//! The row level of a point, decoded from the axes that changed alone.
use crate::axes::{Level, Phase};
use crate::context::Context;
use crate::plan::{Plan, Point};

/// Writes what an axis says into a setup.
pub(super) type Write<S> = fn(&mut S, &Context, &Point);

/// A setup that follows the points asked for.
pub(super) struct Followed<S: 'static> {
    pub(super) setup: S,
    /// Row-level axes that have more than one value, each with its last position and what it changes.
    moving: Vec<(usize, usize, Write<S>)>,
    all: &'static [(usize, Write<S>)],
}

impl<S: 'static> Followed<S> {
    /// A setup that follows no point yet; `all` has an entry for every row-level axis that it reads.
    pub(super) fn new(plan: &Plan, setup: S, all: &'static [(usize, Write<S>)]) -> Self {
        let moves = |axis: usize| plan.axis(axis).is_some_and(|axis| axis.values.len() > 1);
        let moving = all.iter().filter(|(axis, _)| moves(*axis)).map(|&(axis, write)| (axis, 0, write));
        Self { setup, moving: moving.collect(), all }
    }

    /// Moves to a point that may differ from the last one in any axis.
    pub(super) fn restart(&mut self, context: &Context, point: &Point) {
        for (_, write) in self.all {
            write(&mut self.setup, context, point);
        }
        for (axis, last, _) in &mut self.moving {
            *last = point.index(*axis);
        }
    }

    /// Moves to a point that differs from the last one in row-level axes alone.
    #[inline]
    pub(super) fn follow(&mut self, context: &Context, point: &Point) -> &S {
        for (axis, last, write) in &mut self.moving {
            let now = point.index(*axis);
            if *last != now {
                *last = now;
                write(&mut self.setup, context, point);
            }
        }
        &self.setup
    }
}

/// Row-level axes of a phase but for some.
pub(super) fn row_axes_but(phase: Phase, left_out: &[usize]) -> Vec<usize> {
    let axes = crate::axes::AXES.iter().enumerate();
    let axes = axes.filter(|(_, axis)| axis.level == Level::Row && axis.phases.contains(&phase));
    axes.map(|(position, _)| position).filter(|position| !left_out.contains(position)).collect()
}
