//! How long a message takes on a tiered fabric. One-direction bytes per second throughout.
//!
//! Inside one tier, the law of the library that serves its links ([`Library`]); between nodes, the fastest of a flat ring, a hierarchy and a
//! tree ([`across`]). Serving engines sum with kernels of their own ([`CollectiveModel::engine_all_reduce`]) and send tokens to experts
//! with others ([`CollectiveModel::exchange`]).
mod across;
mod exchange;
mod library;
mod pods;
mod route;

pub use exchange::{ExchangeKernels, Exchanges};
pub use library::Library;
pub use pods::network_share;
pub use route::{Placed, Route};

use crate::hardware::{Fabric, LinkKind, Tier};
use crate::law::EngineAllReduceLaw;
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

/// Constants of collectives, from the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectiveModel {
    /// Inside a switched domain.
    pub switched: Library,
    /// Over PCI Express, from device to device.
    pub pcie: Library,
    /// Over PCI Express, through the host's memory.
    pub host: Library,
    /// Bandwidth efficiency of meshes and tori; their latencies are those of a switched domain.
    pub mesh_efficiency: f64,
    /// Latency of a message from one rank to another inside a node.
    pub point_latency: Seconds,
    /// Share of a link that such a message reaches: switched, mesh, PCI Express.
    pub point_efficiency: [f64; 3],
    /// Between nodes.
    pub network: Network,
    /// A serving engine's own all-reduce where every device reads every other's memory, if engines have one on this fabric.
    pub own: Option<EngineAllReduceLaw>,
    /// Kernels that take tokens to their experts, inside a switched domain and between such domains.
    pub exchanges: Option<Exchanges>,
}

/// Constants of collectives between nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Latency of a collective.
    pub base: Seconds,
    /// Latency per step inside a node.
    pub inner_step: Seconds,
    /// Latency per step between nodes.
    pub step: Seconds,
    /// Bandwidth efficiency of the network.
    pub efficiency: f64,
    /// Share of the scale-up bandwidth that a ring through several nodes can use.
    pub inner_share: f64,
    /// Bandwidth efficiency of all-to-all between nodes.
    pub all_to_all_efficiency: f64,
}

/// A group of ranks placed on the fabric: `n` ranks, `stride` devices apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ring {
    /// Ranks.
    pub size: f64,
    /// Devices from one rank to the next.
    pub stride: f64,
}

impl Ring {
    /// A group of this size and stride.
    #[must_use]
    pub fn new(size: f64, stride: f64) -> Self {
        Self { size, stride }
    }

    /// Whether the group spans several blocks of `span` devices.
    #[must_use]
    pub fn leaves(&self, span: u32) -> bool {
        self.inside(span) < self.size
    }

    /// Ranks of the group inside one block of `span` devices.
    ///
    /// ```
    /// # use llmsweep_model::collective::Ring;
    /// assert_eq!(Ring::new(16.0, 1.0).inside(8), 8.0);
    /// assert_eq!(Ring::new(16.0, 4.0).inside(8), 2.0);
    /// assert_eq!(Ring::new(16.0, 8.0).inside(8), 1.0);
    /// ```
    #[must_use]
    pub fn inside(&self, span: u32) -> f64 {
        // Cut off as a whole number: rounding down would be a call into the mathematics library on the processors that builds aim at.
        f64::from((f64::from(span) / self.stride) as u32).clamp(1.0, self.size)
    }
}

impl CollectiveModel {
    /// The same constants for an architecture whose latencies inside a switched domain are `factor` times as long, and whose switch sums at
    /// `switch_efficiency` of the link (zero: not at all).
    #[must_use]
    pub fn of_architecture(self, factor: f64, switch_efficiency: f64) -> Self {
        Self {
            switched: self.switched.of_architecture(factor, switch_efficiency),
            point_latency: self.point_latency * factor,
            own: self.own.map(|law| law.with_latencies_times(factor)),
            exchanges: self.exchanges.map(|kernels| kernels.with_latencies_times(factor)),
            ..self
        }
    }

    /// Time of a collective over a group. Zero for a group of one.
    #[must_use]
    pub fn time(&self, collective: Collective, bytes: Bytes, ring: Ring, fabric: &Fabric) -> Seconds {
        if ring.size <= 1.0 || bytes.0 <= 0.0 {
            return Seconds::ZERO;
        }
        self.route(collective, ring, fabric).seconds(self, bytes)
    }

    /// Time of an all-reduce by a serving engine's own kernel where the fabric has one, else by the library.
    #[must_use]
    pub fn engine_all_reduce(&self, bytes: Bytes, ring: Ring, fabric: &Fabric) -> Seconds {
        let tier = &fabric.tiers()[0];
        match self.own {
            Some(own) if ring.size > 1.0 && ring.inside(tier.span) >= ring.size && reads_peers(tier) => {
                own.seconds(reachable(tier, ring.size), ring.size, bytes)
            }
            _ => self.time(Collective::AllReduce, bytes, ring, fabric),
        }
    }

    /// Time of a message from one rank to another `stride` devices away. Beyond a pod all of its devices are taken to send at once.
    #[must_use]
    pub fn point_to_point(&self, bytes: Bytes, stride: f64, fabric: &Fabric) -> Seconds {
        let tiers = fabric.tiers();
        let tier = tiers.iter().find(|tier| f64::from(tier.span) > stride).unwrap_or(&tiers[tiers.len() - 1]);
        let [switched, mesh, pcie] = self.point_efficiency;
        let (latency, efficiency) = match tier.kind {
            LinkKind::Network => (self.network.step, self.network.efficiency),
            LinkKind::Pcie | LinkKind::HostPcie => (self.point_latency, pcie),
            LinkKind::Mesh => (self.point_latency, mesh),
            LinkKind::Switched => (self.point_latency, switched),
        };
        let share = match fabric.pods() {
            Some(pods) if tier.kind == LinkKind::Network && stride >= f64::from(pods.devices) => {
                1.0 / pods.oversubscription
            }
            _ => 1.0,
        };
        latency + tier.latency + bytes / (tier.pair_bandwidth * (efficiency * share))
    }

    /// The library that serves a sort of link; the network's own laws are in [`across`].
    fn library(&self, kind: LinkKind) -> Library {
        match kind {
            LinkKind::Switched => self.switched,
            LinkKind::Pcie => self.pcie,
            LinkKind::HostPcie => self.host,
            LinkKind::Mesh | LinkKind::Network => self.switched.on_a_mesh(self.mesh_efficiency),
        }
    }
}

/// Whether every device reads every other's memory at once: through a switch, or over a link to each on one board.
fn reads_peers(tier: &Tier) -> bool {
    let fully_connected = || tier.pair_bandwidth * (f64::from(tier.span) - 1.0) <= tier.bandwidth * 1.01;
    tier.kind == LinkKind::Switched || (tier.kind == LinkKind::Mesh && fully_connected())
}

/// What one of `ranks` devices sends through a tier: in a mesh a device has a link of its own to each peer.
fn reachable(tier: &Tier, ranks: f64) -> BytesPerSec {
    match tier.kind {
        LinkKind::Mesh => tier.bandwidth.min(tier.pair_bandwidth * (ranks - 1.0)),
        _ => tier.bandwidth,
    }
}
