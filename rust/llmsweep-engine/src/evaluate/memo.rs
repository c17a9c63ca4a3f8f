//! What an evaluator keeps between rows.
use std::collections::HashMap;
use std::hash::Hash;

use llmsweep_model::arch::ModelShape;
use llmsweep_model::parallel::pipeline::{Cut, StageClass, stages};
use llmsweep_model::reject::Reject;

/// Entries of a [`Memo`]: more than a cell usually has of batch sizes times prompts.
const SLOTS: usize = 256;

type Key = (f64, f64, f64);

/// Values by the three numbers that they depend on. Each key has one slot, which it may have to leave to another key.
pub(super) struct Memo<T> {
    slots: Vec<Option<Entry<T>>>,
    /// Entries of an earlier generation are void, so that forgetting all of them takes no time.
    generation: u64,
}

struct Entry<T> {
    key: Key,
    generation: u64,
    value: T,
}

impl<T> Memo<T> {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| None).collect(), generation: 0 }
    }

    pub(super) fn forget(&mut self) {
        self.generation += 1;
    }

    #[inline]
    pub(super) fn get(&mut self, key: Key, compute: impl FnOnce() -> T) -> &T {
        let generation = self.generation;
        let slot = &mut self.slots[slot(key)];
        if slot.as_ref().is_some_and(|entry| entry.generation != generation || entry.key != key) {
            *slot = None;
        }
        &slot.get_or_insert_with(|| Entry { key, generation, value: compute() }).value
    }
}

/// Fibonacci hashing: the upper bits of a product with 2⁶⁴/φ.
fn slot((one, other, third): Key) -> usize {
    let word = one.to_bits() ^ other.to_bits().rotate_left(32) ^ third.to_bits().rotate_left(21);
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2())) as usize
}

/// Entries of a [`KeyMemo`]: some of them fill a core's cache.
const MOST_KEYS: usize = 256;

/// Values by a key that rows change seldom: the last one asked for is found without a search.
pub(super) struct KeyMemo<K, V> {
    positions: HashMap<K, usize>,
    values: Vec<V>,
    last: Option<(K, usize)>,
}

impl<K: Copy + Eq + Hash, V> KeyMemo<K, V> {
    pub(super) fn new() -> Self {
        Self { positions: HashMap::new(), values: Vec::new(), last: None }
    }

    pub(super) fn forget(&mut self) {
        self.positions.clear();
        self.values.clear();
        self.last = None;
    }

    #[inline]
    pub(super) fn get(&mut self, key: K, compute: impl FnOnce() -> V) -> &V {
        self.get_mut(key, compute)
    }

    /// The same to change: a value may keep memos of its own.
    #[inline]
    pub(super) fn get_mut(&mut self, key: K, compute: impl FnOnce() -> V) -> &mut V {
        let position = match self.last {
            Some((last, position)) if last == key => position,
            _ => self.find(key, compute),
        };
        &mut self.values[position]
    }

    fn find(&mut self, key: K, compute: impl FnOnce() -> V) -> usize {
        let position = self.positions.get(&key).copied().unwrap_or_else(|| {
            if self.values.len() == MOST_KEYS {
                self.forget();
            }
            self.values.push(compute());
            self.positions.insert(key, self.values.len() - 1);
            self.values.len() - 1
        });
        self.last = Some((key, position));
        position
    }
}

/// Pipeline stages of one model by its cut, or why the model can't be cut so.
pub(super) type StageMemo = KeyMemo<Cut, Result<Vec<StageClass>, Reject>>;

/// The stages of a cut, or why the model can't be cut so.
pub(super) fn stages_of<'a>(memo: &'a mut StageMemo, shape: &ModelShape, cut: Cut) -> Result<&'a [StageClass], Reject> {
    memo.get(cut, || stages(shape, &cut)).as_deref().map_err(|reject| *reject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_share_a_slot_do_not_mix() {
        let mut memo = Memo::new();
        for _ in 0..3 {
            for one in 0..100 {
                for other in 0..20 {
                    let key = (f64::from(one), f64::from(other), f64::from(one + other));
                    assert_eq!(*memo.get(key, || (one, other)), (one, other));
                }
            }
        }
        memo.forget();
        assert_eq!(*memo.get((1.0, 1.0, 2.0), || (7, 7)), (7, 7));
    }

    #[test]
    fn keys_keep_their_values_beyond_the_room_for_them() {
        let mut memo = KeyMemo::new();
        let mut computed = 0;
        let mut ask = |key: usize| {
            *memo.get(key, || {
                computed += 1;
                key
            })
        };
        for key in (0..MOST_KEYS).chain([MOST_KEYS - 1, 0]).chain(0..=MOST_KEYS).chain([MOST_KEYS, 3]) {
            assert_eq!(ask(key), key);
        }
        // Each key once; then the one too many, and the first that left for it.
        assert_eq!(computed, MOST_KEYS + 2);
        memo.forget();
        assert_eq!(*memo.get(3, || 4), 4);
    }
}
