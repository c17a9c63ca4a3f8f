//! `[search]`: how many replicas a row has, where the specification does not say it by `data_parallel`.
use super::report::{Report, find, found, unknown};
use crate::axes::Phase;
use crate::node::{Entry, Node, Value};

/// Keys of `[search]`.
const KEYS: [&str; 2] = ["mode", "devices"];
/// Values of `mode`.
const MODES: [&str; 2] = ["per_device", "fleet"];
/// Devices of a fleet, at most.
const MOST_DEVICES: i64 = 100_000_000;

/// What decides on the number of replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Search {
    /// The axis `data_parallel`.
    #[default]
    Replicas,
    /// Each row is the smallest deployment of its layout, and has the traffic to itself.
    PerDevice,
    /// Each row has as many replicas as a fleet holds; all of it is paid for, and serves the traffic together.
    Fleet {
        /// Its devices.
        devices: u32,
    },
}

impl Search {
    /// What is left of a fleet for each of the decode workers beside the devices of a prefill pool.
    ///
    /// ```
    /// # use llmsweep_engine::spec::Search;
    /// assert_eq!(Search::Fleet { devices: 100 }.beside(36.0, 2.0), Search::Fleet { devices: 32 });
    /// ```
    #[must_use]
    pub fn beside(self, prefill_devices: f64, workers: f64) -> Self {
        match self {
            Self::Replicas | Self::PerDevice => self,
            Self::Fleet { devices } => {
                Self::Fleet { devices: ((f64::from(devices) - prefill_devices).max(0.0) / workers) as u32 }
            }
        }
    }

    /// Replicas of a layout, whose ranks are its tensor and context parallel ones; 0 where the fleet is too small. Experts that are spread over
    /// several replicas of attention need whole groups.
    ///
    /// ```
    /// # use llmsweep_engine::spec::Search;
    /// assert_eq!((Search::PerDevice.replicas(2, 1, 16, 3), Search::PerDevice.replicas(6, 1, 16, 3)), (8, 8));
    /// let fleet = Search::Fleet { devices: 100 };
    /// assert_eq!((fleet.replicas(8, 2, 1, 1), fleet.replicas(2, 1, 16, 1), fleet.replicas(128, 1, 1, 1)), (6, 48, 0));
    /// ```
    #[must_use]
    pub fn replicas(self, ranks: u32, pipeline: u32, expert: u32, data: u32) -> u32 {
        let group = if expert > ranks { expert / greatest_common_divisor(expert, ranks) } else { 1 };
        match self {
            Self::Replicas => data,
            Self::PerDevice => group,
            Self::Fleet { devices } => {
                let each = u64::from(ranks) * u64::from(pipeline) * u64::from(group);
                (u64::from(devices) / each * u64::from(group)) as u32
            }
        }
    }

    /// Devices that are paid for, where some of them may have no work.
    #[must_use]
    pub fn paid(self, used: f64) -> f64 {
        match self {
            Self::Replicas | Self::PerDevice => used,
            Self::Fleet { devices } => f64::from(devices),
        }
    }
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

pub(super) fn decode(phase: Phase, top: &[Entry], report: &mut Report) -> Search {
    let Some(section) = find(top, "search") else { return Search::Replicas };
    if phase != Phase::Inference {
        report.wrong(&section.place, "[search] is of phase \"inference\": a training run has its devices");
        return Search::Replicas;
    }
    let Some(keys) = report.section(Some(section), "[search]") else { return Search::Replicas };
    for entry in keys.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
        report.wrong(&entry.place, unknown("key", &entry.key, &KEYS));
    }
    for axes in ["axes", "workload"] {
        if let Some(Entry { node, .. }) = find(top, axes)
            && let Value::Table(entries) = &node.value
            && let Some(axis) = find(entries, "data_parallel")
        {
            report.wrong(&axis.place, "data_parallel follows from [search]: give one of the two");
        }
    }
    let devices = find(keys, "devices");
    let mode = find(keys, "mode").map(|entry| (&entry.node, &entry.node.value));
    match (mode, devices) {
        (Some((_, Value::String(mode))), None) if mode == "per_device" => Search::PerDevice,
        (Some((_, Value::String(mode))), Some(entry)) if mode == "per_device" => {
            report.wrong(&entry.place, "devices are those of a fleet: write mode = \"fleet\", or leave them out");
            Search::PerDevice
        }
        (Some((_, Value::String(mode))), None) if mode == "fleet" => {
            report.missing(&section.place, "[search] has no \"devices\": a fleet needs their number");
            Search::Replicas
        }
        (Some((_, Value::String(mode))), Some(entry)) if mode == "fleet" => fleet(&entry.node, report),
        (Some((node, Value::String(mode))), _) => {
            report.wrong(&node.place, unknown("mode", mode, &MODES));
            Search::Replicas
        }
        (Some((node, _)), _) => {
            report.wrong(&node.place, format!("mode must be one of {}, not {}", MODES.join(", "), found(node)));
            Search::Replicas
        }
        (None, _) => {
            report.missing(&section.place, "[search] has no \"mode\": write mode = \"per_device\" or mode = \"fleet\"");
            Search::Replicas
        }
    }
}

fn fleet(node: &Node, report: &mut Report) -> Search {
    if let Value::Integer(number @ 1..=MOST_DEVICES) = node.value {
        return Search::Fleet { devices: number as u32 };
    }
    let message = format!("the devices of a fleet must be a whole number from 1 to 100,000,000, not {}", found(node));
    report.wrong(&node.place, message);
    Search::Replicas
}
