//! What the batches of one run have in common: columns of one value, and memory that comes back once a batch is read.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer, ToByteSlice};
use bytes::Bytes;

/// Memory and columns that batches share. A system takes back what a program frees and hands out pages of zeros anew: that takes as long as
/// to fill them.
#[derive(Clone, Default)]
pub struct Supply {
    /// By the position of their column, as long as the longest batch so far.
    constants: Arc<Mutex<HashMap<usize, ArrayRef>>>,
    pool: Option<Arc<Pool>>,
}

/// Memory that is not in use.
#[derive(Default)]
pub(super) struct Pool {
    numbers: Mutex<Vec<Vec<f64>>>,
    counts: Mutex<Vec<Vec<u64>>>,
}

/// What there is memory for.
pub(super) trait Pooled: ArrowNativeType {
    fn free(pool: &Pool) -> &Mutex<Vec<Vec<Self>>>;
}

impl Pooled for f64 {
    fn free(pool: &Pool) -> &Mutex<Vec<Vec<Self>>> {
        &pool.numbers
    }
}

impl Pooled for u64 {
    fn free(pool: &Pool) -> &Mutex<Vec<Vec<Self>>> {
        &pool.counts
    }
}

impl Supply {
    /// For batches that are read and let go one after the other: their memory goes round as long as the supply lives.
    #[must_use]
    pub fn of_stream() -> Self {
        Self { pool: Some(Arc::default()), ..Self::default() }
    }

    /// Empty memory, for so many values where it is new.
    pub(super) fn take<T: Pooled>(&self, capacity: usize) -> Vec<T> {
        let used = self.pool.as_ref().and_then(|pool| locked(T::free(pool)).pop());
        used.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// Values as Arrow has them.
    pub(super) fn lend<T: Pooled>(&self, values: Vec<T>) -> ScalarBuffer<T> {
        let Some(pool) = &self.pool else { return values.into() };
        let length = values.len();
        let lent = Lent { values, pool: Arc::downgrade(pool) };
        ScalarBuffer::new(Buffer::from(Bytes::from_owner(lent)), 0, length)
    }

    /// A column that has the same value in every row.
    pub(super) fn constant(&self, position: usize, rows: usize, make: impl FnOnce() -> ArrayRef) -> ArrayRef {
        let mut constants = locked(&self.constants);
        match constants.get(&position) {
            Some(array) if array.len() >= rows => array.slice(0, rows),
            _ => {
                let array = make();
                constants.insert(position, Arc::clone(&array));
                array
            }
        }
    }
}

/// Values that somebody reads, whose memory goes back where it came from, if that is still there.
struct Lent<T: Pooled> {
    values: Vec<T>,
    pool: Weak<Pool>,
}

impl<T: Pooled> AsRef<[u8]> for Lent<T> {
    fn as_ref(&self) -> &[u8] {
        self.values.as_slice().to_byte_slice()
    }
}

impl<T: Pooled> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            self.values.clear();
            locked(T::free(&pool)).push(std::mem::take(&mut self.values));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Float64Array;

    #[test]
    fn memory_goes_round_and_ends_with_its_supply() {
        let supply = Supply::of_stream();
        let mut values = supply.take::<f64>(100);
        values.extend([1.0, 2.0]);
        let place = values.as_ptr();
        let lent = supply.lend(values);
        assert_eq!(lent.as_ref(), [1.0, 2.0]);
        let copy = lent.clone();
        drop(lent);
        assert_eq!(copy.as_ref(), [1.0, 2.0]);
        let other = supply.take::<f64>(100);
        assert_ne!(other.as_ptr(), place);
        drop(copy);
        let again = supply.take::<f64>(100);
        assert!(again.is_empty() && again.capacity() >= 100 && again.as_ptr() == place);
        let late = supply.lend(again);
        drop(supply);
        drop(late);
    }

    #[test]
    fn columns_of_one_value_are_parts_of_the_longest() {
        let supply = Supply::default();
        let make = |rows| move || Arc::new(Float64Array::new(vec![7.0; rows].into(), None)) as ArrayRef;
        let lengths = [3, 5, 2].map(|rows| supply.constant(0, rows, make(rows)).len());
        assert_eq!(lengths, [3, 5, 2]);
        assert_eq!(locked(&supply.constants)[&0].len(), 5);
    }
}
