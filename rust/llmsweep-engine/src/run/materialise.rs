//! Rows with their columns, block by block.
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::collect::{Collector, Passing};
use super::stats::Stats;
use super::walk::{Itinerary, Walker};
use super::{Keep, Output, Run, Verdict, blocks};
use crate::batch::{BatchBuilder, Supply, schema};
use crate::control::{Cancelled, Control};
use crate::values::Value;

/// Bytes of a batch of a stream: some fit in memory beside each other, and each is worth handing over.
const BATCH_BYTES: u64 = 16 << 20;
/// Bytes of a chunk of a table: every chunk costs its reader some microseconds a column.
const CHUNK_BYTES: u64 = 64 << 20;
/// Rows of a batch at most, where columns are few.
const BATCH_ROWS: u64 = 262_144;
/// Batches that one thread makes while others make theirs.
const BATCHES_PER_THREAD: usize = 2;

impl Run<'_> {
    /// All rows asked for, in memory.
    pub(super) fn materialise(&self, keep: Keep, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let mut batches = Vec::new();
        let rows = blocks::block_rows(self, (CHUNK_BYTES / width(self, values)).clamp(blocks::LEAST_ROWS, BATCH_ROWS));
        let supply = Supply::default();
        let stats = self.in_waves(keep, values, (rows, usize::MAX), (None, &supply), control, &mut |batch| {
            batches.push(batch);
            Ok(())
        })?;
        Ok(Output { schema: schema(values), batches, stats })
    }

    /// Hands rows over in batches, in the order of their numbers, and keeps none: what is in memory at any time does not grow with the plan.
    ///
    /// The `pool` makes batches, but whoever calls hands them over: a reader may need the pool in between.
    pub fn stream(
        &self,
        keep: Keep,
        values: &[Value],
        pool: &ThreadPool,
        control: &Control,
        hand_over: &mut dyn FnMut(RecordBatch) -> Result<(), Cancelled>,
    ) -> Result<Stats, Cancelled> {
        control.expect(self.len());
        let rows = pool.install(|| blocks::block_rows(self, (BATCH_BYTES / width(self, values)).min(BATCH_ROWS)));
        let wave = BATCHES_PER_THREAD * pool.current_num_threads();
        self.in_waves(keep, values, (rows, wave), (Some(pool), &Supply::of_stream()), control, hand_over)
    }

    /// Some blocks at a time, side by side.
    fn in_waves(
        &self,
        keep: Keep,
        values: &[Value],
        (rows, wave): (u64, usize),
        (pool, supply): (Option<&ThreadPool>, &Supply),
        control: &Control,
        hand_over: &mut dyn FnMut(RecordBatch) -> Result<(), Cancelled>,
    ) -> Result<Stats, Cancelled> {
        let itinerary = if keep == Keep::All { Itinerary::of_all(self) } else { Itinerary::of_feasible(self) };
        let schema = schema(values);
        let mut stats = self.stats();
        let blocks = self.len().div_ceil(rows);
        let mut first = 0;
        while first < blocks {
            let end = first.saturating_add(wave as u64).min(blocks);
            let make = || self.wave(keep, values, (first..end, rows), (&itinerary, &schema, supply), control);
            let made = pool.map_or_else(make, |pool| pool.install(make))?;
            first = end;
            for (batch, part) in made {
                stats = stats.add(&part);
                if batch.num_rows() > 0 {
                    hand_over(batch)?;
                }
            }
        }
        Ok(stats)
    }

    /// Blocks side by side, in the order of their numbers, each with its counts.
    fn wave(
        &self,
        keep: Keep,
        values: &[Value],
        (numbers, rows): (Range<u64>, u64),
        (itinerary, schema, supply): (&Itinerary, &SchemaRef, &Supply),
        control: &Control,
    ) -> Result<Vec<(RecordBatch, Stats)>, Cancelled> {
        let batch = |walker: &mut Walker, number| {
            let block = blocks::block(self, rows, number).unwrap_or_default();
            let builder = BatchBuilder::with(supply.clone(), self.context, values, capacity(keep, &block));
            let mut kept = Kept { keep, builder };
            walker.walk(block, &mut kept, control)?;
            let part = std::mem::replace(&mut walker.stats, self.stats());
            Ok((kept.builder.finish(schema), part))
        };
        numbers.into_par_iter().map_init(|| Walker::new(self, itinerary), batch).collect()
    }
}

/// Bytes of a row at most: a column of one value is there once for all rows.
fn width(run: &Run, values: &[Value]) -> u64 {
    let varying = values.iter().filter(|value| value.constant(run.context).is_none()).count();
    8 * varying.max(1) as u64
}

/// Rows that a block will keep for certain.
fn capacity(keep: Keep, block: &Range<u64>) -> usize {
    if keep == Keep::All { (block.end - block.start) as usize } else { 0 }
}

/// Rows that are kept with their columns.
struct Kept<'v> {
    keep: Keep,
    builder: BatchBuilder<'v>,
}

impl Collector for Kept<'_> {
    fn offer(&mut self, _run: &Run, (row, point, outcome): Passing, verdict: Verdict, _stats: &mut Stats) {
        if verdict.wanted && (verdict.feasible || self.keep == Keep::All) {
            self.builder.push(row, point, outcome);
        }
    }
}
