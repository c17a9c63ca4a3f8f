//! The list of axes itself.
mod cells;
mod money;
mod rows;
mod serving_rows;

use super::Domain::{Between, Integer};
use super::{Axis, Domain, Fallback, Level, Phase};
use crate::joined::{joined, joined_length};

const BOTH: &[Phase] = &Phase::ALL;
const TRAINING: &[Phase] = &[Phase::Training];
const INFERENCE: &[Phase] = &[Phase::Inference];

const fn axis(
    name: &'static str,
    phases: &'static [Phase],
    level: Level,
    domain: Domain,
    fallback: Fallback,
    doc: &'static str,
) -> Axis {
    Axis { name, phases, level, domain, fallback, workload: false, unit: "", doc }
}

const fn workload(axis: Axis, unit: &'static str) -> Axis {
    Axis { workload: true, unit, ..axis }
}

const fn in_unit(unit: &'static str, axis: Axis) -> Axis {
    Axis { unit, ..axis }
}

/// A count of at least one; the limit keeps every product of counts exact in an `f64`.
const COUNT: Domain = Integer { min: 1, max: 100_000_000 };
/// Tokens: from one to far more than any published run.
const TOKENS: Domain = Integer { min: 1, max: 1_000_000_000_000_000 };

/// A count of at least zero.
const FROM_ZERO: Domain = Integer { min: 0, max: 100_000_000 };

/// Layers of one stage, none for an even share.
const STAGE_LAYERS: Domain = Integer { min: 0, max: 100_000 };

/// Coefficients of variation; the widest published traces stay below 4.
const VARIATION: Domain = Between { min: 0, max: 10 };

const PARTS: [&[Axis]; 4] = [cells::AXES, rows::AXES, serving_rows::AXES, money::AXES];

const ALL: [Axis; joined_length(&PARTS)] = joined(&PARTS);

/// Every axis, outermost first.
pub const AXES: &[Axis] = &ALL;
