//! One growing set of points and its front.
use std::ops::Range;

use super::Ties;
use super::batch;
use super::points::{Points, dominates};
use super::screen::{BLOCK, Screen};
use crate::control::Control;

/// Points that wait before the first sort.
const WAITING: usize = 256;
/// Later, points that wait per member, so that sorting the members again costs little per point.
const WAITING_PER_MEMBER: usize = 4;

/// The ids of a block's rows.
#[derive(Clone, Copy, Debug)]
pub enum Ids<'a> {
    /// Consecutive, from this one.
    From(u64),
    /// One by one.
    Each(&'a [u64]),
}

impl Ids<'_> {
    /// The id of a row of the block.
    ///
    /// # Panics
    /// If the row is beyond the list.
    #[must_use]
    pub fn at(&self, row: usize) -> u64 {
        match self {
            Self::From(first) => first + row as u64,
            Self::Each(ids) => ids[row],
        }
    }
}

/// The Pareto front of the points pushed so far.
///
/// Points first meet a screen of strong members; what passes waits, and now and then the waiting points and the members
/// become the new front together. So a push is cheap, and what the archive holds between is exact up to the wait.
///
/// ```
/// use llmsweep_engine::pareto::{Archive, Ties};
/// let mut archive = Archive::new(2, Ties::All);
/// for (id, point) in [(7, [1.0, 5.0]), (8, [2.0, 2.0]), (9, [3.0, 2.0])] {
///     archive.push(&point, id);
/// }
/// assert!(archive.dominates(&[2.0, 2.5]));
/// assert_eq!(archive.into_members(), [7, 8]);
/// ```
#[derive(Clone, Debug)]
pub struct Archive {
    ties: Ties,
    /// The front of all that no longer waits, sorted by coordinates.
    members: Points,
    waiting: Points,
    screen: Screen,
    /// Rows that came by lately, dominated or not.
    sample: Points,
    pushed: usize,
}

static NEVER: Control = Control::new();

impl Archive {
    /// An empty archive of points with so many objectives (at least one).
    ///
    /// # Panics
    /// If `dimensions` is 0: points of no objectives can't be compared.
    #[must_use]
    pub fn new(dimensions: usize, ties: Ties) -> Self {
        assert!(dimensions > 0, "a Pareto front needs at least one objective");
        let empty = || Points::new(dimensions);
        Self { ties, members: empty(), waiting: empty(), screen: Screen::default(), sample: empty(), pushed: 0 }
    }

    /// Offers one point.
    ///
    /// # Panics
    /// If the point's length is not the archive's number of dimensions.
    pub fn push(&mut self, point: &[f64], id: u64) {
        assert_eq!(point.len(), self.members.width(), "a point has as many coordinates as the archive has dimensions");
        self.pushed += 1;
        // About as many sampled rows from a long history as from a short one.
        if self.pushed.is_power_of_two() || self.pushed.is_multiple_of(BLOCK) {
            if self.sample.len() >= BLOCK {
                self.sample.clear();
            }
            self.sample.push(point.iter().copied(), id);
        }
        if !self.screen.pivots_stop(point) {
            self.admit(point, id);
        }
        if self.is_due() {
            self.settle(&NEVER);
        }
    }

    /// Offers many points, given as columns; a row whose `valid` is false is left out.
    ///
    /// # Panics
    /// If there are not as many columns as dimensions, or the columns, ids and mask are not equally long.
    pub fn push_block(&mut self, columns: &[&[f64]], ids: Ids, valid: Option<&[bool]>) {
        self.push_block_until(columns, ids, valid, &NEVER);
    }

    /// [`Self::push_block`]; after a cancellation the archive holds nothing of meaning.
    pub(super) fn push_block_until(&mut self, columns: &[&[f64]], ids: Ids, valid: Option<&[bool]>, control: &Control) {
        assert_eq!(columns.len(), self.members.width(), "a block has as many columns as the archive has dimensions");
        let rows = columns[0].len();
        assert!(columns.iter().all(|column| column.len() == rows), "a block's columns are equally long");
        for start in (0..rows).step_by(BLOCK) {
            let block = start..rows.min(start + BLOCK);
            let mut waiting = std::mem::replace(&mut self.waiting, Points::new(columns.len()));
            self.sift(columns, block, ids, valid, &mut waiting);
            self.waiting = waiting;
            if self.is_due() {
                self.resample(columns);
                self.settle(control);
            }
        }
    }

    /// The rows that the screen, as it stands, lets pass.
    pub(super) fn screened(&self, columns: &[&[f64]], ids: Ids, valid: Option<&[bool]>) -> Points {
        let rows = columns[0].len();
        let mut passed = Points::new(columns.len());
        for start in (0..rows).step_by(BLOCK) {
            self.sift(columns, start..rows.min(start + BLOCK), ids, valid, &mut passed);
        }
        passed
    }

