//! The row level of a point, decoded from the axes that changed alone.
use super::by_axes::Numbering;
use crate::axes::{Level, Phase};
use crate::context::Context;
use crate::plan::{Plan, Point};

/// Writes what an axis says into a setup.
pub(super) type Write<S> = fn(&mut S, &Context, &Point);

/// A setup that follows the points asked for, alone or amid what comes of it, and their numbers in several tables.
pub(super) struct Followed<S: 'static, const TABLES: usize> {
    pub(super) setup: S,
    pub(super) numbers: [u64; TABLES],
    /// Row-level axes that have more than one value, outermost first.
    moving: Vec<Moving<S, TABLES>>,
    all: &'static [(usize, Write<S>)],
}

struct Moving<S, const TABLES: usize> {
    axis: usize,
    /// Which of the plan's digits it is.
    digit: usize,
    /// Position of the last point.
    last: usize,
    /// What the axis changes.
    write: Write<S>,
    /// What a step along it adds to each number.
    steps: [u64; TABLES],
}

impl<S: 'static, const TABLES: usize> Followed<S, TABLES> {
    /// A setup that follows no point yet; `all` has an entry for every row-level axis that it or a table reads.
    pub(super) fn new(plan: &Plan, setup: S, all: &'static [(usize, Write<S>)], tables: [&Numbering; TABLES]) -> Self {
        let moves = |axis: usize| plan.axis(axis).is_some_and(|axis| axis.values.len() > 1);
        let moving = all.iter().filter(|(axis, _)| moves(*axis)).map(|&(axis, write)| Moving {
            axis,
            digit: plan.depth(&[axis]) - 1,
            last: 0,
            write,
            steps: tables.map(|table| table.step(axis)),
        });
        let mut moving: Vec<_> = moving.collect();
        moving.sort_by_key(|moving| moving.digit);
        Self { setup, numbers: [0; TABLES], moving, all }
    }

    /// Moves to a point that may differ from the last one in any axis.
    pub(super) fn restart(&mut self, context: &Context, point: &Point) {
        for (_, write) in self.all {
            write(&mut self.setup, context, point);
        }
        self.follow(context, point, 0);
    }

    /// Moves to a point that differs from the last one in row-level axes alone, and not in the first `held` digits.
    #[inline]
    pub(super) fn follow(&mut self, context: &Context, point: &Point, held: usize) {
        for Moving { axis, digit, last, write, steps } in self.moving.iter_mut().rev() {
            if *digit < held {
                break;
            }
            let (before, now) = (*last, point.index(*axis));
            if before != now {
                *last = now;
                write(&mut self.setup, context, point);
                for (number, step) in self.numbers.iter_mut().zip(steps) {
                    // Less than before wraps around twice.
                    *number = number.wrapping_add((now as u64).wrapping_sub(before as u64).wrapping_mul(*step));
                }
            }
        }
    }
}

/// Row-level axes of a phase but for some.
pub(super) fn row_axes_but(phase: Phase, left_out: &[usize]) -> Vec<usize> {
    let axes = crate::axes::AXES.iter().enumerate();
    let axes = axes.filter(|(_, axis)| axis.level == Level::Row && axis.phases.contains(&phase));
    axes.map(|(position, _)| position).filter(|position| !left_out.contains(position)).collect()
}
