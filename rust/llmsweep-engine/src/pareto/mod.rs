//! Exact Pareto fronts of any number of objectives, all of them minimised (maximise by negation).
//!
//! A point dominates another if it is no larger in every objective and smaller in at least one; the front is what no
//! point dominates. A point with a NaN never enters; infinities are ordinary, very bad or very good, values.
//!
//! The pieces: [`Archive`] keeps the front of a growing set, [`GroupedArchive`] one front per group, [`front_of`] reads
//! a whole table with all threads, [`thinned`] leaves out what is hardly better than the rest. Merging archives is associative and commutative, so blocks, threads, shards and
//! machines all give the same front, whatever their order.
mod archive;
mod batch;
mod grouped;
mod lattice;
mod points;
mod screen;
mod staircase;
mod table;
#[cfg(test)]
mod tests;
mod thin;
mod tree;

pub use archive::{Archive, Ids};
pub use grouped::GroupedArchive;
pub use table::front_of;
pub use thin::thinned;

/// What happens to points that are equal in every objective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// All of them are kept: none dominates another.
    #[default]
    All,
    /// Only the one with the lowest id is kept.
    First,
}
