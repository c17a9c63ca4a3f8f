//! Tokens to their experts and back: dispatch and combine of expert parallelism.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::experts::distinct_ranks;

/// A token exchange, as one rank sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Its tokens, each counted once.
    pub bytes: Bytes,
    /// Experts that a token chooses.
    pub top_k: f64,
    /// Experts of the layer.
    pub experts: f64,
    /// Ranks that share the experts.
    pub ranks: f64,
    /// Domains over which these ranks are spread.
    pub nodes: f64,
    /// Whether every chosen expert gets a copy of its own, as kernels of low latency send them; otherwise a rank and a domain get one copy.
    pub copy_per_expert: bool,
}

impl Exchange {
    /// Bytes that leave through the links of the domain, and through the network.
    fn near_and_far(&self) -> (Bytes, Bytes) {
        let others = (self.nodes - 1.0) / self.nodes;
        if self.copy_per_expert {
            return (self.bytes * (self.top_k / self.nodes), self.bytes * (self.top_k * others));
        }
        let ranks = distinct_ranks(self.ranks, self.top_k);
        (self.bytes * ranks, self.bytes * (distinct_ranks(self.nodes, self.top_k) * others))
    }
}

/// Latency, and the slower of what the domain's links and what the network carries.
///
/// ```text
/// t = base + expert·E + hop·(N−1)/N + w + c·√w      w = max(near / (link·e), far·(1 + congestion·(N−2)) / (NIC·e_n))
/// ```
///
/// A kernel of low latency sends each of the k copies of a token straight to its expert: `near = T·H·b·k/N`, `far = T·H·b·k·(N−1)/N`. A bulk
/// kernel sends one copy to a domain, which hands it on to the ranks that want it: `far = T·H·b·(domains met, but the own)`,
/// `near = T·H·b·(ranks met)`. Every expert's count of tokens is exchanged first: `expert·E`. Congestion counts from the third domain on.
///
/// # Source
/// DeepEP, low latency and bulk, on six systems of 4 or 8 devices and on H100 over 2, 4 and 8 nodes, and TensorRT-LLM's two-sided kernels on
/// 2 to 64 devices of one domain: 5.3 % on token counts that the fit did not see, 1 to 6 % between nodes at low latency.
///
/// ```
/// # use llmsweep_model::{law::{Exchange, ExchangeLaw}, quantity::*};
/// let law = ExchangeLaw { base: Seconds(1e-5), expert: Seconds(1e-8), efficiency: 0.6, hop: Seconds(2e-5), network_efficiency: 0.9,
///     congestion: 0.0, root: 0.0 };
/// // 128 tokens of 7,168 bytes to 8 of 256 experts on two nodes of eight: 3.67 MB cross the network of 50 GB/s.
/// let exchange = Exchange { bytes: Bytes(128.0 * 7168.0), top_k: 8.0, experts: 256.0, ranks: 16.0, nodes: 2.0, copy_per_expert: true };
/// let time = law.seconds(BytesPerSec(450e9), BytesPerSec(50e9), &exchange);
/// assert!((time.0 - (1e-5 + 2.56e-6 + 1e-5 + 3.67e6 / 45e9)).abs() < 1e-7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExchangeLaw {
    /// Latency without experts.
    pub base: Seconds,
    /// Latency of each expert.
    pub expert: Seconds,
    /// Share of the domain's links that is reached.
    pub efficiency: f64,
    /// Latency of the network, times the share of other domains.
    pub hop: Seconds,
    /// Share of the network's links that is reached.
    pub network_efficiency: f64,
    /// What each domain beyond the second adds to the time on the network.
    pub congestion: f64,
    /// Coefficient of the root term. \[√s\]
    pub root: f64,
}

impl ExchangeLaw {
    /// Time of an exchange.
    #[must_use]
    pub fn seconds(&self, link: BytesPerSec, network: BytesPerSec, exchange: &Exchange) -> Seconds {
        let (near, far) = exchange.near_and_far();
        let nodes = exchange.nodes;
        let inside = near / (link * self.efficiency);
        let crowd = 1.0 + self.congestion * (nodes - 2.0).max(0.0);
        let wire = if nodes > 1.0 { inside.max(far / (network * self.network_efficiency) * crowd) } else { inside };
        let latency = self.base + self.expert * exchange.experts + self.hop * ((nodes - 1.0) / nodes);
        latency + wire + Seconds(self.root * wire.0.sqrt())
    }

