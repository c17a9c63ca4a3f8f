//! What an evaluator keeps between rows.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::parallel::pipeline::{Cut, StageClass, stages};
use llmsweep_model::reject::Reject;

/// Entries of a [`Memo`]: more than a cell usually has of batch sizes times prompts.
const SLOTS: usize = 256;

/// Values by the two numbers that they depend on. Each pair has one slot, which it may have to leave to another pair.
pub(super) struct Memo<T> {
    slots: Vec<Option<Entry<T>>>,
    /// Entries of an earlier generation are void, so that forgetting all of them takes no time.
    generation: u64,
}

struct Entry<T> {
    key: (f64, f64),
    generation: u64,
    value: T,
}

impl<T: Copy> Memo<T> {
    pub(super) fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| None).collect(), generation: 0 }
    }

    pub(super) fn forget(&mut self) {
        self.generation += 1;
    }

    pub(super) fn get(&mut self, key: (f64, f64), compute: impl FnOnce() -> T) -> T {
        let slot = &mut self.slots[slot(key)];
        match slot {
            Some(entry) if entry.generation == self.generation && entry.key == key => entry.value,
            _ => {
                let value = compute();
                *slot = Some(Entry { key, generation: self.generation, value });
                value
            }
        }
    }
}

/// Fibonacci hashing: the upper bits of a product with 2⁶⁴/φ.
fn slot((one, other): (f64, f64)) -> usize {
    let word = one.to_bits() ^ other.to_bits().rotate_left(32);
    (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.ilog2())) as usize
}

/// Pipeline stages of one model by its cut. Rows change them seldom: the last one asked for is found without a search.
#[derive(Default)]
pub(super) struct StageMemo {
    known: Vec<KnownStages>,
    last: usize,
}

/// A cut, and the layers of each stage.
type KnownStages = (Cut, Result<Vec<StageClass>, Reject>);

impl StageMemo {
    /// Forgets the model.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// The stages, or why the model can't be cut so.
    pub(super) fn get(&mut self, shape: &ModelShape, cut: Cut) -> Result<&[StageClass], Reject> {
        if self.known.get(self.last).is_none_or(|(known, _)| *known != cut) {
            self.last = self.known.iter().position(|(known, _)| *known == cut).unwrap_or_else(|| {
                self.known.push((cut, stages(shape, &cut)));
                self.known.len() - 1
            });
        }
        self.known[self.last].1.as_deref().map_err(|reject| *reject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_share_a_slot_do_not_mix() {
        let mut memo = Memo::new();
        for _ in 0..3 {
            for one in 0..100 {
                for other in 0..20 {
                    let key = (f64::from(one), f64::from(other));
                    assert_eq!(memo.get(key, || (one, other)), (one, other));
                }
            }
        }
        memo.forget();
        assert_eq!(memo.get((1.0, 1.0), || (7, 7)), (7, 7));
    }
}
