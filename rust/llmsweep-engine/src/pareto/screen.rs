//! The cheap test that nearly every row fails: a few members against many rows, in lanes.
//!
//! The screen may let dominated rows pass, never stops an undominated one. So which members it holds is a matter of speed
//! alone: those that beat the most of a sample of the rows that came by, chosen greedily, so that scales don't matter.
use super::lattice::Lattice;
use super::points::{Points, dominates};

/// Rows sifted at once; their masks and columns stay in the first-level cache.
pub(super) const BLOCK: usize = 256;
/// Members held against every row.
const PIVOTS: usize = 8;
/// A pivot is one that beats one in so many rows that the others let pass,
const PIVOT_WORTH: usize = 100;
/// and where a lattice follows, which costs the row no more than a few pivots, one in so many.
const PIVOT_WORTH_BESIDE_LATTICE: usize = 20;
/// Members considered as pivots.
const CANDIDATES: usize = 256;
/// Members held against each row that the pivots let pass (measured: more of them cost more than a later sort saves).
const MEMBERS: usize = 32;
/// From so many members on, a lattice of all of them is worth its table.
const MANY: usize = 256;
/// Members compared with one row between two looks at the outcome.
const LANES: usize = 16;

/// Pivots, which meet whole blocks, and what the rows meet that they let pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    pivots: Vec<Vec<f64>>,
    further: Further,
}

#[derive(Clone, Debug)]
enum Further {
    /// Some members as columns, in the order of their usefulness.
    Members(Vec<Vec<f64>>),
    /// A table of all members, where they are many.
    Lattice(Lattice),
}

impl Default for Further {
    fn default() -> Self {
        Self::Members(Vec::new())
    }
}

impl Screen {
    /// The members of a front (equal points adjoining) that do most against `sample`.
    pub(super) fn new(front: &Points, sample: &Points) -> Self {
        let distinct: Vec<usize> =
            (0..front.len()).filter(|&index| index == 0 || front.row(index) != front.row(index - 1)).collect();
        let considered = distinct.len().min(CANDIDATES);
        let mut candidates: Vec<(usize, Vec<bool>)> = (0..considered)
            .map(|part| distinct[part * distinct.len() / considered])
            .map(|member| (member, sample.rows().map(|(row, _)| dominates(front.row(member), row)).collect()))
            .collect();
        candidates.sort_by_key(|(_, beaten)| std::cmp::Reverse(count(beaten)));

        let worth = if distinct.len() < MANY { PIVOT_WORTH } else { PIVOT_WORTH_BESIDE_LATTICE };
        let mut chosen: Vec<usize> = Vec::new();
        let mut open = vec![true; sample.len()];
        while chosen.len() < PIVOTS {
            let gain = |beaten: &[bool]| beaten.iter().zip(&open).filter(|(beaten, open)| **beaten && **open).count();
            let best =
                candidates.iter().map(|(member, beaten)| (gain(beaten), *member, beaten)).max_by_key(|best| best.0);
            let Some((_, member, beaten)) = best.filter(|(gain, ..)| *gain > sample.len() / worth) else { break };
            chosen.push(member);
            open.iter_mut().zip(beaten).for_each(|(open, beaten)| *open &= !beaten);
        }
        let pivots = chosen.iter().map(|&member| front.row(member).to_vec()).collect();
        if distinct.len() >= MANY
            && let Some(lattice) = Lattice::new(front, &distinct)
        {
            return Self { pivots, further: Further::Lattice(lattice) };
        }
        let useful = candidates.into_iter().map(|(member, _)| member);
        let members: Vec<usize> = useful.filter(|member| !chosen.contains(member)).take(MEMBERS).collect();
        let column = |coordinate: usize| {
            let values = members.iter().map(|&member| front.row(member)[coordinate]);
            let lanes = members.len().next_multiple_of(LANES);
            values.chain(std::iter::repeat(f64::NAN)).take(lanes).collect()
        };
        Self { pivots, further: Further::Members((0..front.width()).map(column).collect()) }
    }

