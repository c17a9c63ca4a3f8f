//! One front per group.
use std::collections::{BTreeMap, HashMap};

use super::Ties;
use super::archive::{Archive, Ids};
use crate::control::Control;

/// Independent archives by the number of a group (a mixed-radix number where several columns make the group).
#[derive(Clone, Debug)]
pub struct GroupedArchive {
    dimensions: usize,
    ties: Ties,
    groups: HashMap<u64, Archive>,
}

/// Runs of a group at least this long are pushed in place; shorter ones are gathered by group first.
const LONG_RUN: usize = 64;

static NEVER: Control = Control::new();

impl GroupedArchive {
    /// No groups yet; each will hold points of so many objectives.
    ///
    /// # Panics
    /// If `dimensions` is 0.
    #[must_use]
    pub fn new(dimensions: usize, ties: Ties) -> Self {
        assert!(dimensions > 0, "a Pareto front needs at least one objective");
        Self { dimensions, ties, groups: HashMap::new() }
    }

    /// Offers one point to its group.
    ///
    /// # Panics
    /// If the point's length is not the archive's number of dimensions.
    pub fn push(&mut self, group: u64, point: &[f64], id: u64) {
        self.group(group).push(point, id);
    }

    /// Offers many points, given as columns and a group per row; a row whose `valid` is false is left out.
    ///
    /// # Panics
    /// If there are not as many columns as dimensions, or the columns, groups, ids and mask are not equally long.
    pub fn push_block(&mut self, groups: &[u64], columns: &[&[f64]], ids: Ids, valid: Option<&[bool]>) {
        self.push_block_until(groups, columns, ids, valid, &NEVER);
    }

    pub(super) fn push_block_until(
        &mut self,
        groups: &[u64],
        columns: &[&[f64]],
        ids: Ids,
        valid: Option<&[bool]>,
        control: &Control,
    ) {
        assert!(columns.iter().all(|column| column.len() == groups.len()), "a block's columns are equally long");
        let mut scattered: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut start = 0;
        for run in groups.chunk_by(|one, other| one == other) {
            let rows = start..start + run.len();
            start = rows.end;
            if run.len() < LONG_RUN {
                scattered.entry(run[0]).or_default().extend(rows);
                continue;
            }
            let slices: Vec<&[f64]> = columns.iter().map(|column| &column[rows.clone()]).collect();
            let ids = match ids {
                Ids::From(first) => Ids::From(first + rows.start as u64),
                Ids::Each(ids) => Ids::Each(&ids[rows.clone()]),
            };
            self.group(run[0]).push_block_until(&slices, ids, valid.map(|valid| &valid[rows]), control);
        }
        for (group, mut rows) in scattered {
            if let Some(valid) = valid {
                rows.retain(|row| valid[*row]);
            }
            let gathered: Vec<Vec<f64>> =
                columns.iter().map(|column| rows.iter().map(|row| column[*row]).collect()).collect();
            let slices: Vec<&[f64]> = gathered.iter().map(Vec::as_slice).collect();
            let ids: Vec<u64> = rows.iter().map(|row| ids.at(*row)).collect();
            self.group(group).push_block_until(&slices, Ids::Each(&ids), None, control);
        }
    }

    /// Takes all points of another archive in, group by group.
    ///
    /// # Panics
    /// If the archives differ in dimensions.
    pub fn merge(&mut self, other: Self) {
        self.merge_until(other, &NEVER);
    }

    pub(super) fn merge_until(&mut self, mut other: Self, control: &Control) {
        if self.groups.len() < other.groups.len() {
            std::mem::swap(&mut self.groups, &mut other.groups);
        }
        for (group, archive) in other.groups {
            self.group(group).merge_until(archive, control);
        }
    }

    /// Whether a point pushed to this group so far dominates this one.
    pub fn dominates(&self, group: u64, point: &[f64]) -> bool {
        self.groups.get(&group).is_some_and(|archive| archive.dominates(point))
    }

    /// Points on the fronts of all groups, but for those that wait to be compared.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.groups.values().map(Archive::settled).sum()
    }

    /// The ids on the fronts of all groups together, ascending.
    #[must_use]
    pub fn members(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.groups.values().flat_map(Archive::members).collect();
        ids.sort_unstable();
        ids
    }

    /// [`Self::members`] without a copy of the archives.
    #[must_use]
    pub fn into_members(self) -> Vec<u64> {
        self.into_members_until(&NEVER)
    }

    pub(super) fn into_members_until(self, control: &Control) -> Vec<u64> {
        let archives = self.groups.into_values();
        let mut ids: Vec<u64> = archives.flat_map(|archive| archive.into_members_until(control)).collect();
        ids.sort_unstable();
        ids
    }

    /// The ids on each group's front, ascending, by group.
    #[must_use]
    pub fn members_by_group(&self) -> BTreeMap<u64, Vec<u64>> {
        self.groups.iter().map(|(group, archive)| (*group, archive.members())).collect()
    }

    fn group(&mut self, group: u64) -> &mut Archive {
        self.groups.entry(group).or_insert_with(|| Archive::new(self.dimensions, self.ties))
    }
}
