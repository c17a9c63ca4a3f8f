//! How clusters are run: the decoder of `systems/operations.toml`, and of `[operations]` in a sweep.
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::{BytesPerSec, Seconds};

use super::efficiency::required_share;
use super::fields::Fields;
use super::systems::{amount, positive, within};
use crate::node::{DocumentError, Node};

/// What values a constant takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Finite and above zero.
    Positive,
    /// Finite and at least zero.
    Amount,
    /// From zero to one.
    Share,
    /// Above zero and at most one: something is divided by it.
    DividingShare,
    /// Finite and at least one: a factor that only adds.
    Surplus,
}

impl Range {
    /// Whether a number is in it.
    #[must_use]
    pub fn contains(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Self::Positive => number > 0.0,
                Self::Amount => number >= 0.0,
                Self::Share => (0.0..=1.0).contains(&number),
                Self::DividingShare => number > 0.0 && number <= 1.0,
                Self::Surplus => number >= 1.0,
            }
    }

    /// What is allowed, to follow "must be".
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Positive => "a finite number above 0",
            Self::Amount => "a finite number of at least 0",
            Self::Share => "a number from 0 to 1",
            Self::DividingShare => "a number above 0 and up to 1",
            Self::Surplus => "a finite number of at least 1",
        }
    }
}

/// One constant of operations.
pub struct Constant {
    /// Key in the catalogue and in a sweep.
    pub key: &'static str,
    /// Values.
    pub range: Range,
    /// One line for the documentation.
    pub doc: &'static str,
    /// Where it is kept.
    pub field: fn(&mut Operations) -> &mut f64,
}

const fn constant(
    key: &'static str,
    range: Range,
    field: fn(&mut Operations) -> &mut f64,
    doc: &'static str,
) -> Constant {
    Constant { key, range, doc, field }
}

use Range::{Amount, DividingShare, Positive, Share, Surplus};

/// Every constant of operations.
pub const OPERATIONS: [Constant; 17] = [
    constant(
        "checkpoint_device_bytes_per_s",
        Positive,
        |o| &mut o.checkpoint_device_bandwidth.0,
        "What one device writes of a checkpoint.",
    ),
    constant(
        "checkpoint_storage_bytes_per_s",
        Positive,
        |o| &mut o.checkpoint_storage_bandwidth.0,
        "What the whole file system takes.",
    ),
    constant(
        "checkpoint_asynchronous_share",
        Share,
        |o| &mut o.checkpoint_asynchronous_share,
        "Share of a checkpoint's write that the training does not wait for.",
    ),
    constant("detection_s", Amount, |o| &mut o.detection.0, "From a failure to the decision to start again."),
    constant("restart_s", Amount, |o| &mut o.restart.0, "From that decision to the first step."),
    constant("repair_s", Amount, |o| &mut o.repair.0, "Until a node is back or replaced where no spare is free."),
    constant(
        "hardware_failure_share",
        Share,
        |o| &mut o.hardware_failure_share,
        "Share of failures that take a node away.",
    ),
    constant("node_devices", Surplus, |o| &mut o.node_devices, "Devices that are swapped when one fails."),
    constant(
        "host_power_share",
        Amount,
        |o| &mut o.host_power_share,
        "Power of hosts, network and fans over that of the boards.",
    ),
    constant("idle_power_share", Share, |o| &mut o.idle_power_share, "Power of an idle device over its board power."),
    constant("pue", Surplus, |o| &mut o.pue, "Power usage effectiveness: all of the facility over its computers."),
    constant("usd_per_kwh", Amount, |o| &mut o.usd_per_kwh, "Price of electricity."),
    constant("kg_co2_per_kwh", Amount, |o| &mut o.kg_co2_per_kwh, "Carbon dioxide of the grid."),
    constant(
        "capital_overhead",
        Surplus,
        |o| &mut o.capital_overhead,
        "Purchase of servers and network over that of the boards in them.",
    ),
    constant(
        "amortisation_years",
        Positive,
        |o| &mut o.amortisation_years,
        "Years in which a purchase is written off.",
    ),
    constant("busy_share", DividingShare, |o| &mut o.busy_share, "Share of an owned machine's hours that have work."),
    constant(
        "operations_share_per_year",
        Amount,
        |o| &mut o.operations_share_per_year,
        "Staff, repairs and floor space in a year over the purchase.",
    ),
];

/// Keys of `operations.toml`.
fn keys() -> Vec<&'static str> {
    OPERATIONS.iter().map(|constant| constant.key).chain(["source"]).collect()
}

/// Decodes `operations.toml`, which gives every constant.
pub(super) fn operations(node: &Node) -> Result<Operations, DocumentError> {
    let fields = Fields::new(node, "the table of constants of operations", &keys())?;
    let mut operations = NOTHING;
    for constant in &OPERATIONS {
        *(constant.field)(&mut operations) = match constant.range {
            Positive => positive(&fields, constant.key)?,
            Amount => amount(&fields, constant.key)?,
            DividingShare => required_share(&fields, constant.key)?,
            Share => within(&fields, constant.key, 0.0, 1.0)?,
            Surplus => within(&fields, constant.key, 1.0, f64::INFINITY)?,
        };
    }
    Ok(operations)
}

/// Before the file is read.
const NOTHING: Operations = Operations {
    checkpoint_device_bandwidth: BytesPerSec(0.0),
    checkpoint_storage_bandwidth: BytesPerSec(0.0),
    checkpoint_asynchronous_share: 0.0,
    detection: Seconds(0.0),
    restart: Seconds(0.0),
    repair: Seconds(0.0),
    hardware_failure_share: 0.0,
    node_devices: 0.0,
    host_power_share: 0.0,
    idle_power_share: 0.0,
    pue: 0.0,
    usd_per_kwh: 0.0,
    kg_co2_per_kwh: 0.0,
    capital_overhead: 0.0,
    amortisation_years: 0.0,
    busy_share: 0.0,
    operations_share_per_year: 0.0,
};

/// Replaces constants by those of a sweep.
#[must_use]
pub fn overridden(mut operations: Operations, own: &[(usize, f64)]) -> Operations {
    for &(position, number) in own {
        *(OPERATIONS[position].field)(&mut operations) = number;
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_has_a_field_of_its_own() {
        let own: Vec<(usize, f64)> = (0..OPERATIONS.len()).map(|position| (position, position as f64 + 1.0)).collect();
        let mut operations = overridden(NOTHING, &own);
        for (position, constant) in OPERATIONS.iter().enumerate() {
            let kept = *(constant.field)(&mut operations);
            assert_eq!(kept.to_bits(), (position as f64 + 1.0).to_bits(), "{}", constant.key);
        }
    }
}
