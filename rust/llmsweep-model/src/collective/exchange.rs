//! Tokens to their experts and back, by kernels made for it.
use super::{CollectiveModel, Ring, network_share};
use crate::hardware::{Fabric, LinkKind};
use crate::law::{Exchange, ExchangeLaw};
use crate::quantity::{Bytes, Seconds};
use crate::work::{Collective, Routed};

/// Kernels of one sort.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExchangeKernels {
    /// Tokens to their experts.
    pub dispatch: ExchangeLaw,
    /// Results back.
    pub combine: ExchangeLaw,
}

impl ExchangeKernels {
    fn with_latencies_times(self, factor: f64) -> Self {
        Self {
            dispatch: self.dispatch.with_latencies_times(factor),
            combine: self.combine.with_latencies_times(factor),
        }
    }
}

/// Kernels for few tokens and for many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchanges {
    /// One copy of a token for each of its experts.
    pub low_latency: ExchangeKernels,
    /// One copy of a token for each rank and domain.
    pub bulk: ExchangeKernels,
}

impl Exchanges {
    /// The same kernels with other latencies: those of another architecture.
    #[must_use]
    pub fn with_latencies_times(self, factor: f64) -> Self {
        Self {
            low_latency: self.low_latency.with_latencies_times(factor),
            bulk: self.bulk.with_latencies_times(factor),
        }
    }
}

impl CollectiveModel {
    /// Time of an exchange of tokens: the faster kernel where the domain is switched, else the library's all-to-all of `bytes`, what one rank
    /// sends away. Bulk kernels wait for the host, so that a captured graph has those of low latency alone.
    #[must_use]
    pub fn exchange(&self, routed: &Routed, bytes: Bytes, ring: Ring, fabric: &Fabric) -> Seconds {
        let tiers = fabric.tiers();
        let (inner, outer) = (&tiers[0], &tiers[tiers.len() - 1]);
        let inside = ring.inside(inner.span);
        let kernels = match self.exchanges {
            Some(kernels)
                if inner.kind == LinkKind::Switched && ring.size > 1.0 && (inside > 1.0 || tiers.len() == 1) =>
            {
                kernels
            }
            _ => return self.time(Collective::AllToAll, bytes, ring, fabric),
        };
        // A domain smaller than a host sends through PCI Express first.
        let beyond = if inside < ring.size && tiers.len() > 2 { tiers[1] } else { *outer };
        let share = match fabric.pods() {
            Some(pods) if beyond.kind == LinkKind::Network => {
                network_share(Collective::AllToAll, ring, fabric.node_devices(), pods)
            }
            _ => 1.0,
        };
        let time = |kernels: &ExchangeKernels, copy_per_expert: bool| {
            let law = if routed.back { kernels.combine } else { kernels.dispatch };
            let exchange = Exchange {
                bytes: routed.bytes,
                top_k: routed.top_k,
                experts: routed.experts,
                ranks: ring.size,
                nodes: (ring.size / inside).ceil(),
                copy_per_expert,
            };
            law.seconds(inner.bandwidth, beyond.bandwidth * share, &exchange)
        };
        let low_latency = time(&kernels.low_latency, true);
        if routed.captured { low_latency } else { low_latency.min(time(&kernels.bulk, false)) }
    }
}
