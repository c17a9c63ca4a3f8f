//! Which of many points another one dominates, for four objectives and more: each point asks a k-d tree of all of them.
//!
//! After J. L. Bentley, "Multidimensional Binary Search Trees Used for Associative Searching", Communications of the ACM
//! 18(9), 1975. A node knows the low corner of its points; where that corner is not below a point, nothing in the node
//! dominates it. Points ask independently, so all threads help, and coordinates are ranks, so scales don't matter.
use rayon::prelude::*;

use super::points::order_key;
use crate::control::Control;

/// Points in a leaf, compared in lanes.
const LEAF: usize = 16;
/// Corners are padded to whole groups of so many numbers, which are compared in lanes.
const GROUP: usize = 4;
/// Points by which it is judged how far a node stretches.
const SAMPLE: usize = 64;
/// Leaves whose points ask in one task.
const LEAVES_PER_TASK: usize = 64;

/// Where all points lie: the rank of each in every coordinate, point after point.
pub(super) struct Ranks {
    width: usize,
    /// Ranks per point: the width, padded.
    stride: usize,
    values: Vec<i32>,
}

impl Ranks {
    /// The ranks of distinct points, given row after row in the order of their coordinates. In the first coordinate a
    /// point's rank is its own number, also where values are equal: of two points the earlier can dominate the later,
    /// never the reverse.
    ///
    /// # Panics
    /// From 2^31 points on.
    pub(super) fn new(points: &[f64], width: usize) -> Self {
        let count = points.len() / width;
        assert!(i32::try_from(count).is_ok(), "a front in four objectives or more holds fewer than 2^31 points");
        let stride = width.next_multiple_of(GROUP);
        let mut values = vec![0; count * stride];
        values.chunks_exact_mut(stride).zip(0..).for_each(|(ranks, point)| ranks[0] = point);
        let ranked: Vec<Vec<i32>> =
            (1..width).into_par_iter().map(|axis| ranks_of(points[axis..].iter().step_by(width))).collect();
        for (axis, ranks) in (1..).zip(ranked) {
            ranks.into_iter().enumerate().for_each(|(point, rank)| values[point * stride + axis] = rank);
        }
        Self { width, stride, values }
    }

    /// A point's ranks, padded.
    fn of(&self, point: u32) -> &[i32] {
        &self.values[point as usize * self.stride..][..self.stride]
    }

    fn len(&self) -> usize {
        self.values.len() / self.stride
    }
}

/// The ranks of numbers among each other; equal ones share a rank.
fn ranks_of<'a>(numbers: impl Iterator<Item = &'a f64>) -> Vec<i32> {
    let mut keyed: Vec<(u64, u32)> = numbers.map(|number| order_key(*number)).zip(0..).collect();
    keyed.sort_unstable();
    let mut ranks = vec![0; keyed.len()];
    for (rank, equals) in (0..).zip(keyed.chunk_by(|one, other| one.0 == other.0)) {
        for (_, point) in equals {
            ranks[*point as usize] = rank;
        }
    }
    ranks
}

struct Node {
    /// The node after the last one below this.
    next: u32,
    /// The leaf, if it is one.
    leaf: Option<u32>,
}

struct Tree<'a> {
    ranks: &'a Ranks,
    /// The points, leaf after leaf.
    order: Vec<u32>,
    /// In the order of a walk: a node, what is below it at its low side, then at its high side.
    nodes: Vec<Node>,
    corners: Vec<i32>,
    /// Leaf after leaf, coordinate after coordinate.
    lanes: Vec<i32>,
    /// Where each leaf's points start in `order`.
    starts: Vec<usize>,
}

/// Marks each point that another one dominates. The first coordinate is the point's own number, by which it is told
/// from others: of two points the one with the smaller number can dominate the other, never the reverse. A cancelled
/// control makes it return early with marks that mean nothing.
pub(super) fn dominated(ranks: &Ranks, control: &Control) -> Vec<bool> {
    let tree = Tree::new(ranks);
    let leaves: Vec<usize> = (0..tree.starts.len() - 1).collect();
    let found: Vec<Vec<u32>> = leaves
        .par_chunks(LEAVES_PER_TASK)
        .map(|leaves| {
            if control.is_cancelled() {
                return Vec::new();
            }
            let first = tree.starts[leaves[0]];
            let end = tree.starts[leaves[leaves.len() - 1] + 1];
            tree.order[first..end].iter().copied().filter(|&point| tree.dominates(point)).collect()
        })
        .collect();
    let mut marks = vec![false; ranks.len()];
    found.into_iter().flatten().for_each(|point| marks[point as usize] = true);
    marks
}

