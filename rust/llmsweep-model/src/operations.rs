//! How a cluster is run and what that takes beside its accelerators: constants of operations, each from the catalogue.
use crate::quantity::{BytesPerSec, Seconds};

/// Constants of operations (`systems/operations.toml`); a sweep may override each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operations {
    /// What one device writes of a checkpoint.
    pub checkpoint_device_bandwidth: BytesPerSec,
    /// What the whole file system takes.
    pub checkpoint_storage_bandwidth: BytesPerSec,
    /// Share of a checkpoint's write that the training does not wait for.
    pub checkpoint_asynchronous_share: f64,
    /// From a failure to the decision to start again.
    pub detection: Seconds,
    /// From that decision to the first step, the checkpoint read.
    pub restart: Seconds,
    /// Until a failed node is back, or another in its place, where no spare is free.
    pub repair: Seconds,
    /// Share of failures that take a node away; the others only stop the run.
    pub hardware_failure_share: f64,
    /// Devices of the node that is swapped when one of them fails.
    pub node_devices: f64,
    /// Power of hosts, network and fans over that of the boards.
    pub host_power_share: f64,
    /// Power of an idle device over its board power.
    pub idle_power_share: f64,
    /// Power usage effectiveness: all of the facility over its computers.
    pub pue: f64,
    /// Price of electricity. \[USD/kWh\]
    pub usd_per_kwh: f64,
    /// Carbon dioxide of the grid. \[kg/kWh\]
    pub kg_co2_per_kwh: f64,
    /// Purchase of servers and network over that of the boards in them.
    pub capital_overhead: f64,
    /// Years in which a purchase is written off.
    pub amortisation_years: f64,
    /// Share of an owned machine's hours that have work; it is paid for in the others too.
    pub busy_share: f64,
    /// Staff, repairs and floor space in a year over the purchase.
    pub operations_share_per_year: f64,
}
