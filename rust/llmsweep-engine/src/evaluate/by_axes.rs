//! Values by the axes on which they depend, between the rows that agree on them.
use crate::plan::{Plan, Point};

/// Entries of a [`ByAxes`] at most: what a core's nearer caches hold of them.
const SLOTS: u64 = 1024;

/// A table of values that depend on some axes and on what stays as long as nobody calls [`ByAxes::forget`].
///
/// The values are numbered by mixed radix over those of the axes that have more than one value, the last fastest, so that rows in their
/// order ask for numbers in order too. Where there are more numbers than slots each has one slot, which it may have to leave to another.
pub(super) struct ByAxes<T> {
    /// Positions of the axes, each with the step of its number.
    steps: Vec<(usize, u64)>,
    slots: Vec<Slot<T>>,
    mask: u64,
    /// Entries of an earlier generation are void, so that forgetting all of them takes no time.
    generation: u64,
}

struct Slot<T> {
    number: u64,
    generation: u64,
    value: Option<T>,
}

impl<T> ByAxes<T> {
    /// For values that depend on these axes of a plan.
    pub(super) fn new(plan: &Plan, axes: &[usize]) -> Self {
        let mut numbers = Some(1_u64);
        let mut steps = Vec::new();
        for axis in plan.axes.iter().rev().filter(|axis| axis.values.len() > 1 && axes.contains(&axis.position)) {
            let Some(step) = numbers else { break };
            steps.push((axis.position, step));
            numbers = step.checked_mul(axis.values.len() as u64);
        }
        // Numbers beyond 64 bits would not differ: such a plan lists its points, and each is computed anew.
        if numbers.is_none() {
            steps.clear();
        }
        let slots = numbers.map_or(1, |numbers| numbers.min(SLOTS).next_power_of_two());
        Self {
            steps,
            slots: (0..slots).map(|_| Slot { number: 0, generation: 0, value: None }).collect(),
            mask: slots - 1,
            generation: u64::from(numbers.is_some()),
        }
    }

    /// Forgets all values.
    pub(super) fn forget(&mut self) {
        if self.generation > 0 {
            self.generation += 1;
        }
    }

    /// What tells points apart that differ in the axes; `None` where nothing can.
    #[inline]
    pub(super) fn number(&self, point: &Point) -> Option<u64> {
        let number = self.steps.iter().map(|&(axis, step)| point.index(axis) as u64 * step).sum();
        (self.generation > 0).then_some(number)
    }

    /// The value at a point.
    #[inline]
    pub(super) fn get(&mut self, point: &Point, compute: impl FnOnce() -> T) -> &mut T {
        let asked = self.number(point);
        let number = asked.unwrap_or_default();
        let slot = &mut self.slots[(number & self.mask) as usize];
        if slot.number != number || slot.generation != self.generation || asked.is_none() {
            *slot = Slot { number, generation: self.generation, value: None };
        }
        slot.value.get_or_insert_with(compute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{Phase, of_phase};
    use crate::spec::{AxisValue, AxisValues};

    /// A plan whose axes have `lengths` values in turn.
    fn plan(lengths: [u64; 3]) -> Plan {
        let axes: Vec<AxisValues> = of_phase(Phase::Training)
            .enumerate()
            .map(|(index, axis)| AxisValues {
                axis,
                values: (0..lengths[index % 3]).map(AxisValue::Integer).collect(),
                place: None,
            })
            .collect();
        Plan::new(Phase::Training, &axes)
    }

    #[test]
    fn values_depend_on_their_axes_alone() {
        let plan = plan([1, 2, 3]);
        let axes: Vec<usize> = plan.axes.iter().rev().take(12).map(|axis| axis.position).collect();
        let (asked, other) = (&axes[..8], &axes[8..]);
        let mut table = ByAxes::new(&plan, asked);
        let mut computed = 0;
        for row in (0..20_000).chain(0..20_000) {
            let point = plan.point(row);
            let of = |axes: &[usize]| axes.iter().map(|&axis| point.index(axis)).collect::<Vec<_>>();
            let value = table.get(&point, || {
                computed += 1;
                (of(asked), of(other))
            });
            assert_eq!(value.0, of(asked));
        }
        assert!(computed < 20_000, "{computed}");
        let last = plan.point(19_999);
        table.forget();
        assert_eq!(*table.get(&last, || (vec![7], Vec::new())), (vec![7], Vec::new()));
    }

    #[test]
    fn numbers_that_would_not_differ_are_not_used() {
        let plan = plan([1 << 12, 1, 1]);
        let axes: Vec<usize> = plan.axes.iter().map(|axis| axis.position).collect();
        let mut table = ByAxes::new(&plan, &axes);
        let mut point = Point::FIRST;
        assert_eq!(table.number(&point), None);
        assert_eq!(*table.get(&point, || 1), 1);
        point.set(axes[0], 1);
        assert_eq!(*table.get(&point, || 2), 2);
        table.forget();
        assert_eq!(*table.get(&point, || 3), 3);
    }
}
