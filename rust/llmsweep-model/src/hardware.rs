//! Hardware as numbers: what an accelerator can do and what connects it to others.
use crate::precision::{ComputeFormat, Precision};
use crate::quantity::{Bytes, BytesPerSec, FlopsPerSec, Seconds, Usd, UsdPerSec, Watts};

/// Dense peak rates by compute format; zero where the chip lacks the format.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peaks([f64; ComputeFormat::ALL.len()]);

impl Peaks {
    /// Sets the dense peak of a format.
    pub fn set(&mut self, format: ComputeFormat, rate: FlopsPerSec) {
        self.0[format.index()] = rate.0;
    }

    /// The dense peak of a format, if the chip has it.
    #[must_use]
    pub fn get(&self, format: ComputeFormat) -> Option<FlopsPerSec> {
        let rate = self.0[format.index()];
        (rate > 0.0).then_some(FlopsPerSec(rate))
    }

    /// The compute format in which this chip runs a precision, with its dense peak; `None` where it can't.
    #[must_use]
    pub fn of(&self, precision: &Precision) -> Option<(ComputeFormat, FlopsPerSec)> {
        precision.compute.iter().find_map(|&format| self.get(format).map(|rate| (format, rate)))
    }

    /// All peaks times a factor (a what-if).
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self(self.0.map(|rate| rate * factor))
    }
}

/// How a tier of the fabric is wired; selects its efficiency and latency constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// A switched scale-up domain (NVLink with NVSwitch, NeuronLink v4, UALink).
    Switched,
    /// A full mesh or torus of point-to-point links (xGMI, ICI, RoCE on chip, NVLink bridge).
    Mesh,
    /// The host's PCI Express, from device to device.
    Pcie,
    /// The host's PCI Express without peer-to-peer: every byte passes through the host's memory.
    HostPcie,
    /// The cluster's network (InfiniBand, Ethernet, EFA …).
    Network,
}

/// One tier of the fabric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tier {
    /// Wiring.
    pub kind: LinkKind,
    /// Devices inside one block of this tier; `u32::MAX` for the network.
    pub span: u32,
    /// What one device sends through this tier, one direction, at the datasheet's rate.
    pub bandwidth: BytesPerSec,
    /// What one device sends to one peer through this tier, one direction.
    pub pair_bandwidth: BytesPerSec,
    /// Wire latency of one hop.
    pub latency: Seconds,
}

/// Blocks of the network inside which every device can send at full rate to any other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pods {
    /// Devices of one pod.
    pub devices: u32,
    /// Full rate over what is left of it where all devices of a pod send to other pods; at least one.
    pub oversubscription: f64,
}

/// The tiers that connect devices, innermost first; the last is the network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fabric {
    tiers: [Tier; 3],
    count: u8,
    pods: Option<Pods>,
}

impl Fabric {
    /// A fabric of one to three tiers, innermost first, each with a larger span than the one before.
    ///
    /// # Panics
    /// If there are no tiers or more than three.
    #[must_use]
    pub fn new(tiers: &[Tier]) -> Self {
        assert!((1..=3).contains(&tiers.len()), "a fabric has one to three tiers");
        let mut all = [tiers[0]; 3];
        all[..tiers.len()].copy_from_slice(tiers);
        Self { tiers: all, count: tiers.len() as u8, pods: None }
    }

    /// The tiers, innermost first.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers[..usize::from(self.count)]
    }

    /// The same with pods in its network.
    #[must_use]
    pub fn with_pods(self, pods: Pods) -> Self {
        Self { pods: (pods.oversubscription > 1.0).then_some(pods), ..self }
    }

    /// Pods of the network, where it has less than full bisection.
    #[must_use]
    pub fn pods(&self) -> Option<Pods> {
        self.pods
    }

    /// Devices that reach each other without the network.
    #[must_use]
    pub fn node_devices(&self) -> u32 {
        match self.tiers() {
            [.., node, _] => node.span,
            _ => 1,
        }
    }

    /// The same with another rate of the network.
    #[must_use]
    pub(crate) fn with_network_times(mut self, factor: f64) -> Self {
        let network = &mut self.tiers[usize::from(self.count) - 1];
        network.bandwidth = network.bandwidth * factor;
        network.pair_bandwidth = network.pair_bandwidth * factor;
        self
    }

    /// The tiers with bandwidths times factors: those inside a node, and the network.
    #[must_use]
    pub fn scaled(mut self, scale_up: f64, network: f64) -> Self {
        for tier in &mut self.tiers[..usize::from(self.count)] {
            let factor = if tier.kind == LinkKind::Network { network } else { scale_up };
            tier.bandwidth = tier.bandwidth * factor;
            tier.pair_bandwidth = tier.pair_bandwidth * factor;
        }
        self
    }
}

/// An accelerator, as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accelerator {
    /// Dense peaks.
    pub peaks: Peaks,
    /// Device memory that a process can address.
    pub memory: Bytes,
    /// Memory bandwidth of the datasheet.
    pub memory_bandwidth: BytesPerSec,
    /// Streaming multiprocessors, compute units: what works on one tile at a time.
    pub compute_units: f64,
    /// Second-level cache.
    pub l2: Bytes,
    /// Bandwidth to the host, one direction.
    pub host_bandwidth: BytesPerSec,
    /// What connects it to others.
    pub fabric: Fabric,
    /// Board power at full load, if published.
    pub board_power: Option<Watts>,
    /// Rental of one device, if there is a published price.
    pub rental: Option<UsdPerSec>,
    /// Purchase price of one device, if published.
    pub purchase: Option<Usd>,
}