    /// Marks (with all ones) the rows of a block that a pivot dominates.
    pub(super) fn sift(&self, rows: &[&[f64]], beaten: &mut [u64]) {
        for pivot in &self.pivots {
            match (pivot.as_slice(), rows) {
                (&[a], &[x]) => beat([a], [x], beaten),
                (&[a, b], &[x, y]) => beat([a, b], [x, y], beaten),
                (&[a, b, c], &[x, y, z]) => beat([a, b, c], [x, y, z], beaten),
                (&[a, b, c, d], &[x, y, z, w]) => beat([a, b, c, d], [x, y, z, w], beaten),
                _ => beat_any(pivot, rows, beaten),
            }
        }
    }

    /// Leaves of the offsets of a block's rows only those that no further member is seen to dominate; returns how many.
    pub(super) fn retain(&self, rows: &[&[f64]], offsets: &mut [u16]) -> usize {
        match &self.further {
            Further::Lattice(lattice) => lattice.retain(rows, offsets),
            Further::Members(_) => {
                let mut row = vec![0.0; rows.len()];
                let mut kept = 0;
                for index in 0..offsets.len() {
                    let offset = offsets[index];
                    row.iter_mut().zip(rows).for_each(|(value, column)| *value = column[usize::from(offset)]);
                    offsets[kept] = offset;
                    kept += usize::from(!self.stops(&row));
                }
                kept
            }
        }
    }

    /// Whether one of the members apart from the pivots is seen to dominate a row.
    pub(super) fn stops(&self, row: &[f64]) -> bool {
        match &self.further {
            Further::Lattice(lattice) => lattice.stops(row),
            Further::Members(columns) => any_dominates(columns, row),
        }
    }

    /// Whether a pivot dominates a row.
    pub(super) fn pivots_stop(&self, row: &[f64]) -> bool {
        self.pivots.iter().any(|pivot| dominates(pivot, row))
    }
}

/// Whether a member, given as a lane of columns, dominates a row.
fn any_dominates(columns: &[Vec<f64>], row: &[f64]) -> bool {
    let lanes = columns.first().map_or(0, Vec::len);
    (0..lanes).step_by(LANES).any(|start| {
        let mut no_larger = [true; LANES];
        let mut smaller = [false; LANES];
        for (column, &value) in columns.iter().zip(row) {
            for (lane, member) in column[start..start + LANES].iter().enumerate() {
                no_larger[lane] &= *member <= value;
                smaller[lane] |= *member < value;
            }
        }
        no_larger.iter().zip(&smaller).any(|(no_larger, smaller)| no_larger & smaller)
    })
}

fn count(marks: &[bool]) -> usize {
    marks.iter().filter(|mark| **mark).count()
}

/// Branch-free, so that it becomes vector code.
fn beat<const N: usize>(pivot: [f64; N], rows: [&[f64]; N], beaten: &mut [u64]) {
    let rows = rows.map(|column| &column[..beaten.len()]);
    for (index, mark) in beaten.iter_mut().enumerate() {
        let mut no_larger = true;
        let mut smaller = false;
        for coordinate in 0..N {
            no_larger &= pivot[coordinate] <= rows[coordinate][index];
            smaller |= pivot[coordinate] < rows[coordinate][index];
        }
        *mark |= u64::from(no_larger & smaller);
    }
}

/// [`beat`] for more objectives: column by column over marks.
fn beat_any(pivot: &[f64], rows: &[&[f64]], beaten: &mut [u64]) {
    let mut no_larger = [1_u64; BLOCK];
    let mut smaller = [0_u64; BLOCK];
    for (value, column) in pivot.iter().zip(rows) {
        for ((no_larger, smaller), other) in no_larger.iter_mut().zip(&mut smaller).zip(*column) {
            *no_larger &= u64::from(value <= other);
            *smaller |= u64::from(value < other);
        }
    }
    for (mark, (no_larger, smaller)) in beaten.iter_mut().zip(no_larger.iter().zip(&smaller)) {
        *mark |= no_larger & smaller;
    }
}
