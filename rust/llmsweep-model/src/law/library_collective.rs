//! Collectives of a communication library (NCCL, RCCL) inside one domain: rings with two protocols, and sums inside the switch.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

/// Ranks up to which NCCL sums on rings, not in the switch.
const LARGEST_RING_OF_SWITCH: f64 = 4.0;

/// Devices that share a host's path at most.
const HOST: f64 = 8.0;

/// A collective on rings: the faster of a protocol of low latency and one of high bandwidth.
///
/// ```text
/// t = a + c·√x + min(x / share, bulk·a + x)      a = base + step·steps(n)      x = V·spread(n) / link
/// ```
///
/// V are the bus bytes: `2(n−1)/n·S` of an all-reduce, `(n−1)/n·S` of the others. Steps are `2(n−1)` of an all-reduce, `n−1` of a gather
/// or scatter, `log₂ n` of an all-to-all. NCCL's low-latency protocols (LL, LL128) send flags with the data, so they reach a `share` of
/// the bandwidth; its bulk protocol (Simple) synchronises instead, which costs `bulk` times the latency once more. The root is what a
/// pipeline loses to fill, with the best number of chunks. For the spread see [`spread`].
///
/// # Source
/// nccl-tests on nine systems, 512 B to 1 GiB on 2, 4 and 8 devices: 4.5 % on sizes that the fit did not see; NCCL `src/graph/tuning.cc`.
///
/// ```
/// # use llmsweep_model::{law::RingLaw, quantity::*, work::Collective};
/// let law = RingLaw { base: Seconds(5e-6), step: Seconds(1e-6), pair_efficiency: 0.5, ring_efficiency: 0.8, crowding: 0.0,
///     root: 1e-3, bulk_latency: 1.0, low_latency_share: 0.5 };
/// // Eight ranks gather 512 MiB: 7 steps, V = 470 MB, 1/spread = (1/0.5 + 6/0.8)/7.
/// let x: f64 = 0.875 * 536_870_912.0 / 450e9 * (2.0 + 7.5) / 7.0;
/// let time = law.seconds(Collective::AllGather, BytesPerSec(450e9), 8.0, Bytes(536_870_912.0));
/// assert!((time.0 - (12e-6 + 1e-3 * x.sqrt() + 12e-6 + x)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RingLaw {
    /// Latency without ranks.
    pub base: Seconds,
    /// Latency of each step.
    pub step: Seconds,
    /// Share of the link that two ranks reach.
    pub pair_efficiency: f64,
    /// Share of the link that many ranks reach.
    pub ring_efficiency: f64,
    /// What ranks beyond two lose to each other on a shared path.
    pub crowding: f64,
    /// Coefficient of the root term. \[√s\]
    pub root: f64,
    /// Latency of the bulk protocol over that of the other, less one.
    pub bulk_latency: f64,
    /// Share of the bulk protocol's bandwidth that the protocol of low latency reaches.
    pub low_latency_share: f64,
}

/// How much longer than the link's rate a ring takes: `(1/e₂ + (n−2)·(1/e + κ·min(n−2, 6))) / (n−1)`.
///
/// Two ranks use fewer links or channels than many do, so that each further rank moves the mean from `e₂` towards `e`. Where all ranks
/// share the host's path (PCI Express without peer-to-peer) each of them is slower the more there are, up to a host's eight; where links are
/// switched `κ` is next to nothing.
#[must_use]
pub(super) fn spread(ranks: f64, pair: f64, ring: f64, crowding: f64) -> f64 {
    let further = ranks - 2.0;
    (1.0 / pair + further * (1.0 / ring + crowding * further.min(HOST - 2.0))) / (ranks - 1.0)
}

/// Share of the buffer that every rank sends: `2(n−1)/n` of an all-reduce, `(n−1)/n` of the others.
#[must_use]
pub fn bus_factor(collective: Collective, ranks: f64) -> f64 {
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
        Collective::AllToAll => ranks.log2(),
        Collective::PointToPoint => 1.0,
    }
}

