//! The registry of result columns. Every axis is a column too, under its own name.
mod economics;
mod layout;
mod serving;
mod training;

use crate::axes::Phase;
use crate::joined::{joined, joined_length};

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit float; null where the quantity does not exist.
    Number,
    /// A whole number (64-bit unsigned); null where the quantity does not exist.
    Count,
    /// True or false.
    Bool,
    /// A code into a list of names that the registry or the sweep gives (see `labels`); null where there is none.
    Label,
}

/// One column of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// Phases that have it.
    pub phases: &'static [Phase],
    /// Storage.
    pub kind: Kind,
    /// Unit; empty for counts, names and ratios.
    pub unit: &'static str,
    /// One line for the documentation.
    pub doc: &'static str,
    /// Section of `docs/model.md` that derives it.
    pub formula: &'static str,
}

const BOTH: &[Phase] = &Phase::ALL;
const TRAINING: &[Phase] = &[Phase::Training];
const INFERENCE: &[Phase] = &[Phase::Inference];

const fn column(
    name: &'static str,
    phases: &'static [Phase],
    kind: Kind,
    unit: &'static str,
    formula: &'static str,
    doc: &'static str,
) -> Column {
    Column { name, phases, kind, unit, doc, formula }
}

const PARTS: [&[Column]; 4] = [layout::COLUMNS, training::COLUMNS, serving::COLUMNS, economics::COLUMNS];

const ALL: [Column; joined_length(&PARTS)] = joined(&PARTS);

/// Every result column that is not an axis.
pub const COLUMNS: &[Column] = &ALL;

/// Columns of which more is better; of the others less is, where either is.
pub const HIGHER_IS_BETTER: &[&str] = &[
    "feasible",
    "memory_headroom_bytes",
    "tokens_per_s",
    "tokens_per_s_p10",
    "tokens_per_s_p90",
    "tokens_per_s_per_device",
    "tokens_per_s_per_user",
    "accepted_tokens_per_step",
    "requests_per_s",
    "max_requests_per_s",
    "slo_attainment",
    "goodput_requests_per_s",
    "mfu",
    "mfu_non_causal",
    "hfu",
    "mbu",
    "decode_mfu",
    "prefill_mfu",
    "max_concurrency",
    "kv_tokens",
    "kv_cache_bytes",
    "max_context_tokens",
    "goodput",
];

/// The result columns of a phase, in the registry's order (axes not included).
pub fn of_phase(phase: Phase) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| column.phases.contains(&phase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_when_higher_is_a_column() {
        for name in HIGHER_IS_BETTER {
            assert!(COLUMNS.iter().any(|column| column.name == *name), "{name}");
        }
    }
}
