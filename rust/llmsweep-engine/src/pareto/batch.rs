//! The front of a whole set at once: sort, then sweep, then divide and conquer.
//!
//! After H. T. Kung, F. Luccio, F. P. Preparata, "On Finding the Maxima of a Set of Vectors", Journal of the ACM 22(4),
//! 1975. Points sorted by all coordinates in turn can only be dominated by points before them, and among distinct
//! points it is enough to compare the other coordinates with ≤. Time: n log n up to three objectives, a further log n
//! for each one more.
use super::Ties;
use super::points::{Points, order_key};
use super::staircase::Staircase;
use crate::control::Control;

/// Below this many pairs comparing all of them is faster than dividing.
const PAIRS_BY_FORCE: usize = 2048;

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
            kept.push(points.row(index), points.ids()[index]);
        }
    }
    kept
}

/// The positions of the points in the order of their coordinates, then ids.
fn sorted(points: &Points) -> Vec<usize> {
    let mut keyed: Vec<(u64, usize)> =
        (0..points.len()).map(|index| (order_key(points.row(index)[0]), index)).collect();
    // A stable sort finds and keeps the sorted run that the archive's members are.
    keyed.sort_by(|one, other| {
        one.0.cmp(&other.0).then_with(|| {
            let rest = points.row(one.1)[1..].iter().zip(&points.row(other.1)[1..]);
            rest.map(|(a, b)| a.total_cmp(b))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| points.ids()[one.1].cmp(&points.ids()[other.1]))
        })
    });
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

    /// Whether `one` is no larger than `other` in the coordinates from `first` on.
    fn covers(&self, one: usize, other: usize, first: usize) -> bool {
        let tail = |point: usize| &self.values[point * self.width + first..(point + 1) * self.width];
        tail(one).iter().zip(tail(other)).all(|(a, b)| a <= b)
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
                let mut stairs = Staircase::default();
                (0..count)
                    .filter(|&point| {
                        let (y, z) = (self.at(point, 1), self.at(point, 2));
                        let better = !stairs.covers(y, z);
                        if better {
                            stairs.insert(y, z);
                        }
                        better
                    })
                    .collect()
            }
            _ => {
                let mut beaten = vec![false; count];
                self.divide(0, count, &mut beaten, control)
            }
        }
    }

    /// The front of the points from `first` to before `end`.
    fn divide(&self, first: usize, end: usize, beaten: &mut [bool], control: &Control) -> Vec<usize> {
        if control.is_cancelled() {
            return Vec::new();
        }
        if (end - first) * (end - first) <= PAIRS_BY_FORCE {
            let mut kept: Vec<usize> = Vec::new();
            for point in first..end {
                if !kept.iter().any(|&earlier| self.covers(earlier, point, 1)) {
                    kept.push(point);
                }
            }
            return kept;
        }
        let middle = first + (end - first) / 2;
        let mut kept = self.divide(first, middle, beaten, control);
        let later = self.divide(middle, end, beaten, control);
        self.filter(&kept, &later, 1, beaten, control);
        kept.extend(later.into_iter().filter(|&point| !beaten[point]));
        kept
    }

    /// Marks each of `later` that one of `earlier` covers in the coordinates from `from` on.
    fn filter(&self, earlier: &[usize], later: &[usize], from: usize, beaten: &mut [bool], control: &Control) {
        if earlier.is_empty() || later.is_empty() || control.is_cancelled() {
            return;
        }
        if earlier.len() * later.len() <= PAIRS_BY_FORCE {
            for &point in later {
                beaten[point] = beaten[point] || earlier.iter().any(|&other| self.covers(other, point, from));
            }
        } else if self.width - from <= 3 {
            self.sweep(earlier, later, from, beaten);
        } else {
            self.split(earlier, later, from, beaten, control);
        }
    }

    /// [`Self::filter`] over the last three coordinates: both sets in the order of the first of them, a staircase of the
    /// other two.
    fn sweep(&self, earlier: &[usize], later: &[usize], from: usize, beaten: &mut [bool]) {
        let by_first = |points: &[usize]| {
            let mut keyed: Vec<(u64, usize)> =
                points.iter().map(|&point| (order_key(self.at(point, from)), point)).collect();
            keyed.sort_unstable();
            keyed
        };
        let mut stairs = Staircase::default();
        let mut waiting = by_first(earlier).into_iter().peekable();
        for (key, point) in by_first(later) {
            while let Some((_, other)) = waiting.next_if(|(other_key, _)| *other_key <= key) {
                let (y, z) = (self.at(other, from + 1), self.at(other, from + 2));
                if !stairs.covers(y, z) {
                    stairs.insert(y, z);
                }
            }
            beaten[point] = beaten[point] || stairs.covers(self.at(point, from + 1), self.at(point, from + 2));
        }
    }

    /// [`Self::filter`] by halves of coordinate `from`: the low half of `earlier` covers that coordinate for the whole
    /// high half of `later`, and its high half can't cover anything in the low half.
    fn split(&self, earlier: &[usize], later: &[usize], from: usize, beaten: &mut [bool], control: &Control) {
        let mut values: Vec<f64> = later.iter().map(|&point| self.at(point, from)).collect();
        let middle = values.len() / 2;
        let (_, &mut median, above) = values.select_nth_unstable_by(middle, f64::total_cmp);
        // Where many values equal the median and none is above it, the cut goes below them, so that both parts shrink.
        let cut_above = above.iter().any(|value| *value > median);
        let is_low = |point: &usize| {
            let value = self.at(*point, from);
            if cut_above { value <= median } else { value < median }
        };
        let (low_earlier, high_earlier): (Vec<usize>, Vec<usize>) = earlier.iter().partition(|point| is_low(point));
        let (low_later, high_later): (Vec<usize>, Vec<usize>) = later.iter().partition(|point| is_low(point));
        if low_later.is_empty() {
            // Every later point has the same value.
            let within: Vec<usize> = earlier.iter().copied().filter(|point| self.at(*point, from) <= median).collect();
            self.filter(&within, later, from + 1, beaten, control);
            return;
        }
        self.filter(&low_earlier, &low_later, from, beaten, control);
        self.filter(&low_earlier, &high_later, from + 1, beaten, control);
        let open: Vec<usize> = high_later.into_iter().filter(|&point| !beaten[point]).collect();
        self.filter(&high_earlier, &open, from, beaten, control);
    }
}
