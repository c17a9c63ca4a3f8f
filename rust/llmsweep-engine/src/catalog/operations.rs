//! How clusters are run: the constants of `systems/operations.toml`, and of `[operations]` in a sweep.
use llmsweep_model::operations::Operations;

use super::constant::Range::{Amount, DividingShare, Positive, Share, Surplus};
use super::constant::{Constant, constant};

/// Every constant of operations.
pub const OPERATIONS: [Constant<Operations>; 17] = [
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
