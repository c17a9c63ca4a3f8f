//! The front of a whole table, with all threads.
use rayon::prelude::*;

use super::Ties;
use super::archive::{Archive, Ids};
use super::grouped::GroupedArchive;
use crate::control::{Cancelled, Control};

/// Rows that one task takes at a time: large against the cost of a task, small against the time to notice Ctrl-C.
const CHUNK: usize = 1 << 16;

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
    let width = columns.len();
    let rows = columns.first().expect("a Pareto front needs at least one objective").len();
    assert!(columns.iter().all(|column| column.len() == rows), "a table's columns are equally long");
    assert!(groups.is_none_or(|groups| groups.len() == rows), "a table has a group for every row");
    control.expect(rows as u64);
    let chunks = || {
        (0..rows.div_ceil(CHUNK)).into_par_iter().map(|chunk| {
            let range = chunk * CHUNK..rows.min((chunk + 1) * CHUNK);
            let slices: Vec<&[f64]> = columns.iter().map(|column| &column[range.clone()]).collect();
            (range, slices)
        })
    };
    let ids = match groups {
        None => {
            let empty = || Archive::new(width, ties);
            let fold = chunks().fold(empty, |mut archive, (range, slices)| {
                if !control.is_cancelled() {
                    archive.push_block_until(&slices, Ids::From(range.start as u64), None, control);
                    control.advance(range.len() as u64);
                }
                archive
            });
            let merge = |mut one: Archive, other| {
                one.merge_until(other, control);
                one
            };
            fold.reduce(empty, merge).into_members_until(control)
        }
        Some(groups) => {
            let empty = || GroupedArchive::new(width, ties);
            let fold = chunks().fold(empty, |mut archive, (range, slices)| {
                if !control.is_cancelled() {
                    let ids = Ids::From(range.start as u64);
                    archive.push_block_until(&groups[range.clone()], &slices, ids, None, control);
                    control.advance(range.len() as u64);
                }
                archive
            });
            let merge = |mut one: GroupedArchive, other| {
                one.merge_until(other, control);
                one
            };
            fold.reduce(empty, merge).into_members_until(control)
        }
    };
    control.check()?;
    Ok(ids)
}
