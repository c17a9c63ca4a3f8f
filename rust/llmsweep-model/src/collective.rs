//! How long a message takes on a tiered fabric. One-direction bytes per second throughout.
//!
//! Inside one tier, `t = a + V/β + c·√(V/β)` with the bus bytes `V` (all-reduce `2(n−1)/n·S`, others `(n−1)/n·S`): the root term is what
//! α–β laws lack between the two regimes. Over tiers, the faster of a flat ring and a hierarchy of rings.
use crate::hardware::{Fabric, LinkKind, Tier};
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

/// Constants of collectives, from the catalogue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectiveModel {
    /// Latency of any collective inside a node.
    pub base: Seconds,
    /// Latency per step inside a node.
    pub step: Seconds,
    /// Latency of an all-to-all per doubling of ranks.
    pub all_to_all_doubling: Seconds,
    /// Factor of the architecture on latencies inside a node.
    pub latency_factor: f64,
    /// Coefficient `c` of the root term. \[√s\]
    pub root_coefficient: f64,
    /// Bandwidth efficiency inside a switched domain: all-reduce, all-gather, reduce-scatter, all-to-all.
    pub efficiency: [f64; 4],
    /// Loss of efficiency with ranks: `e·(1 − loss/n)`.
    pub efficiency_loss: f64,
    /// Bandwidth efficiency over PCI Express, two ranks.
    pub pcie_pair_efficiency: f64,
    /// Bandwidth efficiency over PCI Express, more ranks.
    pub pcie_efficiency: f64,
    /// Bandwidth efficiency of meshes and tori.
    pub mesh_efficiency: f64,
    /// Latency of a collective between nodes.
    pub network_base: Seconds,
    /// Latency per step inside a node of a collective between nodes.
    pub network_inner_step: Seconds,
    /// Latency per step between nodes.
    pub network_step: Seconds,
    /// Bandwidth efficiency of the network.
    pub network_efficiency: f64,
    /// Share of the scale-up bandwidth that a collective between nodes can use.
    pub network_inner_share: f64,
    /// Bandwidth efficiency of all-to-all between nodes.
    pub network_all_to_all_efficiency: f64,
    /// Latency of a one-shot all-reduce kernel of a serving engine: `base + doubling · log₂ n`, if engines have one on this fabric.
    pub one_shot: Option<OneShot>,
}

/// A serving engine's own all-reduce kernel inside a switched domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneShot {
    /// Latency without ranks.
    pub base: Seconds,
    /// Latency per doubling of ranks.
    pub doubling: Seconds,
    /// Share of the link that reading all peers' buffers reaches.
    pub efficiency: f64,
    /// Latency of the two-shot form over that of the one-shot form.
    pub two_shot_latency: f64,
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
        (f64::from(span) / self.stride).floor().clamp(1.0, self.size)
    }
}

fn bus_factor(collective: Collective, ranks: f64) -> f64 {
    let share = (ranks - 1.0) / ranks;
    match collective {
        Collective::AllReduce => 2.0 * share,
        Collective::AllGather | Collective::ReduceScatter | Collective::AllToAll => share,
        Collective::PointToPoint => 1.0,
    }
}

fn steps(collective: Collective, ranks: f64) -> f64 {
    match collective {
        Collective::AllReduce => 2.0 * (ranks - 1.0),
        Collective::AllGather | Collective::ReduceScatter => ranks - 1.0,
        Collective::AllToAll | Collective::PointToPoint => 1.0,
    }
}

impl CollectiveModel {
    /// Time of a collective over a group. Zero for a group of one.
    ///
    /// # Source
    /// Inside a node: fit to nccl-tests on seven NVLink systems (docs/model.md, collectives). Between nodes: ring latencies of NCCL's tuner
    /// (`ncclTunerConstantsDefaults`: base 8.4 µs, NVLink step 3.4 µs, network step 14 µs, Simple protocol).
    #[must_use]
    pub fn time(&self, collective: Collective, bytes: Bytes, ring: Ring, fabric: &Fabric) -> Seconds {
        if ring.size <= 1.0 || bytes.0 <= 0.0 {
            return Seconds::ZERO;
        }
        let tiers = fabric.tiers();
        let Some(outer) = tiers.iter().position(|tier| ring.inside(tier.span) >= ring.size) else {
            return self.across(collective, bytes, ring, tiers, tiers.len() - 1);
        };
        let alone_in_block = outer == 0 || ring.inside(tiers[outer - 1].span) <= 1.0;
        if alone_in_block && tiers[outer].kind != LinkKind::Network {
            return self.within(collective, bytes, ring.size, &tiers[outer]);
        }
        self.across(collective, bytes, ring, tiers, outer)
    }

