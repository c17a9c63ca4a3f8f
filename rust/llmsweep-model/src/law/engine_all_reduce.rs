//! All-reduce by serving engines' own kernels, in a captured graph.
use super::library_collective::spread;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, BytesPerSec, Seconds};

/// The faster of one shot (every rank reads all peers' buffers and sums them itself) and two shots (every rank sums a part, then gathers).
///
/// ```text
/// t = a + min((n−1)·S / (link·e₁), b + d·(n−1) + x + c·√x)        a = base + doubling·log₂ n
/// x = 2(n−1)/n·S·spread(n) / link
/// ```
///
/// One shot has one round of flags and sends `n/2` times the bytes; two shots have a second round, `b + d·(n−1)`. Above some size engines
/// hand over to the library, at thresholds of their own: the second form stands for that too.
///
/// # Source
/// vLLM, SGLang and TensorRT-LLM in captured graphs on nine systems, 256 B to 1 GiB on 2, 4 and 8 devices: 4.5 % on sizes that the fit
/// did not see. Eager kernels take 19 to 46 µs, which is the host.
///
/// ```
/// # use llmsweep_model::{law::EngineAllReduceLaw, quantity::*};
/// let law = EngineAllReduceLaw { base: Seconds(4e-6), doubling: Seconds(3e-7), one_shot_efficiency: 0.5, second_base: Seconds(1e-6),
///     second_step: Seconds(0.0), pair_efficiency: 0.7, ring_efficiency: 0.9, crowding: 0.0, root: 2e-3 };
/// // 64 KiB on eight devices: one shot, 4.9 µs + 7·65,536/(450e9·0.5).
/// let time = law.seconds(BytesPerSec(450e9), 8.0, Bytes(65_536.0));
/// assert!((time.0 - (4.9e-6 + 7.0 * 65_536.0 / 225e9)).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineAllReduceLaw {
    /// Latency without ranks.
    pub base: Seconds,
    /// Latency of each doubling of ranks.
    pub doubling: Seconds,
    /// Share of the link that reading all peers' buffers reaches.
    pub one_shot_efficiency: f64,
    /// What a second round adds.
    pub second_base: Seconds,
    /// What a second round adds for each peer.
    pub second_step: Seconds,
    /// Share of the link that two shots between two ranks reach.
    pub pair_efficiency: f64,
    /// Share of the link that two shots between many ranks reach; above one where the switch sums.
    pub ring_efficiency: f64,
    /// What ranks beyond two lose to each other on a shared path.
    pub crowding: f64,
    /// Coefficient of the root term. \[√s\]
    pub root: f64,
}

impl EngineAllReduceLaw {
    /// Time of an all-reduce over at least two ranks.
    #[must_use]
    pub fn seconds(&self, link: BytesPerSec, ranks: f64, bytes: Bytes) -> Seconds {
        let peers = ranks - 1.0;
        let one_shot = bytes * peers / (link * self.one_shot_efficiency);
        let spread = spread(ranks, self.pair_efficiency, self.ring_efficiency, self.crowding);
        let transfer = bytes * (2.0 * peers / ranks) / link * spread;
        let two_shots = self.second_base + self.second_step * peers + transfer + Seconds(self.root * transfer.0.sqrt());
        self.base + self.doubling * ranks.log2() + one_shot.min(two_shots)
    }

    /// The same law with other latencies: those of another architecture.
    #[must_use]
    pub fn with_latencies_times(self, factor: f64) -> Self {
        Self {
            base: self.base * factor,
            doubling: self.doubling * factor,
            second_base: self.second_base * factor,
            second_step: self.second_step * factor,
            ..self
        }
    }
}

const fn coefficient(name: &'static str, doc: &'static str, low: f64, start: f64, high: f64) -> Coefficient {
    Coefficient { name, doc, low, start, high }
}

impl Law for EngineAllReduceLaw {
    const FAMILY: &'static str = "engine_all_reduce";
    const DOC: &'static str = "All-reduce by serving engines' own kernels: one shot or two.";
    const INPUTS: &'static [Input] =
        &[Input { name: "ranks", doc: "devices that take part" }, Input { name: "bytes", doc: "the whole buffer" }];
    const COEFFICIENTS: &'static [Coefficient] = &[
        coefficient("base_s", "latency without ranks", 0.0, 3.6e-6, 1e-4),
        coefficient("doubling_s", "latency of each doubling of ranks", 0.0, 3.9e-7, 3e-5),
        coefficient("one_shot_efficiency", "share of the link that one shot reaches", 0.02, 0.53, 1.0),
        coefficient("second_base_s", "what a second round adds", 0.0, 1e-6, 1e-4),
        coefficient("second_step_s", "what a second round adds for each peer", 0.0, 4.5e-7, 1e-5),
        coefficient("pair_efficiency", "share of the link that two shots between two ranks reach", 0.02, 0.65, 1.0),
        coefficient("ring_efficiency", "share of the link that two shots between many ranks reach", 0.02, 0.87, 1.3),
        coefficient("crowding", "what ranks beyond two lose to each other on a shared path", 0.0, 1e-3, 10.0),
        coefficient("root_sqrt_s", "coefficient of the root of the transfer", 0.0, 2e-3, 0.02),
    ];

    fn of(coefficients: &[f64]) -> Self {
        Self {
            base: Seconds(coefficients[0]),
            doubling: Seconds(coefficients[1]),
            one_shot_efficiency: coefficients[2],
            second_base: Seconds(coefficients[3]),
            second_step: Seconds(coefficients[4]),
            pair_efficiency: coefficients[5],
            ring_efficiency: coefficients[6],
            crowding: coefficients[7],
            root: coefficients[8],
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
        self.seconds(chip.link, inputs[0], Bytes(inputs[1]))
    }
}
