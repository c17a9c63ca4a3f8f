//! The front of a plane as steps that go down: what makes sweeps over three coordinates fast.
use std::collections::BTreeMap;

use super::points::order_key;

/// Mutually undominated points (y, z), ordered by rising y and so by falling z.
#[derive(Debug, Default)]
pub(super) struct Staircase {
    steps: BTreeMap<u64, f64>,
}

impl Staircase {
    /// Whether some step is no larger than (y, z) in both coordinates.
    pub(super) fn covers(&self, y: f64, z: f64) -> bool {
        self.steps.range(..=order_key(y)).next_back().is_some_and(|(_, lowest)| *lowest <= z)
    }

    /// Adds a step; it must not be covered already.
    pub(super) fn insert(&mut self, y: f64, z: f64) {
        let key = order_key(y);
        while let Some((&covered, _)) = self.steps.range(key..).next().filter(|(_, height)| **height >= z) {
            self.steps.remove(&covered);
        }
        self.steps.insert(key, z);
    }
}
