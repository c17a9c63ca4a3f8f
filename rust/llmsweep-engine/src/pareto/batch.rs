//! The front of a whole set at once: sort, then sweep, from four objectives on by a tree.
//!
//! After H. T. Kung, F. Luccio, F. P. Preparata, "On Finding the Maxima of a Set of Vectors", Journal of the ACM 22(4),
//! 1975. Points sorted by all coordinates in turn can only be dominated by points before them, and among distinct
//! points it is enough to compare the other coordinates with ≤. Time: n log n up to three objectives.
use rayon::prelude::*;

use super::Ties;
use super::points::{Points, order_key};
use super::staircase::Staircase;
use super::tree::{self, Ranks};
use crate::control::Control;

/// Points that one thread sorts in less time than a second one takes to start.
const SORTED_AT_ONCE: usize = 1 << 13;

/// The front of `points`, sorted by coordinates, then id. A cancelled control makes it return early with a front that
/// means nothing.
pub(super) fn front(points: &Points, ties: Ties, control: &Control) -> Points {
    let order = sorted(points);
    let mut starts: Vec<usize> = Vec::new();
    let mut distinct = Distinct { width: points.width(), values: Vec::with_capacity(order.len() * points.width()) };
    for (position, &index) in order.iter().enumerate() {
        let row = points.row(index);
        if position == 0 || points.row(order[position - 1]) != row {
            starts.push(position);
            distinct.values.extend_from_slice(row);
        }
    }
    let survivors = distinct.front(control);
    let mut kept = Points::with_capacity(points.width(), survivors.len());
    for start in survivors {
        let first = starts[start];
        let end = match ties {
            Ties::All => starts.get(start + 1).copied().unwrap_or(order.len()),
            Ties::First => first + 1,
        };
        for &index in &order[first..end] {
            kept.push(points.row(index).iter().copied(), points.ids()[index]);
        }
    }
    kept
}

/// The positions of the points in the order of their coordinates, then ids.
fn sorted(points: &Points) -> Vec<usize> {
    let mut keyed: Vec<(u64, usize)> =
        (0..points.len()).map(|index| (order_key(points.row(index)[0]), index)).collect();
    let by_coordinates = |one: &(u64, usize), other: &(u64, usize)| {
        one.0.cmp(&other.0).then_with(|| {
            let rest = points.row(one.1)[1..].iter().zip(&points.row(other.1)[1..]);
            rest.map(|(a, b)| a.total_cmp(b))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| points.ids()[one.1].cmp(&points.ids()[other.1]))
        })
    };
    // A stable sort finds and keeps sorted runs: the archive's members, and the parts that the threads have sorted.
    let part = keyed.len().div_ceil(rayon::current_num_threads()).max(SORTED_AT_ONCE);
    keyed.par_chunks_mut(part).for_each(|part| part.sort_by(by_coordinates));
    keyed.sort_by(by_coordinates);
    keyed.into_iter().map(|(_, index)| index).collect()
}

/// Distinct points in sorted order.
struct Distinct {
    width: usize,
    values: Vec<f64>,
}

impl Distinct {
    fn at(&self, point: usize, coordinate: usize) -> f64 {
        self.values[point * self.width + coordinate]
    }

    fn front(&self, control: &Control) -> Vec<usize> {
        let count = self.values.len() / self.width;
        match self.width {
            1 => (0..count.min(1)).collect(),
            2 => {
                let mut lowest = None;
                (0..count)
                    .filter(|&point| {
                        let y = self.at(point, 1);
                        let better = lowest.is_none_or(|lowest| y < lowest);
                        if better {
                            lowest = Some(y);
                        }
                        better
                    })
                    .collect()
            }
            3 => {
                let mut stairs = Staircase::new();
                (0..count).filter(|&point| stairs.admit(self.at(point, 1), self.at(point, 2))).collect()
            }
            _ => {
                let beaten = tree::dominated(&Ranks::new(&self.values, self.width), control);
                (0..count).filter(|&point| !beaten[point]).collect()
            }
        }
    }
}
