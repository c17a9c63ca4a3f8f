//! Many members asked at once: the lowest last coordinate of all members that are no larger in the others.
//!
//! A table over the other coordinates, cut at quantiles of the members, holds that minimum for each corner of the
//! lattice. A row looks at the corner just below it. What lies between corner and row is missed, so the table may let
//! dominated rows pass; it never stops an undominated one.
use super::points::Points;
use super::screen::BLOCK;

/// Corners at most, whatever the number of coordinates: a table that fits the second-level cache.
const CORNERS: usize = 40_000;

/// Rows located at a time.
const LANES: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Lattice {
    /// Rising cuts per coordinate, without the last coordinate.
    cuts: Vec<Vec<f64>>,
    /// By the number of cuts that are no larger, coordinate after coordinate.
    lowest: Vec<f64>,
}

impl Lattice {
    /// The table of some members, at least one; `None` where the coordinates are too many for a table that helps.
    pub(super) fn new(points: &Points, members: &[usize]) -> Option<Self> {
        let axes = points.width() - 1;
        let count = ((CORNERS as f64).powf(1.0 / axes as f64) as usize - 1).min(members.len());
        if count < 2 {
            return None;
        }
        let cuts: Vec<Vec<f64>> = (0..axes)
            .map(|axis| {
                let mut values: Vec<f64> = members.iter().map(|&member| points.row(member)[axis]).collect();
                values.sort_unstable_by(f64::total_cmp);
                (1..=count).map(|part| values[part * values.len() / count - 1]).collect()
            })
            .collect();
        let mut lowest = vec![f64::INFINITY; (count + 1).pow(axes as u32)];
        for &member in members {
            let row = points.row(member);
            let corner = cuts.iter().zip(row).fold(0, |corner, (cuts, value)| {
                // The last cut is the largest value.
                corner * (count + 1) + cuts.partition_point(|cut| cut < value) + 1
            });
            lowest[corner] = lowest[corner].min(row[axes]);
        }
        // Along each axis in turn a corner takes over what the one before it has.
        for axis in 0..axes {
            let stride = (count + 1).pow(axis as u32);
            for corner in stride..lowest.len() {
                if !(corner / stride).is_multiple_of(count + 1) {
                    lowest[corner] = lowest[corner].min(lowest[corner - stride]);
                }
            }
        }
        Some(Self { cuts, lowest })
    }

    /// Whether the table shows that a member dominates a row without NaN.
    pub(super) fn stops(&self, row: &[f64]) -> bool {
        let corner = self.cuts.iter().zip(row).fold(0, |corner, (cuts, value)| beyond(corner, cuts, *value));
        row.last().is_some_and(|value| self.shows(corner, *value, |axis| row[axis]))
    }

    /// Leaves of the offsets of a block only those of rows for which [`Self::stops`] is false; returns how many. Without
    /// a branch per row, so that the processor works on several at once.
    pub(super) fn retain(&self, rows: &[&[f64]], offsets: &mut [u16]) -> usize {
        let Some((last, axes)) = rows.split_last() else { return offsets.len() };
        let mut corners = [0; BLOCK];
        for (cuts, axis) in self.cuts.iter().zip(axes) {
            for (corners, offsets) in corners.chunks_exact_mut(LANES).zip(offsets.chunks(LANES)) {
                let mut values = [0.0; LANES];
                values.iter_mut().zip(offsets).for_each(|(value, offset)| *value = axis[usize::from(*offset)]);
                let below = no_larger(cuts, values);
                corners.iter_mut().zip(below).for_each(|(corner, below)| *corner = *corner * (cuts.len() + 1) + below);
            }
        }
        let mut kept = 0;
        for index in 0..offsets.len() {
            let offset = offsets[index];
            let row = usize::from(offset);
            offsets[kept] = offset;
            kept += usize::from(!self.shows(corners[index], last[row], |axis| axes[axis][row]));
        }
        kept
    }

    /// Whether the member of a corner dominates a row with this last coordinate.
    fn shows(&self, corner: usize, last: f64, value: impl Fn(usize) -> f64) -> bool {
        let lowest = self.lowest[corner];
        // Of equals in the last coordinate the member must be smaller in another, as it is where the corner is.
        let is_beyond = |(axis, cuts): (usize, &Vec<f64>)| {
            let below = cuts.partition_point(|cut| *cut <= value(axis));
            below > 0 && cuts[below - 1] < value(axis)
        };
        lowest < last || lowest <= last && self.cuts.iter().enumerate().any(is_beyond)
    }
}

/// The corner, one coordinate further.
fn beyond(corner: usize, cuts: &[f64], value: f64) -> usize {
    corner * (cuts.len() + 1) + cuts.partition_point(|cut| *cut <= value)
}

/// How many of some rising cuts are no larger than each of some values: binary searches side by side, since a single one
/// waits for each of its steps.
fn no_larger(cuts: &[f64], values: [f64; LANES]) -> [usize; LANES] {
    let mut below = [0; LANES];
    let mut size = cuts.len();
    while size > 1 {
        let half = size / 2;
        for (below, value) in below.iter_mut().zip(values) {
            let middle = *below + half;
            *below = std::hint::select_unpredictable(cuts[middle] <= value, middle, *below);
        }
        size -= half;
    }
    std::array::from_fn(|lane| below[lane] + usize::from(cuts[below[lane]] <= values[lane]))
}