impl<'a> Tree<'a> {
    fn new(ranks: &'a Ranks) -> Self {
        let mut keyed: Vec<u64> = (0..ranks.len() as u64).collect();
        split(ranks, &mut keyed);
        let order = keyed.into_iter().map(|key| key as u32).collect();
        let mut tree =
            Self { ranks, order, nodes: Vec::new(), corners: Vec::new(), lanes: Vec::new(), starts: vec![0] };
        tree.add(0, ranks.len());
        tree
    }

    /// Adds the node of a range of the order and all below it.
    fn add(&mut self, first: usize, end: usize) {
        let node = self.nodes.len();
        self.nodes.push(Node { next: 0, leaf: None });
        let corner = self.corners.len();
        self.corners.resize(corner + self.ranks.stride, i32::MIN);
        if end - first <= LEAF {
            self.nodes[node].leaf = Some(self.starts.len() as u32 - 1);
            self.starts.push(end);
            let lanes = self.lanes.len();
            self.lanes.resize(lanes + LEAF * self.ranks.width, i32::MAX);
            for (lane, &point) in self.order[first..end].iter().enumerate() {
                for (coordinate, rank) in self.ranks.of(point)[..self.ranks.width].iter().enumerate() {
                    // A point is not below itself.
                    let after = i32::from(coordinate == 0);
                    self.lanes[lanes + coordinate * LEAF + lane] = rank + after;
                }
            }
            for (coordinate, lanes) in self.lanes[lanes..].chunks_exact(LEAF).enumerate() {
                self.corners[corner + coordinate] = lanes.iter().copied().min().unwrap_or(i32::MAX);
            }
        } else {
            let middle = first + half(end - first);
            let low = self.corners.len();
            self.add(first, middle);
            let high = self.corners.len();
            self.add(middle, end);
            for coordinate in 0..self.ranks.width {
                self.corners[corner + coordinate] = self.corners[low + coordinate].min(self.corners[high + coordinate]);
            }
        }
        self.nodes[node].next = self.nodes.len() as u32;
    }

    fn dominates(&self, point: u32) -> bool {
        let ranks = self.ranks.of(point);
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            if !no_larger(&self.corners[at * self.ranks.stride..][..self.ranks.stride], ranks) {
                at = node.next as usize;
                continue;
            }
            if let Some(leaf) = node.leaf {
                let size = LEAF * self.ranks.width;
                if any_no_larger(&self.lanes[leaf as usize * size..][..size], ranks) {
                    return true;
                }
            }
            at += 1;
        }
        false
    }
}

/// Puts the points in an order whose halves, halves of halves and so on lie apart. A number holds a point in its low
/// half; in its high half it holds the rank by which it is compared.
fn split(ranks: &Ranks, keyed: &mut [u64]) {
    if keyed.len() <= LEAF {
        return;
    }
    let spread = |coordinate: &usize| {
        let some = keyed.iter().step_by(keyed.len().div_ceil(SAMPLE));
        let values = some.map(|&key| ranks.of(key as u32)[*coordinate]);
        let (low, high) = values.fold((i32::MAX, i32::MIN), |(low, high), value| (low.min(value), high.max(value)));
        high - low
    };
    let widest = (0..ranks.width).max_by_key(spread).unwrap_or(0);
    for key in &mut *keyed {
        let point = *key as u32;
        *key = (ranks.of(point)[widest] as u64) << 32 | u64::from(point);
    }
    let middle = half(keyed.len());
    keyed.select_nth_unstable(middle);
    let (low, high) = keyed.split_at_mut(middle);
    if high.len() > LEAF * LEAVES_PER_TASK {
        rayon::join(|| split(ranks, low), || split(ranks, high));
    } else {
        split(ranks, low);
        split(ranks, high);
    }
}

/// Where a range is cut: at whole leaves.
fn half(count: usize) -> usize {
    (count.div_ceil(LEAF) / 2) * LEAF
}

/// Whether no number of a padded corner is larger than that of a padded point.
fn no_larger(corner: &[i32], point: &[i32]) -> bool {
    corner.chunks_exact(GROUP).zip(point.chunks_exact(GROUP)).all(|(corner, point)| {
        let mut larger = false;
        for lane in 0..GROUP {
            larger |= corner[lane] > point[lane];
        }
        !larger
    })
}

/// Whether a point of a leaf is no larger than this one in every coordinate.
fn any_no_larger(lanes: &[i32], point: &[i32]) -> bool {
    let mut no_larger = [true; LEAF];
    for (lanes, rank) in lanes.chunks_exact(LEAF).zip(point) {
        for (no_larger, lane) in no_larger.iter_mut().zip(lanes) {
            *no_larger &= lane <= rank;
        }
    }
    no_larger.iter().any(|no_larger| *no_larger)
}
