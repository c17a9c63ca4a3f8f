//! The plan: every row of a sweep by number, before any is evaluated.
//!
//! Rows are numbered by mixed radix over the axes of the phase, outermost first. A *cell* is a run of rows that differ in row-level axes
//! only: all dearer levels are computed once per cell or less often.
use crate::axes::{AXES, Axis, Level, Phase};
use crate::spec::{AxisValue, AxisValues};

/// Position of an axis in the registry.
///
/// # Panics
/// At compile time, if no axis has this name.
#[must_use]
pub const fn position(name: &str) -> usize {
    let mut index = 0;
    while index < AXES.len() {
        if same(AXES[index].name, name) {
            return index;
        }
        index += 1;
    }
    panic!("no such axis")
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// How many axes of the registry act at a level or an earlier one, by level: they come first.
const AXES_UP_TO: [usize; 4] =
    [axes_up_to(Level::Shape), axes_up_to(Level::Work), axes_up_to(Level::Time), axes_up_to(Level::Row)];

const fn axes_up_to(level: Level) -> usize {
    let mut axes = 0;
    while axes < AXES.len() && AXES[axes].level as usize <= level as usize {
        axes += 1;
    }
    axes
}

/// One value on every axis, as positions in the axes' value lists; axes of the other phase stay 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    indices: [u32; AXES.len()],
}

impl Point {
    /// The first value of every axis.
    pub const FIRST: Self = Self { indices: [0; AXES.len()] };

    /// The value's position on the axis at a registry position.
    #[must_use]
    pub fn index(&self, axis: usize) -> usize {
        self.indices[axis] as usize
    }

    /// Sets it.
    pub fn set(&mut self, axis: usize, index: usize) {
        self.indices[axis] = index as u32;
    }

    /// Whether two points agree on all axes up to a level, that level included.
    #[must_use]
    #[inline]
    pub fn agrees(&self, other: &Self, level: Level) -> bool {
        let axes = AXES_UP_TO[level as usize];
        self.indices[..axes] == other.indices[..axes]
    }

    /// Whether they are of one cell: the same as agreeing on all axes before the row level, without a branch for each.
    #[must_use]
    #[inline]
    pub fn same_cell(&self, other: &Self) -> bool {
        const AXES: usize = AXES_UP_TO[Level::Time as usize];
        let pairs = self.indices[..AXES].iter().zip(&other.indices[..AXES]);
        pairs.fold(0, |different, (one, other)| different | (one ^ other)) == 0
    }
}

/// The values of one axis, decoded once.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanAxis {
    /// The axis.
    pub axis: &'static Axis,
    /// Its position in the registry.
    pub position: usize,
    /// The values as the specification has them.
    pub values: Vec<AxisValue>,
    /// The values as numbers: whole numbers and numbers as they are, true as 1, names as their position.
    pub numbers: Vec<f64>,
}

impl PlanAxis {
    fn new(values: &AxisValues) -> Self {
        let numbers = values.values.iter().enumerate().map(|(index, value)| match value {
            AxisValue::Name(_) => index as f64,
            AxisValue::Integer(number) => *number as f64,
            AxisValue::Number(number) => *number,
            AxisValue::Bool(flag) => f64::from(u8::from(*flag)),
        });
        Self {
            axis: values.axis,
            position: position(values.axis.name),
            numbers: numbers.collect(),
            values: values.values.clone(),
        }
    }

    /// The names on this axis; empty where it has none.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.values.iter().filter_map(|value| match value {
            AxisValue::Name(name) => Some(name.clone()),
            AxisValue::Integer(_) | AxisValue::Number(_) | AxisValue::Bool(_) => None,
        });
        names.collect()
    }
}

/// An axis with more than one value: rows differ in these alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit {
    /// The axis's position in the registry.
    pub position: usize,
    /// Its number of values.
    pub values: usize,
    /// Rows from one value to the next.
    pub stride: u64,
}

