//! Values by the axes on which they depend, between the rows that agree on them.
use crate::plan::Plan;

/// Entries of a [`ByAxes`] at most: what a core's nearer caches hold of them.
const SLOTS: u64 = 1024;

/// Numbers of points by mixed radix over some axes, the last fastest: points that agree on the axes have the same number.
pub(super) struct Numbering {
    /// Positions of the axes that have more than one value, each with the step of its number.
    steps: Vec<(usize, u64)>,
    /// How many there are; `None` beyond 64 bits, where numbers would not differ.
    count: Option<u64>,
}

impl Numbering {
    /// Over these axes of a plan.
    pub(super) fn new(plan: &Plan, axes: &[usize]) -> Self {
        let mut count = Some(1_u64);
        let mut steps = Vec::new();
        for axis in plan.axes.iter().rev().filter(|axis| axis.values.len() > 1 && axes.contains(&axis.position)) {
            let Some(step) = count else { break };
            steps.push((axis.position, step));
            count = step.checked_mul(axis.values.len() as u64);
        }
        Self { steps, count }
    }

    /// What one step along an axis adds to a number; nothing where the axis does not matter.
    pub(super) fn step(&self, axis: usize) -> u64 {
        self.steps.iter().find(|(known, _)| *known == axis).map_or(0, |(_, step)| *step)
    }
}

/// A table of values that depend on some axes and on what stays as long as nobody calls [`ByAxes::forget`].
///
/// Rows in their order ask for numbers in order too. Where there are more numbers than slots each has one slot, which it may have to leave to
/// another. A plan of more numbers than 64 bits tell apart lists its points, and computes each anew.
pub(super) struct ByAxes<T> {
    slots: Vec<Slot<T>>,
    mask: u64,
    /// Entries of an earlier generation are void, so that forgetting all of them takes no time; none is ever valid in the first.
    generation: u64,
}

struct Slot<T> {
    number: u64,
    generation: u64,
    value: Option<T>,
}

impl<T> ByAxes<T> {
    /// For values by numbers of this kind.
    pub(super) fn new(numbering: &Numbering) -> Self {
        let slots = numbering.count.map_or(1, |count| count.min(SLOTS).next_power_of_two());
        Self {
            slots: (0..slots).map(|_| Slot { number: 0, generation: 0, value: None }).collect(),
            mask: slots - 1,
            generation: u64::from(numbering.count.is_some()),
        }
    }

    /// Forgets all values.
    pub(super) fn forget(&mut self) {
        if self.generation > 0 {
            self.generation += 1;
        }
    }

    /// Whether numbers tell points apart.
    pub(super) fn tells_apart(&self) -> bool {
        self.generation > 0
    }

    /// The value of a number.
    #[inline]
    pub(super) fn get(&mut self, number: u64, compute: impl FnOnce() -> T) -> &mut T {
        let slot = &mut self.slots[(number & self.mask) as usize];
        if slot.number != number || slot.generation != self.generation || self.generation == 0 {
            slot.value = None;
            (slot.number, slot.generation) = (number, self.generation);
        }
        slot.value.get_or_insert_with(compute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{Phase, of_phase};
    use crate::plan::Point;
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

    fn number(numbering: &Numbering, point: &Point) -> u64 {
        numbering.steps.iter().map(|&(axis, step)| point.index(axis) as u64 * step).sum()
    }

    #[test]
    fn values_depend_on_their_axes_alone() {
        let plan = plan([1, 2, 3]);
        let axes: Vec<usize> = plan.axes.iter().rev().take(12).map(|axis| axis.position).collect();
        let (asked, other) = axes.split_at(8);
        let numbering = Numbering::new(&plan, asked);
        let mut table = ByAxes::new(&numbering);
        let mut computed = 0;
        for row in (0..20_000).chain(0..20_000) {
            let point = plan.point(row);
            let of = |axes: &[usize]| axes.iter().map(|&axis| point.index(axis)).collect::<Vec<_>>();
            let value = table.get(number(&numbering, &point), || {
                computed += 1;
                (of(asked), of(other))
            });
            assert_eq!(value.0, of(asked));
        }
        assert!(computed < 20_000, "{computed}");
        table.forget();
        let last = number(&numbering, &plan.point(19_999));
        assert_eq!(*table.get(last, || (vec![7], Vec::new())), (vec![7], Vec::new()));
    }

    #[test]
    fn numbers_that_would_not_differ_are_not_used() {
        let plan = plan([1 << 12, 1, 1]);
        let axes: Vec<usize> = plan.axes.iter().map(|axis| axis.position).collect();
        let mut table = ByAxes::new(&Numbering::new(&plan, &axes));
        assert!(!table.tells_apart());
        assert_eq!(*table.get(3, || 1), 1);
        assert_eq!(*table.get(3, || 2), 2);
        table.forget();
        assert_eq!(*table.get(3, || 3), 3);
    }
}