    /// Time of an all-reduce by a serving engine's own kernel where the fabric has one, else by the library.
    ///
    /// One-shot: every rank reads all others' buffers, `a + (n−1)·S/(e·link)`; two-shot: reduce-scatter and gather,
    /// `1.8·a + 2(n−1)/n·S/link`.
    #[must_use]
    pub fn engine_all_reduce(&self, bytes: Bytes, ring: Ring, fabric: &Fabric) -> Seconds {
        let library = self.time(Collective::AllReduce, bytes, ring, fabric);
        let tier = &fabric.tiers()[0];
        let (Some(one_shot), true) = (self.one_shot, ring.inside(tier.span) >= ring.size && ring.size > 1.0) else {
            return library;
        };
        let n = ring.size;
        let latency = one_shot.base + one_shot.doubling * n.log2();
        let once = latency + bytes * (n - 1.0) / (tier.bandwidth * one_shot.efficiency);
        let twice = latency * one_shot.two_shot_latency + bytes * (2.0 * (n - 1.0) / n) / tier.bandwidth;
        let own = once.min(twice);
        if tier.kind == LinkKind::Switched { own } else { library }
    }

    /// Time of a message from one rank to another `stride` devices away.
    #[must_use]
    pub fn point_to_point(&self, bytes: Bytes, stride: f64, fabric: &Fabric) -> Seconds {
        let tiers = fabric.tiers();
        let tier = tiers.iter().find(|tier| f64::from(tier.span) > stride).unwrap_or(&tiers[tiers.len() - 1]);
        let (latency, efficiency) = match tier.kind {
            LinkKind::Network => (self.network_step, self.network_efficiency),
            LinkKind::Pcie => (self.base, self.pcie_pair_efficiency),
            LinkKind::Mesh => (self.base, self.mesh_efficiency),
            LinkKind::Switched => (self.base * self.latency_factor, self.efficiency[1]),
        };
        latency + tier.latency + bytes / (tier.pair_bandwidth * efficiency)
    }

    /// A collective inside one tier.
    fn within(&self, collective: Collective, bytes: Bytes, ranks: f64, tier: &Tier) -> Seconds {
        let bandwidth = tier.bandwidth * self.inner_efficiency(collective, ranks, tier.kind);
        let transfer = bytes * bus_factor(collective, ranks) / bandwidth;
        let latency = if collective == Collective::AllToAll {
            self.base + self.all_to_all_doubling * ranks.log2()
        } else {
            self.base + self.step * steps(collective, ranks)
        };
        latency * self.latency_factor + transfer + Seconds(self.root_coefficient * transfer.0.sqrt())
    }

    fn inner_efficiency(&self, collective: Collective, ranks: f64, kind: LinkKind) -> f64 {
        match kind {
            LinkKind::Switched => {
                let best = match collective {
                    Collective::AllReduce => self.efficiency[0],
                    Collective::AllGather | Collective::PointToPoint => self.efficiency[1],
                    Collective::ReduceScatter => self.efficiency[2],
                    Collective::AllToAll => self.efficiency[3],
                };
                best * (1.0 - self.efficiency_loss / ranks)
            }
            LinkKind::Mesh => self.mesh_efficiency,
            LinkKind::Pcie if ranks <= 2.0 => self.pcie_pair_efficiency,
            LinkKind::Pcie => self.pcie_efficiency,
            LinkKind::Network => self.network_efficiency,
        }
    }

    /// A collective over several blocks of the tiers below `outer`.
    fn across(&self, collective: Collective, bytes: Bytes, ring: Ring, tiers: &[Tier], outer: usize) -> Seconds {
        let inner = &tiers[outer.saturating_sub(1)];
        let inside = if outer == 0 { 1.0 } else { ring.inside(inner.span) };
        let blocks = (ring.size / inside).ceil();
        let outer = &tiers[outer];
        if collective == Collective::AllToAll {
            return self.all_to_all_across(bytes, ring.size, inside, blocks, inner, outer);
        }
        let flat = self.flat_ring(collective, bytes, ring.size, inside, blocks, inner, outer);
        if inside <= 1.0 {
            return if collective == Collective::AllReduce { flat.min(self.tree(bytes, blocks, outer)) } else { flat };
        }
        flat.min(self.hierarchy(collective, bytes, inside, blocks, inner, outer))
    }

