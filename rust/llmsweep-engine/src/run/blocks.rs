//! Blocks of rows, and how threads share them.
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::Run;
use crate::control::Cancelled;

/// Fewer rows are not worth handing over.
pub(super) const LEAST_ROWS: u64 = 16_384;
/// More rows would let the last thread work alone for too long.
const MOST_ROWS: u64 = 4_194_304;
/// Blocks per thread, so that all end together.
const PER_THREAD: u64 = 32;

/// Rows of a block of work in so many rows: whole cells where they are small.
pub(super) fn block_rows(run: &Run, most: u64) -> u64 {
    let share = run.len() / (PER_THREAD * rayon::current_num_threads() as u64);
    let rows = share.clamp(LEAST_ROWS, MOST_ROWS).min(most.max(1));
    let cell = run.context.plan.cell_rows();
    if cell >= rows { rows } else { rows / cell * cell }
}

/// The block of this number.
pub(super) fn block(run: &Run, rows: u64, number: u64) -> Option<Range<u64>> {
    let start = run.rows.start.checked_add(number.checked_mul(rows)?)?;
    (start < run.rows.end).then(|| start..start.saturating_add(rows).min(run.rows.end))
}

/// Lets each thread work on blocks with a state of its own until none is left, and gives the states back.
pub(super) fn share<S: Send>(
    run: &Run,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, Range<u64>) -> Result<(), Cancelled> + Sync,
) -> Result<Vec<S>, Cancelled> {
    let rows = block_rows(run, MOST_ROWS);
    let next = AtomicU64::new(0);
    (0..rayon::current_num_threads())
        .into_par_iter()
        .with_max_len(1)
        .map(|_| {
            let mut state = state();
            while let Some(block) = block(run, rows, next.fetch_add(1, Ordering::Relaxed)) {
                work(&mut state, block)?;
            }
            Ok(state)
        })
        .collect()
}