impl RingLaw {
    /// Time of a collective of at least two ranks.
    #[must_use]
    pub fn seconds(&self, collective: Collective, link: BytesPerSec, ranks: f64, bytes: Bytes) -> Seconds {
        let latency = self.base + self.step * steps(collective, ranks);
        let spread = spread(ranks, self.pair_efficiency, self.ring_efficiency, self.crowding);
        let transfer = bytes * bus_factor(collective, ranks) / link * spread;
        let quick = transfer / self.low_latency_share;
        let bulk = latency * self.bulk_latency + transfer;
        latency + Seconds(self.root * transfer.0.sqrt()) + quick.min(bulk)
    }

    /// Share of the link that many bytes reach between at least two ranks.
    #[must_use]
    pub fn efficiency(&self, ranks: f64) -> f64 {
        1.0 / spread(ranks, self.pair_efficiency, self.ring_efficiency, self.crowding)
    }

    /// The same law with other latencies: those of another architecture.
    #[must_use]
    pub fn with_latencies_times(self, factor: f64) -> Self {
        Self { base: self.base * factor, step: self.step * factor, ..self }
    }

    const fn coefficients(start: [f64; 8]) -> [Coefficient; 8] {
        [
            Coefficient { name: "base_s", doc: "latency without ranks", low: 1e-7, start: start[0], high: 1e-4 },
            Coefficient { name: "step_s", doc: "latency of each step", low: 1e-8, start: start[1], high: 2e-5 },
            Coefficient {
                name: "pair_efficiency",
                doc: "share of the link that two ranks reach",
                low: 0.02,
                start: start[2],
                high: 1.0,
            },
            Coefficient {
                name: "ring_efficiency",
                doc: "share of the link that many ranks reach",
                low: 0.02,
                start: start[3],
                high: 0.9,
            },
            // Between nothing on switched links and four on a shared path: a fit reaches both from here.
            Coefficient {
                name: "crowding",
                doc: "what ranks beyond two lose to each other on a shared path",
                low: 0.0,
                start: start[4],
                high: 10.0,
            },
            Coefficient {
                name: "root_sqrt_s",
                doc: "coefficient of the root of the transfer",
                low: 0.0,
                start: start[5],
                high: 0.02,
            },
            Coefficient {
                name: "bulk_latency",
                doc: "latency of the bulk protocol over that of the other, less one",
                low: 0.0,
                start: start[6],
                high: 6.0,
            },
            Coefficient {
                name: "low_latency_share",
                doc: "share of the bandwidth that the protocol of low latency reaches",
                low: 0.02,
                start: start[7],
                high: 1.0,
            },
        ]
    }

    fn from_slice(coefficients: &[f64]) -> Self {
        Self {
            base: Seconds(coefficients[0]),
            step: Seconds(coefficients[1]),
            pair_efficiency: coefficients[2],
            ring_efficiency: coefficients[3],
            crowding: coefficients[4],
            root: coefficients[5],
            bulk_latency: coefficients[6],
            low_latency_share: coefficients[7],
        }
    }
}

/// What describes a collective.
const INPUTS: &[Input] =
    &[Input { name: "ranks", doc: "devices that take part" }, Input { name: "bytes", doc: "the whole buffer" }];

/// An all-reduce: on rings or, over five ranks and more, inside the switch, whichever is faster.
///
/// In the switch (NVLink SHARP) every rank sends its buffer once, which the switch sums, and its part of the sum once more:
/// `t = latency + (n+1)/n·S / (link·e)`. The protocol's latency is high and does not grow with the ranks.
///
/// ```
/// # use llmsweep_model::{law::{AllReduceLaw, RingLaw}, quantity::*};
/// let ring = RingLaw { base: Seconds(4.8e-6), step: Seconds(8e-7), pair_efficiency: 0.7, ring_efficiency: 0.9, crowding: 0.0,
///     root: 1.7e-3, bulk_latency: 1.0, low_latency_share: 0.67 };
/// let law = AllReduceLaw { ring, switch_latency: Seconds(7e-5), switch_efficiency: 0.66 };
/// // 512 MiB over eight H100: 445 GB/s of bus bandwidth were measured, which rings do not reach.
/// let time = law.seconds(BytesPerSec(450e9), 8.0, Bytes(536_870_912.0));
/// assert!((1.75 * 536_870_912.0 / time.0 / 445e9 - 1.0).abs() < 0.01);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AllReduceLaw {
    /// On rings.
    pub ring: RingLaw,
    /// Latency of a sum in the switch.
    pub switch_latency: Seconds,
    /// Share of the link that a sum in the switch reaches; zero where the switch doesn't sum.
    pub switch_efficiency: f64,
}

