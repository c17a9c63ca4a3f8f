//! Collectives over several blocks of the fabric: nodes, or the islands of a node.
use super::route::{Domain, Line, Way};
use super::{CollectiveModel, Ring, reachable};
use crate::hardware::{LinkKind, Tier};
use crate::law::bus_factor;
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

impl CollectiveModel {
    /// A collective over several blocks of the tiers below `outer`.
    pub(super) fn across(&self, collective: Collective, ring: Ring, tiers: &[Tier], outer: usize) -> Way {
        let inner = &tiers[outer.saturating_sub(1)];
        let inside = if outer == 0 { 1.0 } else { ring.inside(inner.span) };
        let blocks = (ring.size / inside).ceil();
        let outer = &tiers[outer];
        if collective == Collective::AllToAll {
            return Way::AllToAll { ranks: ring.size, inside, blocks, inner: *inner, outer: *outer };
        }
        let flat = self.flat_ring(collective, ring.size, inside, blocks, inner, outer);
        if inside <= 1.0 {
            return match collective {
                Collective::AllReduce => Way::RingOrTree(flat, self.tree(blocks, outer)),
                _ => Way::Ring(flat),
            };
        }
        // NCCL gathers and scatters between nodes of several ranks by rings alone (its tuner: no trees, and PAT for one rank per node), whose
        // latency grows with every rank.
        if outer.kind == LinkKind::Network && collective != Collective::AllReduce {
            return Way::Ring(flat);
        }
        Way::RingOrHierarchy {
            ring: flat,
            between: self.between(collective, blocks, outer),
            inside: Domain::new(inner, inside),
        }
    }

    /// One ring through all ranks; every block's links to the outer tier work side by side.
    fn flat_ring(
        &self,
        collective: Collective,
        ranks: f64,
        inside: f64,
        blocks: f64,
        inner: &Tier,
        outer: &Tier,
    ) -> Line {
        let both_ways = if collective == Collective::AllReduce { 2.0 } else { 1.0 };
        let latency = self.network.base
            + self.network.inner_step * (both_ways * (ranks - blocks))
            + self.outer_step(outer) * (both_ways * (blocks - 1.0).max(1.0));
        let bandwidth = self.ring_bandwidth(inside, blocks, inner, outer);
        Line { latency, factor: bus_factor(collective, ranks), bandwidth }
    }

    /// An all-reduce over one rank per block: up and down a double binary tree, every rank sending the whole buffer twice.
    fn tree(&self, blocks: f64, outer: &Tier) -> Line {
        let latency = self.network.base + self.outer_step(outer) * (2.0 * blocks.log2().ceil());
        Line { latency, factor: 2.0, bandwidth: outer.bandwidth * self.outer_efficiency(blocks, outer) }
    }

    fn outer_step(&self, outer: &Tier) -> Seconds {
        let step = match outer.kind {
            LinkKind::Network => self.network.step,
            kind => self.library(kind).all_gather.step,
        };
        step + outer.latency
    }

    fn outer_efficiency(&self, blocks: f64, outer: &Tier) -> f64 {
        match outer.kind {
            LinkKind::Network => self.network.efficiency,
            kind => self.library(kind).efficiency(Collective::AllGather, blocks.max(2.0)),
        }
    }

    fn ring_bandwidth(&self, inside: f64, blocks: f64, inner: &Tier, outer: &Tier) -> BytesPerSec {
        let through_outer = outer.bandwidth * (inside * self.outer_efficiency(blocks, outer));
        if inside <= 1.0 {
            return through_outer;
        }
        let share = match inner.kind {
            LinkKind::Switched => self.network.inner_share,
            kind => self.library(kind).efficiency(Collective::AllGather, inside),
        };
        through_outer.min(reachable(inner, inside) * share)
    }

    /// What blocks exchange of the part that each of their ranks has: a tree, whose latency grows with the logarithm of the number of blocks.
    fn between(&self, collective: Collective, blocks: f64, outer: &Tier) -> Line {
        let both_ways = if collective == Collective::AllReduce { 2.0 } else { 1.0 };
        let steps = both_ways * blocks.log2().ceil().max(1.0);
        Line {
            latency: self.network.base + self.outer_step(outer) * steps,
            factor: bus_factor(collective, blocks),
            bandwidth: outer.bandwidth * self.outer_efficiency(blocks, outer),
        }
    }

    /// What stays in the block goes through its links, the rest through each rank's own network link; both at once.
    pub(super) fn all_to_all_across(
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
            LinkKind::Network => self.network.all_to_all_efficiency,
            _ => self.outer_efficiency(blocks, outer),
        };
        let library = self.library(inner.kind);
        let ranks_near = inside.max(2.0);
        let near = stay / (reachable(inner, ranks_near) * library.efficiency(Collective::AllToAll, ranks_near));
        let far = leave / (outer.bandwidth * efficiency);
        let latency = match outer.kind {
            LinkKind::Network => self.network.base + library.all_to_all.step * blocks.log2(),
            // Islands inside one node start no sooner than one domain of as many ranks.
            _ => library.all_to_all.base + library.all_to_all.step * ranks.log2(),
        };
        latency + self.outer_step(outer) + near.max(far)
    }
}