/// All rows of a sweep.
///
/// Rows that agree on the first `depth` digits are a *box*: a contiguous range, and what depends on no other axis is the same in all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Training or inference.
    pub phase: Phase,
    /// The axes of the phase, outermost first.
    pub axes: Vec<PlanAxis>,
    /// Rows per step of each axis.
    strides: Vec<u64>,
    digits: Vec<Digit>,
    rows: u64,
    cell: u64,
}

impl Plan {
    /// A plan over these axes, which must be those of the phase in the registry's order, each with at least one value, as a decoded
    /// specification guarantees. Where their product does not fit 64 bits, or a table without rows leaves an axis empty, rows can't be
    /// numbered: such a plan serves listed points only.
    #[must_use]
    pub fn new(phase: Phase, values: &[AxisValues]) -> Self {
        let axes: Vec<PlanAxis> = values.iter().map(PlanAxis::new).collect();
        let mut strides = vec![1; axes.len()];
        let (mut rows, mut cell) = (1_u64, 1_u64);
        for (stride, axis) in strides.iter_mut().zip(&axes).rev() {
            *stride = rows;
            rows = rows.saturating_mul(axis.values.len() as u64);
            if axis.axis.level == Level::Row {
                cell = rows;
            }
        }
        let digits = axes.iter().zip(&strides).map(|(axis, &stride)| Digit {
            position: axis.position,
            values: axis.values.len(),
            stride,
        });
        let digits = digits.filter(|digit| digit.values > 1).collect();
        Self { phase, axes, strides, digits, rows, cell }
    }

    /// The values of every axis as numbers, by position in the registry.
    #[must_use]
    pub fn numbers(&self) -> [Vec<f64>; AXES.len()] {
        let mut numbers = [const { Vec::new() }; AXES.len()];
        for axis in &self.axes {
            numbers[axis.position].clone_from(&axis.numbers);
        }
        numbers
    }

    /// Rows of the sweep.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows of a cell.
    #[must_use]
    pub fn cell_rows(&self) -> u64 {
        self.cell
    }

    /// The point of a row.
    #[must_use]
    pub fn point(&self, row: u64) -> Point {
        let mut point = Point::FIRST;
        for (axis, stride) in self.axes.iter().zip(&self.strides) {
            point.set(axis.position, (row / stride % axis.values.len() as u64) as usize);
        }
        point
    }

    /// The axes in which rows differ, outermost first.
    #[must_use]
    pub fn digits(&self) -> &[Digit] {
        &self.digits
    }

    /// The depth of the boxes in which all of these axes, by position in the registry, hold still.
    #[must_use]
    pub fn depth(&self, axes: &[usize]) -> usize {
        self.digits.iter().rposition(|digit| axes.contains(&digit.position)).map_or(0, |last| last + 1)
    }

    /// The depth of the boxes in which all axes but these hold still.
    #[must_use]
    pub fn depth_but(&self, axes: &[usize]) -> usize {
        self.digits.iter().rposition(|digit| !axes.contains(&digit.position)).map_or(0, |last| last + 1)
    }

    /// The depth of the boxes in which all axes up to a level hold still.
    #[must_use]
    pub fn depth_of(&self, level: Level) -> usize {
        self.digits.iter().rposition(|digit| AXES[digit.position].level <= level).map_or(0, |last| last + 1)
    }

    /// Rows of a box of this depth.
    #[must_use]
    pub fn box_rows(&self, depth: usize) -> u64 {
        depth.checked_sub(1).map_or(self.rows, |last| self.digits[last].stride)
    }

    /// Moves a point to the first row of the next box of a depth; the depth of the smallest box that both are in.
    pub fn step(&self, point: &mut Point, depth: usize) -> usize {
        for digit in &self.digits[depth..] {
            point.set(digit.position, 0);
        }
        for (outer, digit) in self.digits[..depth].iter().enumerate().rev() {
            let next = point.index(digit.position) + 1;
            if next < digit.values {
                point.set(digit.position, next);
                return outer;
            }
            point.set(digit.position, 0);
        }
        0
    }