    /// Lets screened rows of these columns wait.
    pub(super) fn take(&mut self, passed: Vec<Points>, columns: &[&[f64]], control: &Control) {
        for points in passed {
            self.waiting.append(points);
        }
        if self.is_due() {
            self.resample(columns);
            self.settle(control);
        }
    }

    /// Adds the rows of a block that the screen lets pass to `passed`.
    fn sift(&self, columns: &[&[f64]], block: Range<usize>, ids: Ids, valid: Option<&[bool]>, passed: &mut Points) {
        let slices: Vec<&[f64]> = columns.iter().map(|column| &column[block.clone()]).collect();
        let mut beaten = [0; BLOCK];
        let beaten = &mut beaten[..block.len()];
        if let Some(valid) = valid {
            beaten.iter_mut().zip(&valid[block.clone()]).for_each(|(mark, valid)| *mark = u64::from(!valid));
        }
        self.screen.sift(&slices, beaten);
        let mut open = open(beaten);
        open.count = self.screen.retain(&slices, &mut open.offsets[..open.count]);
        for offset in open.iter().map(|offset| usize::from(*offset)) {
            let row = slices.iter().map(|column| column[offset]);
            if !row.clone().any(f64::is_nan) {
                passed.push(row, ids.at(block.start + offset));
            }
        }
    }

    /// Takes all points of another archive in; the result is that of pushing both sets, in any order.
    ///
    /// # Panics
    /// If the archives differ in dimensions.
    pub fn merge(&mut self, other: Self) {
        self.merge_until(other, &NEVER);
    }

    pub(super) fn merge_until(&mut self, mut other: Self, control: &Control) {
        assert_eq!(self.members.width(), other.members.width(), "merged archives have equal dimensions");
        if self.members.len() < other.members.len() {
            std::mem::swap(self, &mut other);
        }
        for points in [&other.members, &other.waiting] {
            for (row, id) in points.rows() {
                if !self.screen.pivots_stop(row) {
                    self.admit(row, id);
                }
            }
        }
        if self.is_due() {
            self.settle(control);
        }
    }

    /// Whether a point pushed so far dominates this one.
    pub fn dominates(&self, point: &[f64]) -> bool {
        self.screen.pivots_stop(point)
            || self.screen.stops(point)
            || self.members.rows().chain(self.waiting.rows()).any(|(row, _)| dominates(row, point))
    }

    /// Points on the front, but for those that wait to be compared.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.members.len()
    }

    /// The ids of the front, ascending.
    #[must_use]
    pub fn members(&self) -> Vec<u64> {
        if self.waiting.is_empty() { ascending(&self.members) } else { self.clone().into_members() }
    }

    /// [`Self::members`] without a copy of the archive.
    #[must_use]
    pub fn into_members(self) -> Vec<u64> {
        self.into_members_until(&NEVER)
    }

    pub(super) fn into_members_until(mut self, control: &Control) -> Vec<u64> {
        if !self.waiting.is_empty() {
            self.gather(control);
        }
        ascending(&self.members)
    }

    /// Lets a point that passed the pivots wait, unless it has a NaN or another member of the screen dominates it.
    fn admit(&mut self, point: &[f64], id: u64) {
        if !point.iter().any(|value| value.is_nan()) && !self.screen.stops(point) {
            self.waiting.push(point.iter().copied(), id);
        }
    }

    fn is_due(&self) -> bool {
        self.waiting.len() >= (WAITING_PER_MEMBER * self.members.len()).max(WAITING)
    }

    /// Members and waiting points become the new front.
    fn gather(&mut self, control: &Control) {
        let width = self.members.width();
        let mut all = std::mem::replace(&mut self.members, Points::new(width));
        all.append(std::mem::replace(&mut self.waiting, Points::new(width)));
        self.members = batch::front(&all, self.ties, control);
    }

    fn settle(&mut self, control: &Control) {
        self.gather(control);
        self.screen = Screen::new(&self.members, &self.sample);
    }

    /// Rows from all over a block: neighbours in a grid are too much alike to stand for the rest.
    fn resample(&mut self, columns: &[&[f64]]) {
        let rows = columns[0].len();
        let count = rows.min(BLOCK);
        self.sample.clear();
        for part in 0..count {
            let row = part * rows / count;
            self.sample.push(columns.iter().map(|column| column[row]), 0);
        }
    }
}

fn ascending(points: &Points) -> Vec<u64> {
    let mut ids = points.ids().to_vec();
    ids.sort_unstable();
    ids
}

/// The offsets of a block whose mark is 0, gathered without a branch per row.
fn open(beaten: &[u64]) -> OpenRows {
    let mut offsets = [0; BLOCK];
    let mut count = 0;
    for (offset, mark) in beaten.iter().enumerate() {
        offsets[count] = offset as u16;
        count += usize::from(*mark == 0);
    }
    OpenRows { offsets, count }
}

struct OpenRows {
    offsets: [u16; BLOCK],
    count: usize,
}

impl OpenRows {
    fn iter(&self) -> std::slice::Iter<'_, u16> {
        self.offsets[..self.count].iter()
    }
}