    /// The same law with other latencies: those of another architecture.
    #[must_use]
    pub fn with_latencies_times(self, factor: f64) -> Self {
        Self { base: self.base * factor, expert: self.expert * factor, ..self }
    }

    const fn coefficients(start: [f64; 4]) -> [Coefficient; 7] {
        [
            Coefficient { name: "base_s", doc: "latency without experts", low: 1e-7, start: start[0], high: 3e-4 },
            Coefficient { name: "expert_s", doc: "latency of each expert", low: 0.0, start: start[1], high: 2e-7 },
            Coefficient {
                name: "efficiency",
                doc: "share of the domain's links that is reached",
                low: 0.02,
                start: start[2],
                high: 1.0,
            },
            Coefficient { name: "hop_s", doc: "latency of the network", low: 0.0, start: 2e-5, high: 3e-4 },
            Coefficient {
                name: "network_efficiency",
                doc: "share of the network's links that is reached",
                low: 0.02,
                start: 0.93,
                high: 1.0,
            },
            Coefficient {
                name: "congestion",
                doc: "what each domain beyond the second adds to the time on the network",
                low: 0.0,
                start: 1e-2,
                high: 3.0,
            },
            Coefficient {
                name: "root_sqrt_s",
                doc: "coefficient of the root of the transfer",
                low: 0.0,
                start: start[3],
                high: 0.03,
            },
        ]
    }

    fn from_slice(coefficients: &[f64]) -> Self {
        Self {
            base: Seconds(coefficients[0]),
            expert: Seconds(coefficients[1]),
            efficiency: coefficients[2],
            hop: Seconds(coefficients[3]),
            network_efficiency: coefficients[4],
            congestion: coefficients[5],
            root: coefficients[6],
        }
    }

    fn of_inputs(&self, chip: &Chip, inputs: &[f64]) -> Seconds {
        let &[tokens, hidden, top_k, experts, ranks, nodes, value_bytes, copy_per_expert] = inputs else {
            return Seconds::ZERO;
        };
        let exchange = Exchange {
            bytes: Bytes(tokens * hidden * value_bytes),
            top_k,
            experts,
            ranks,
            nodes,
            copy_per_expert: copy_per_expert > 0.0,
        };
        self.seconds(chip.link, chip.network, &exchange)
    }
}

const INPUTS: &[Input] = &[
    Input { name: "tokens", doc: "tokens of one rank" },
    Input { name: "hidden", doc: "values of a token" },
    Input { name: "top_k", doc: "experts that a token chooses" },
    Input { name: "experts", doc: "experts of the layer" },
    Input { name: "ranks", doc: "devices that share the experts" },
    Input { name: "nodes", doc: "scale-up domains over which they are spread" },
    Input { name: "value_bytes", doc: "bytes of a value, with its scales" },
    Input { name: "copy_per_expert", doc: "1: every chosen expert gets a copy of its own; 0: a rank gets one" },
];

/// A direction of the exchange.
macro_rules! exchange_family {
    ($law:ident, $family:literal, $doc:literal, $start:expr) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $law(pub ExchangeLaw);

        impl Law for $law {
            const FAMILY: &'static str = $family;
            const DOC: &'static str = $doc;
            const INPUTS: &'static [Input] = INPUTS;
            const COEFFICIENTS: &'static [Coefficient] = &ExchangeLaw::coefficients($start);

            fn of(coefficients: &[f64]) -> Self {
                Self(ExchangeLaw::from_slice(coefficients))
            }

            fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
                self.0.of_inputs(chip, inputs)
            }
        }
    };
}

exchange_family!(DispatchLaw, "dispatch", "Tokens to the ranks of their experts.", [1.5e-5, 1.2e-8, 0.60, 5e-4]);
exchange_family!(
    CombineLaw,
    "combine",
    "Experts' results back to the ranks of their tokens.",
    [1.5e-5, 1.0e-8, 0.65, 5e-4]
);