    /// Moves a point to the next row; the depth of the smallest box that both are in.
    pub fn advance(&self, point: &mut Point) -> usize {
        self.step(point, self.digits.len())
    }

    /// The row of a point.
    #[must_use]
    pub fn row(&self, point: &Point) -> u64 {
        let terms = self.axes.iter().zip(&self.strides);
        terms.map(|(axis, stride)| point.index(axis.position) as u64 * stride).sum()
    }

    /// The rows that differ from one in a single axis.
    pub fn neighbours(&self, row: u64) -> impl Iterator<Item = u64> {
        self.digits.iter().flat_map(move |digit| {
            let own = row / digit.stride % digit.values as u64;
            let others = (0..digit.values as u64).filter(move |value| *value != own);
            others.map(move |value| row - own * digit.stride + value * digit.stride)
        })
    }

    /// The axis at a registry position, if the phase has it.
    #[must_use]
    pub fn axis(&self, position: usize) -> Option<&PlanAxis> {
        self.axes.iter().find(|axis| axis.position == position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::of_phase;

    fn plan() -> Plan {
        let axes: Vec<AxisValues> = of_phase(Phase::Inference)
            .enumerate()
            .map(|(index, axis)| AxisValues {
                axis,
                values: (0..=(index as u64 % 3)).map(AxisValue::Integer).collect(),
                place: None,
            })
            .collect();
        Plan::new(Phase::Inference, &axes)
    }

    #[test]
    fn rows_and_points_correspond() {
        let plan = plan();
        let mut walked = plan.point(0);
        for row in 0..plan.rows().min(5000) {
            let point = plan.point(row);
            assert_eq!(plan.row(&point), row);
            assert_eq!(walked, point);
            plan.advance(&mut walked);
        }
    }

    #[test]
    fn a_step_leads_to_the_next_box() {
        let plan = plan();
        let rows = plan.rows();
        for depth in 0..=plan.digits().len() {
            let size = plan.box_rows(depth);
            for row in (0..rows).step_by(usize::try_from(rows / 97).unwrap_or(1).max(1)) {
                let mut point = plan.point(row);
                let common = plan.step(&mut point, depth);
                assert_eq!(plan.row(&point), (row / size + 1) * size % rows);
                let outer = plan.box_rows(common);
                assert!(row / outer == plan.row(&point) / outer || plan.row(&point) == 0);
            }
        }
    }

    #[test]
    fn neighbours_differ_in_one_axis() {
        let plan = plan();
        let row = plan.rows() / 3;
        let point = plan.point(row);
        let others: usize = plan.digits().iter().map(|digit| digit.values - 1).sum();
        let neighbours: Vec<u64> = plan.neighbours(row).collect();
        assert_eq!(neighbours.len(), others);
        for other in neighbours {
            let other = plan.point(other);
            let differs = |axis: &&PlanAxis| other.index(axis.position) != point.index(axis.position);
            assert_eq!(plan.axes.iter().filter(differs).count(), 1);
        }
    }

    #[test]
    fn a_cell_is_a_box_of_its_levels() {
        let plan = plan();
        assert_eq!(plan.box_rows(plan.depth_of(Level::Time)), plan.cell_rows());
    }

    #[test]
    fn a_cell_holds_its_dear_levels_still() {
        let plan = plan();
        for row in 0..plan.rows().min(5000) {
            let first = plan.point(row / plan.cell_rows() * plan.cell_rows());
            assert!(plan.point(row).agrees(&first, Level::Time));
        }
    }

    #[test]
    fn axes_of_early_levels_come_first() {
        assert!(AXES.is_sorted_by_key(|axis| axis.level));
        assert_eq!(AXES_UP_TO[Level::Row as usize], AXES.len());
    }
}
