//! The front of a whole table, with all threads.
use std::ops::Range;

use rayon::prelude::*;

use super::Ties;
use super::archive::{Archive, Ids};
use super::grouped::GroupedArchive;
use super::points::Points;
use crate::control::{Cancelled, Control};

/// Rows that one task takes at a time: large against the cost of a task, small against the time to notice Ctrl-C.
const CHUNK: usize = 1 << 16;
/// Rows that make the first screen, by one thread.
const FIRST: usize = 1 << 13;

/// The numbers of the rows on the front, ascending: of the whole table, or of each group of rows with equal `groups`.
///
/// Runs on the current rayon pool; the answer does not depend on the number of threads. `control` counts rows.
///
/// # Errors
/// [`Cancelled`] if `control` was cancelled before the end.
///
/// # Panics
/// If there are no columns, or columns and groups are not equally long.
///
/// ```
/// use llmsweep_engine::control::Control;
/// use llmsweep_engine::pareto::{Ties, front_of};
/// let (cost, time) = ([1.0, 2.0, 3.0, 3.0], [9.0, 4.0, 4.0, 1.0]);
/// assert_eq!(front_of(&[&cost, &time], None, Ties::All, &Control::new()), Ok(vec![0, 1, 3]));
/// ```
pub fn front_of(
    columns: &[&[f64]],
    groups: Option<&[u64]>,
    ties: Ties,
    control: &Control,
) -> Result<Vec<u64>, Cancelled> {
    let rows = columns.first().expect("a Pareto front needs at least one objective").len();
    assert!(columns.iter().all(|column| column.len() == rows), "a table's columns are equally long");
    assert!(groups.is_none_or(|groups| groups.len() == rows), "a table has a group for every row");
    control.expect(rows as u64);
    let ids = match groups {
        None => ungrouped(columns, ties, control),
        Some(groups) => grouped(columns, groups, ties, control),
    };
    control.check()?;
    Ok(ids)
}

/// One archive takes the table in waves: its screen stands still while all threads hold the rows of a wave against it.
fn ungrouped(columns: &[&[f64]], ties: Ties, control: &Control) -> Vec<u64> {
    let rows = columns[0].len();
    let wave_from = |start: usize| start..rows.min(start + CHUNK * rayon::current_num_threads());
    let mut archive = Archive::new(columns.len(), ties);
    let first = 0..rows.min(FIRST);
    archive.push_block_until(&cut(columns, &first), Ids::From(0), None, control);
    let mut wave = wave_from(first.end);
    while !wave.is_empty() && !control.is_cancelled() {
        let chunks: Vec<Range<usize>> =
            wave.clone().step_by(CHUNK).map(|start| start..wave.end.min(start + CHUNK)).collect();
        let passed: Vec<Points> = chunks
            .into_par_iter()
            .map(|chunk| archive.screened(&cut(columns, &chunk), Ids::From(chunk.start as u64), None))
            .collect();
        archive.take(passed, &cut(columns, &wave), control);
        control.advance(wave.len() as u64);
        wave = wave_from(wave.end);
    }
    archive.into_members_until(control)
}

/// Every thread has archives of its own, which are merged.
fn grouped(columns: &[&[f64]], groups: &[u64], ties: Ties, control: &Control) -> Vec<u64> {
    let rows = groups.len();
    let empty = || GroupedArchive::new(columns.len(), ties);
    let push = |mut archive: GroupedArchive, start: usize| {
        if !control.is_cancelled() {
            let chunk = start..rows.min(start + CHUNK);
            let ids = Ids::From(start as u64);
            archive.push_block_until(&groups[chunk.clone()], &cut(columns, &chunk), ids, None, control);
            control.advance(chunk.len() as u64);
        }
        archive
    };
    let merge = |mut one: GroupedArchive, other| {
        one.merge_until(other, control);
        one
    };
    let starts = (0..rows).into_par_iter().step_by(CHUNK);
    starts.fold(empty, push).reduce(empty, merge).into_members_until(control)
}

fn cut<'a>(columns: &[&'a [f64]], rows: &Range<usize>) -> Vec<&'a [f64]> {
    columns.iter().map(|column| &column[rows.clone()]).collect()
}