impl AllReduceLaw {
    /// Time of an all-reduce over at least two ranks.
    #[must_use]
    pub fn seconds(&self, link: BytesPerSec, ranks: f64, bytes: Bytes) -> Seconds {
        let ring = self.ring.seconds(Collective::AllReduce, link, ranks, bytes);
        if ranks <= LARGEST_RING_OF_SWITCH || self.switch_efficiency <= 0.0 {
            return ring;
        }
        ring.min(self.switch_latency + bytes * ((ranks + 1.0) / ranks) / (link * self.switch_efficiency))
    }
}

impl Law for AllReduceLaw {
    const FAMILY: &'static str = "all_reduce";
    const DOC: &'static str = "All-reduce of the library: on rings or inside the switch.";
    const INPUTS: &'static [Input] = INPUTS;
    const COEFFICIENTS: &'static [Coefficient] = &{
        let ring = RingLaw::coefficients([6.84e-6, 1.14e-6, 0.624, 0.834, 0.3, 0.5e-3, 1.5, 0.458]);
        [
            ring[0],
            ring[1],
            ring[2],
            ring[3],
            ring[4],
            ring[5],
            ring[6],
            ring[7],
            Coefficient {
                name: "switch_latency_s",
                doc: "latency of a sum in the switch",
                low: 5e-6,
                start: 7e-5,
                high: 4e-4,
            },
            Coefficient {
                name: "switch_efficiency",
                doc: "share of the link that a sum in the switch reaches",
                low: 0.0,
                start: 0.6,
                high: 0.75,
            },
        ]
    };

    fn of(coefficients: &[f64]) -> Self {
        Self {
            ring: RingLaw::from_slice(coefficients),
            switch_latency: Seconds(coefficients[8]),
            switch_efficiency: coefficients[9],
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
        self.seconds(chip.link, inputs[0], Bytes(inputs[1]))
    }
}

/// A family whose law is a ring alone.
macro_rules! ring_family {
    ($law:ident, $collective:ident, $family:literal, $doc:literal, $start:expr) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $law(pub RingLaw);

        impl Law for $law {
            const FAMILY: &'static str = $family;
            const DOC: &'static str = $doc;
            const INPUTS: &'static [Input] = INPUTS;
            const COEFFICIENTS: &'static [Coefficient] = &RingLaw::coefficients($start);

            fn of(coefficients: &[f64]) -> Self {
                Self(RingLaw::from_slice(coefficients))
            }

            fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
                self.0.seconds(Collective::$collective, chip.link, inputs[0], Bytes(inputs[1]))
            }
        }
    };
}

ring_family!(
    AllGatherLaw,
    AllGather,
    "all_gather",
    "All-gather of the library.",
    [6.63e-6, 1.20e-6, 0.563, 0.831, 0.3, 1.39e-3, 1.35, 0.464]
);
ring_family!(
    ReduceScatterLaw,
    ReduceScatter,
    "reduce_scatter",
    "Reduce-scatter of the library.",
    [6.73e-6, 1.17e-6, 0.490, 0.801, 0.3, 0.62e-3, 1.38, 0.485]
);
ring_family!(
    AllToAllLaw,
    AllToAll,
    "all_to_all",
    "All-to-all of the library.",
    [8.05e-6, 0.54e-6, 0.473, 0.811, 0.3, 1.77e-3, 0.41, 0.06]
);