    /// One ring through all ranks; every block's links to the outer tier work side by side.
    #[allow(clippy::too_many_arguments, reason = "the message, the group and the two tiers it crosses")]
    fn flat_ring(
        &self,
        collective: Collective,
        bytes: Bytes,
        ranks: f64,
        inside: f64,
        blocks: f64,
        inner: &Tier,
        outer: &Tier,
    ) -> Seconds {
        let both_ways = if collective == Collective::AllReduce { 2.0 } else { 1.0 };
        let latency = self.network_base
            + self.network_inner_step * (both_ways * (ranks - blocks))
            + self.outer_step(outer) * (both_ways * (blocks - 1.0).max(1.0));
        latency + bytes * bus_factor(collective, ranks) / self.ring_bandwidth(inside, blocks, inner, outer)
    }

    /// An all-reduce over one rank per block: up and down a double binary tree, every rank sending the whole buffer twice.
    fn tree(&self, bytes: Bytes, blocks: f64, outer: &Tier) -> Seconds {
        let latency = self.network_base + self.outer_step(outer) * (2.0 * blocks.log2().ceil());
        latency + bytes * 2.0 / (outer.bandwidth * self.outer_efficiency(blocks, outer))
    }

    fn outer_step(&self, outer: &Tier) -> Seconds {
        if outer.kind == LinkKind::Network { self.network_step + outer.latency } else { self.step + outer.latency }
    }

    fn outer_efficiency(&self, blocks: f64, outer: &Tier) -> f64 {
        match outer.kind {
            LinkKind::Network => self.network_efficiency,
            kind => self.inner_efficiency(Collective::AllGather, blocks, kind),
        }
    }

    fn ring_bandwidth(&self, inside: f64, blocks: f64, inner: &Tier, outer: &Tier) -> BytesPerSec {
        let through_outer = outer.bandwidth * (inside * self.outer_efficiency(blocks, outer));
        if inside <= 1.0 {
            return through_outer;
        }
        through_outer.min(inner.bandwidth * self.network_inner_share)
    }

    /// Reduce inside every block, exchange between blocks, spread inside.
    fn hierarchy(
        &self,
        collective: Collective,
        bytes: Bytes,
        inside: f64,
        blocks: f64,
        inner: &Tier,
        outer: &Tier,
    ) -> Seconds {
        let part = bytes / inside;
        let between = |collective: Collective| {
            let transfer =
                part * bus_factor(collective, blocks) / (outer.bandwidth * self.outer_efficiency(blocks, outer));
            // A tree between blocks: latency grows with the logarithm of the number of blocks.
            let both_ways = if collective == Collective::AllReduce { 2.0 } else { 1.0 };
            self.network_base + self.outer_step(outer) * (both_ways * blocks.log2().ceil().max(1.0)) + transfer
        };
        match collective {
            Collective::AllReduce => {
                self.within(Collective::ReduceScatter, bytes, inside, inner)
                    + between(Collective::AllReduce)
                    + self.within(Collective::AllGather, bytes, inside, inner)
            }
            Collective::AllGather | Collective::ReduceScatter | Collective::PointToPoint | Collective::AllToAll => {
                between(collective) + self.within(collective, bytes, inside, inner)
            }
        }
    }

    /// What stays in the block goes through its links, the rest through each rank's own network link; both at once.
    fn all_to_all_across(
        &self,
        bytes: Bytes,
        ranks: f64,
        inside: f64,
        blocks: f64,
        inner: &Tier,
        outer: &Tier,
    ) -> Seconds {
        let stay = bytes * ((inside - 1.0) / ranks);
        let leave = bytes * ((ranks - inside) / ranks);
        let efficiency = match outer.kind {
            LinkKind::Network => self.network_all_to_all_efficiency,
            _ => self.outer_efficiency(blocks, outer),
        };
        let near = stay / (inner.bandwidth * self.inner_efficiency(Collective::AllToAll, inside.max(2.0), inner.kind));
        let far = leave / (outer.bandwidth * efficiency);
        let latency = match outer.kind {
            LinkKind::Network => self.network_base + self.all_to_all_doubling * blocks.log2(),
            // Islands inside one node start no sooner than one domain of as many ranks.
            _ => (self.base + self.all_to_all_doubling * ranks.log2()) * self.latency_factor,
        };
        latency + self.outer_step(outer) + near.max(far)
    }
}
