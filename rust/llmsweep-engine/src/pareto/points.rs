//! Points with their ids, row after row in one buffer.

/// A list of points of one width. The rows lie one after another because the batch algorithm jumps between points and
/// reads all coordinates of each; what is read in lanes is copied to columns by the screen.
#[derive(Clone, Debug)]
pub(super) struct Points {
    width: usize,
    values: Vec<f64>,
    ids: Vec<u64>,
}

impl Points {
    pub(super) fn new(width: usize) -> Self {
        Self { width, values: Vec::new(), ids: Vec::new() }
    }

    pub(super) fn with_capacity(width: usize, rows: usize) -> Self {
        Self { width, values: Vec::with_capacity(width * rows), ids: Vec::with_capacity(rows) }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    pub(super) fn ids(&self) -> &[u64] {
        &self.ids
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&[f64], u64)> {
        self.values.chunks_exact(self.width).zip(self.ids.iter().copied())
    }

    pub(super) fn push(&mut self, row: impl Iterator<Item = f64>, id: u64) {
        // Adding 0 turns -0 into +0, so that the order of bits is the order of numbers everywhere below.
        self.values.extend(row.map(|value| value + 0.0));
        self.ids.push(id);
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.values.append(&mut other.values);
        self.ids.append(&mut other.ids);
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.ids.clear();
    }
}

/// Whether `one` is no larger than `other` in every coordinate and smaller in at least one.
pub(super) fn dominates(one: &[f64], other: &[f64]) -> bool {
    let mut smaller = false;
    for (a, b) in one.iter().zip(other) {
        if a > b {
            return false;
        }
        smaller |= a < b;
    }
    smaller
}

/// A number whose unsigned order is the order of the floats (none of them NaN or -0).
pub(super) fn order_key(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}
