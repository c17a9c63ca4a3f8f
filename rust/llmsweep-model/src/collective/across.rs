//! Collectives over several blocks of the fabric: nodes, or the islands of a node.
use super::{CollectiveModel, Ring, reachable};
use crate::hardware::{LinkKind, Tier};
use crate::law::bus_factor;
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

impl CollectiveModel {
    /// A collective over several blocks of the tiers below `outer`.
    pub(super) fn across(
        &self,
        collective: Collective,
        bytes: Bytes,
        ring: Ring,
        tiers: &[Tier],
        outer: usize,
    ) -> Seconds {
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
        // NCCL gathers and scatters between nodes of several ranks by rings alone (its tuner: no trees, and PAT for one rank per node), whose
        // latency grows with every rank.
        if outer.kind == LinkKind::Network && collective != Collective::AllReduce {
            return flat;
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
        let latency = self.network.base
            + self.network.inner_step * (both_ways * (ranks - blocks))
            + self.outer_step(outer) * (both_ways * (blocks - 1.0).max(1.0));
        latency + bytes * bus_factor(collective, ranks) / self.ring_bandwidth(inside, blocks, inner, outer)
    }

    /// An all-reduce over one rank per block: up and down a double binary tree, every rank sending the whole buffer twice.
    fn tree(&self, bytes: Bytes, blocks: f64, outer: &Tier) -> Seconds {
        let latency = self.network.base + self.outer_step(outer) * (2.0 * blocks.log2().ceil());
        latency + bytes * 2.0 / (outer.bandwidth * self.outer_efficiency(blocks, outer))
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
            self.network.base + self.outer_step(outer) * (both_ways * blocks.log2().ceil().max(1.0)) + transfer
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
