//! The registry of axes: everything that a sweep can vary, and at which level of the plan each one acts.
//!
//! Rows are numbered by mixed radix over the axes in the order of this registry, the last axis fastest. Levels are ordered too, so
//! a walk along the rows changes the dear, early levels least often: shape → work → time → row.
mod registry;

use llmsweep_model::precision::{KvPrecision, Precision};

pub use registry::AXES;

/// Training or inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A training run.
    Training,
    /// Serving.
    Inference,
}

impl Phase {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Training, Self::Inference];

    /// Name in specifications and columns.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Inference => "inference",
        }
    }
}

/// Where in the plan an axis acts; each level is computed once per distinct combination of the axes up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Parameters and layer kinds.
    Shape,
    /// FLOPs, bytes and messages of one device.
    Work,
    /// Kernel and collective times.
    Time,
    /// Everything else: a few hundred operations.
    Row,
}

/// What values an axis takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// A model of the catalogue.
    Model,
    /// A model of the catalogue, or `none`.
    DraftModel,
    /// An accelerator of the catalogue.
    Accelerator,
    /// An accelerator of the catalogue, or `same`: that of the other pool.
    PoolAccelerator,
    /// A network link of the catalogue, or `default`: the accelerator's usual one.
    Network,
    /// A training stack of the catalogue, or `default`: physical defaults.
    Stack,
    /// A serving engine in the catalogue.
    Engine,
    /// A name out of a fixed list.
    Choice(&'static [&'static str]),
    /// Any of a fixed list of names, joined by `+`, or `none`.
    Subset(&'static [&'static str]),
    /// A whole number from `min` to `max`.
    Integer {
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// A finite number above zero.
    Positive,
    /// A finite number of at least zero.
    Amount,
    /// A finite number of at least one.
    AtLeastOne,
    /// A number from zero to one.
    Share,
    /// Any number from `min` to `max`.
    Between {
        /// Smallest allowed.
        min: i32,
        /// Largest allowed.
        max: i32,
    },
    /// true or false.
    Bool,
}

impl Domain {
    /// Whether its values are numbers, which ranges and bounds take.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer { .. }
                | Self::Positive
                | Self::Amount
                | Self::AtLeastOne
                | Self::Share
                | Self::Between { .. }
        )
    }
}

/// What an axis takes where a specification does not name it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fallback {
    /// The specification must give it.
    Required,
    /// A name.
    Name(&'static str),
    /// A whole number.
    Integer(u64),
    /// A number.
    Number(f64),
    /// true or false.
    Bool(bool),
}

/// One axis of the registry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Name in specifications and of its column.
    pub name: &'static str,
    /// Phases that have it.
    pub phases: &'static [Phase],
    /// Level at which it acts.
    pub level: Level,
    /// Values.
    pub domain: Domain,
    /// Value where the specification is silent.
    pub fallback: Fallback,
    /// Whether it also may stand in `[workload]`.
    pub workload: bool,
    /// Unit, empty for counts and names.
    pub unit: &'static str,
    /// One line for the documentation.
    pub doc: &'static str,
}

/// Names of [`Precision::ALL`].
pub const PRECISION_NAMES: [&str; Precision::ALL.len()] = {
    let mut names = [""; Precision::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Precision::ALL[index].name;
        index += 1;
    }
    names
};

/// What stands for the other pool's choice.
pub const SAME: &str = "same";

/// [`SAME`], then [`PRECISION_NAMES`].
pub const POOL_PRECISION_NAMES: [&str; Precision::ALL.len() + 1] = {
    let mut names = [SAME; Precision::ALL.len() + 1];
    let mut index = 0;
    while index < PRECISION_NAMES.len() {
        names[index + 1] = PRECISION_NAMES[index];
        index += 1;
    }
    names
};

/// Names of [`KvPrecision::ALL`].
pub const KV_PRECISION_NAMES: [&str; KvPrecision::ALL.len()] = {
    let mut names = [""; KvPrecision::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = KvPrecision::ALL[index].name;
        index += 1;
    }
    names
};

/// The axes of a phase, outermost first.
pub fn of_phase(phase: Phase) -> impl Iterator<Item = &'static Axis> {
    AXES.iter().filter(move |axis| axis.phases.contains(&phase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_never_go_back() {
        for phase in Phase::ALL {
            let levels: Vec<Level> = of_phase(phase).map(|axis| axis.level).collect();
            assert!(levels.is_sorted());
        }
    }
}
