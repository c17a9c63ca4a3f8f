//! Values of one column as Arrow stores them.
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, UInt16Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use multiversion::multiversion;

use super::Supply;
use crate::columns::Kind;

/// Values as they are stored; NaN is null.
pub(super) struct Column {
    stored: Stored,
    /// Which values there are, once one is missing.
    valid: Option<Bits>,
    rows: usize,
}

enum Stored {
    Numbers(Vec<f64>),
    Counts(Vec<u64>),
    Labels(Vec<u16>),
    Flags(Bits),
}

impl Column {
    pub(super) fn new(kind: Kind, capacity: usize, supply: &Supply) -> Self {
        let stored = match kind {
            Kind::Number => Stored::Numbers(supply.take(capacity)),
            Kind::Count => Stored::Counts(supply.take(capacity)),
            Kind::Label => Stored::Labels(Vec::with_capacity(capacity)),
            Kind::Bool => Stored::Flags(Bits::default()),
        };
        Self { stored, valid: None, rows: 0 }
    }

    /// Appends what `fill` appends to the numbers that it is given: those of the column where they are stored as they are, `spare` otherwise.
    pub(super) fn extend(&mut self, spare: &mut Vec<f64>, fill: impl FnOnce(&mut Vec<f64>)) {
        let Self { stored, valid, rows } = self;
        let numbers = if let Stored::Numbers(column) = stored {
            fill(column);
            &column[*rows..]
        } else {
            spare.clear();
            fill(spare);
            spare.as_slice()
        };
        for some in numbers.chunks(WORD) {
            let present = present(some);
            if valid.is_some() || present != first_bits(some.len()) {
                valid.get_or_insert_with(|| Bits::set(*rows)).0.push(present);
            }
            *rows += some.len();
        }
        match stored {
            Stored::Numbers(_) => {}
            Stored::Counts(column) => whole(spare, column),
            Stored::Labels(column) => column.extend(spare.iter().map(|number| *number as u16)),
            Stored::Flags(column) => column.0.extend(spare.chunks(WORD).map(above_zero)),
        }
    }

    pub(super) fn finish(self, supply: &Supply) -> ArrayRef {
        let rows = self.rows;
        let nulls = self.valid.map(|valid| NullBuffer::new(valid.finish(rows)));
        match self.stored {
            Stored::Numbers(column) => Arc::new(Float64Array::new(supply.lend(column), nulls)),
            Stored::Counts(column) => Arc::new(UInt64Array::new(supply.lend(column), nulls)),
            Stored::Labels(column) => Arc::new(UInt16Array::new(column.into(), nulls)),
            Stored::Flags(column) => Arc::new(BooleanArray::new(column.finish(rows), nulls)),
        }
    }
}

/// One bit a row, written a word at a time: rows come in blocks of whole words, but for the last.
#[derive(Default)]
struct Bits(Vec<u64>);

/// Rows of a word.
pub(super) const WORD: usize = u64::BITS as usize;

impl Bits {
    fn set(rows: usize) -> Self {
        Self(vec![u64::MAX; rows / WORD])
    }

    fn finish(self, rows: usize) -> BooleanBuffer {
        BooleanBuffer::new(self.0.into(), 0, rows)
    }
}

/// The word of which so many bits are set.
fn first_bits(bits: usize) -> u64 {
    u64::MAX.checked_shr((WORD - bits) as u32).unwrap_or(0)
}

/// Which of some numbers there are.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn present(numbers: &[f64]) -> u64 {
    word(numbers, |number| !number.is_nan())
}

/// Which of some numbers say yes.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn above_zero(numbers: &[f64]) -> u64 {
    word(numbers, |number| number > 0.0)
}

/// A bit for each of at most [`WORD`] numbers. A product brings the lowest bits of eight bytes together in its highest byte.
#[allow(clippy::inline_always, reason = "it is compiled for the processor of its caller")]
#[inline(always)]
fn word(numbers: &[f64], test: impl Fn(f64) -> bool) -> u64 {
    const TOGETHER: u64 = 0x0102_0408_1020_4080;
    let mut flags = [0_u8; WORD];
    for (flag, number) in flags.iter_mut().zip(numbers) {
        *flag = u8::from(test(*number));
    }
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        word << 8 | (u64::from_le_bytes(*eight).wrapping_mul(TOGETHER) >> (u64::BITS - u8::BITS))
    })
}

/// `2⁵²`: added to a smaller whole number it leaves that in the lowest bits.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// Appends whole numbers below `2⁵²`; zero for one that is not there.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2"))]
fn whole(numbers: &[f64], column: &mut Vec<u64>) {
    column.extend(numbers.iter().map(|number| {
        let number = if number.is_nan() { 0.0 } else { *number };
        (number + WHOLE).to_bits() - WHOLE.to_bits()
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{AXES, Domain};

    #[test]
    fn a_bit_for_each_number() {
        for rows in [0, 1, 7, 8, 63, 64] {
            for missing in 0..rows {
                let numbers: Vec<f64> = (0..rows).map(|row| if row == missing { f64::NAN } else { 1.0 }).collect();
                assert_eq!(present(&numbers), first_bits(rows) & !(1 << missing));
                assert_eq!(above_zero(&numbers), present(&numbers));
            }
            assert_eq!(present(&vec![0.0; rows]), first_bits(rows));
            assert_eq!(above_zero(&vec![0.0; rows]), 0);
        }
    }

    #[test]
    fn whole_numbers_keep_their_digits() {
        let mut column = Vec::new();
        whole(&[0.0, 1.0, 1e15 + 1.0, WHOLE - 1.0, f64::NAN], &mut column);
        assert_eq!(column, [0, 1, 1_000_000_000_000_001, (1 << 52) - 1, 0]);
    }

    #[test]
    fn no_axis_has_larger_whole_numbers() {
        for axis in AXES {
            if let Domain::Integer { max, .. } = axis.domain {
                assert!(max < 1 << 52, "{}", axis.name);
            }
        }
    }
}
