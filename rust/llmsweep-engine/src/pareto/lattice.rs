//! Many members asked at once: the lowest last coordinate of all members that are no larger in the others.
//!
//! A table over the other coordinates, cut at quantiles of the members, holds that minimum for each corner of the
//! lattice. A row looks at the corner just below it. What lies between corner and row is missed, so the table may let
//! dominated rows pass; it never stops an undominated one.
use super::points::Points;

/// Corners in all, whatever the number of coordinates: a table that fits the second-level cache.
const CORNERS: f64 = 16_384.0;

#[derive(Clone, Debug)]
pub(super) struct Lattice {
    /// Rising cuts per coordinate, without the last coordinate.
    cuts: Vec<Vec<f64>>,
    lowest: Vec<f64>,
}

impl Lattice {
    /// The table of some members, of at least two coordinates.
    pub(super) fn new(points: &Points, members: &[usize]) -> Self {
        let axes = points.width() - 1;
        let cuts_per_axis = (CORNERS.powf(1.0 / axes as f64) as usize).clamp(2, members.len().max(2));
        let cuts: Vec<Vec<f64>> = (0..axes)
            .map(|axis| {
                let mut values: Vec<f64> = members.iter().map(|&member| points.row(member)[axis]).collect();
                values.sort_unstable_by(f64::total_cmp);
                (1..=cuts_per_axis).map(|part| values[(part * values.len() / cuts_per_axis).max(1) - 1]).collect()
            })
            .collect();
        let mut lowest = vec![f64::INFINITY; cuts_per_axis.pow(axes as u32)];
        for &member in members {
            let row = points.row(member);
            let corner = cuts
                .iter()
                .zip(row)
                .fold(0, |corner, (cuts, value)| corner * cuts_per_axis + cuts.partition_point(|cut| cut < value));
            lowest[corner] = lowest[corner].min(row[axes]);
        }
        // Along each axis in turn a corner takes over what the one before it has.
        for axis in 0..axes {
            let stride = cuts_per_axis.pow(axis as u32);
            for corner in 0..lowest.len() {
                if !(corner / stride).is_multiple_of(cuts_per_axis) {
                    lowest[corner] = lowest[corner].min(lowest[corner - stride]);
                }
            }
        }
        Self { cuts, lowest }
    }

    /// Whether the table shows that a member dominates a row without NaN.
    pub(super) fn stops(&self, row: &[f64]) -> bool {
        let mut corner = 0;
        for (cuts, value) in self.cuts.iter().zip(row) {
            match cuts.partition_point(|cut| cut <= value) {
                0 => return false,
                above => corner = corner * cuts.len() + above - 1,
            }
        }
        row.last().is_some_and(|value| self.lowest[corner] < *value)
    }
}
