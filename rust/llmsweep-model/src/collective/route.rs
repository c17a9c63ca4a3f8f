//! A group placed on the fabric: all of a collective's time that does not depend on the message.
use super::{CollectiveModel, Ring, pods, reachable};
use crate::hardware::{Fabric, LinkKind, Tier};
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

/// The way that the messages of one group take in one collective; many messages share it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Route {
    /// A group of one sends nothing.
    Alone,
    /// Inside one tier, or over several blocks of it.
    Placed(Placed),
}

/// The way of more than one rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    pub(super) collective: Collective,
    pub(super) way: Way,
}

/// Latency, and the time of each byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) latency: Seconds,
    /// Bytes sent for each byte of the buffer.
    pub(super) factor: f64,
    pub(super) bandwidth: BytesPerSec,
}

/// Devices of one tier that share a domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Domain {
    kind: LinkKind,
    link: BytesPerSec,
    ranks: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// The library's law inside one domain.
    Within(Domain),
    /// One ring through all ranks.
    Ring(Line),
    /// The faster of a ring and a tree.
    RingOrTree(Line, Line),
    /// The faster of a ring, and of domains that do their part and then exchange it.
    RingOrHierarchy { ring: Line, between: Line, inside: Domain },
    /// Every rank to every other.
    AllToAll { ranks: f64, inside: f64, blocks: f64, inner: Tier, outer: Tier },
}

impl Line {
    fn seconds(&self, bytes: Bytes) -> Seconds {
        self.latency + bytes * self.factor / self.bandwidth
    }
}

impl Domain {
    pub(super) fn new(tier: &Tier, ranks: f64) -> Self {
        Self { kind: tier.kind, link: reachable(tier, ranks), ranks }
    }
}

impl Route {
    /// Time of a collective over a buffer of so many bytes; none for an empty one. `model` is the one that gave the route.
    #[inline]
    #[must_use]
    pub fn seconds(&self, model: &CollectiveModel, bytes: Bytes) -> Seconds {
        match self {
            Self::Placed(placed) if bytes.0 > 0.0 => placed.seconds(model, bytes),
            Self::Placed(_) | Self::Alone => Seconds::ZERO,
        }
    }
}

impl Placed {
    fn seconds(&self, model: &CollectiveModel, bytes: Bytes) -> Seconds {
        let Self { collective, way } = self;
        match way {
            Way::Within(domain) => model.within(*collective, bytes, domain),
            Way::Ring(ring) => ring.seconds(bytes),
            Way::RingOrTree(ring, tree) => ring.seconds(bytes).min(tree.seconds(bytes)),
            Way::RingOrHierarchy { ring, between, inside } => {
                ring.seconds(bytes).min(self.hierarchy(model, bytes, between, inside))
            }
            Way::AllToAll { ranks, inside, blocks, inner, outer } => {
                model.all_to_all_across(bytes, *ranks, *inside, *blocks, inner, outer)
            }
        }
    }

    /// Reduce inside every block, exchange between blocks, spread inside.
    fn hierarchy(&self, model: &CollectiveModel, bytes: Bytes, between: &Line, inside: &Domain) -> Seconds {
        let exchanged = between.seconds(bytes / inside.ranks);
        let within = |collective| model.within(collective, bytes, inside);
        match self.collective {
            Collective::AllReduce => within(Collective::ReduceScatter) + exchanged + within(Collective::AllGather),
            collective => exchanged + within(collective),
        }
    }
}

impl CollectiveModel {
    /// The way of a collective over a group.
    #[must_use]
    pub fn route(&self, collective: Collective, ring: Ring, fabric: &Fabric) -> Route {
        if ring.size <= 1.0 {
            return Route::Alone;
        }
        let way = match fabric.pods() {
            Some(pods) => self.way(collective, ring, &pods::seen_by(collective, ring, fabric, pods)),
            None => self.way(collective, ring, fabric),
        };
        Route::Placed(Placed { collective, way })
    }

    /// The way of more than one rank, on the tiers that the group spans.
    fn way(&self, collective: Collective, ring: Ring, fabric: &Fabric) -> Way {
        let tiers = fabric.tiers();
        let Some(outer) = tiers.iter().position(|tier| ring.inside(tier.span) >= ring.size) else {
            return self.across(collective, ring, tiers, tiers.len() - 1);
        };
        let alone_in_block = outer == 0 || ring.inside(tiers[outer - 1].span) <= 1.0;
        if alone_in_block && tiers[outer].kind != LinkKind::Network {
            return Way::Within(Domain::new(&tiers[outer], ring.size));
        }
        self.across(collective, ring, tiers, outer)
    }

    /// A collective inside one domain.
    fn within(&self, collective: Collective, bytes: Bytes, domain: &Domain) -> Seconds {
        self.library(domain.kind).seconds(collective, domain.link, domain.ranks, bytes)
    }
}
