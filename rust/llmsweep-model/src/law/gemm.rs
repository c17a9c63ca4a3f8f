//! One dense matrix multiplication: `m` tokens times a weight of `k` by `n`.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, Seconds};

/// Copies of the weights that the public timing loop goes through in turn: on boards whose cache outruns their memory the step in its
/// timings lies at a sixth of the cache (16.8 MB of weights on the L40S, 22.4 MB on the RTX PRO 6000).
const COPIES: f64 = 6.0;

/// Share of L2 that activations can hold in a timing loop.
const ACTIVATION_SHARE: f64 = 0.5;

/// Largest tile of a result: rows, columns.
const TILE: (f64, f64) = (256.0, 128.0);

/// Length of a kernel at which half of the slowdown of long kernels has set in.
const HEATED: f64 = 200e-6;

/// Rows that operands are aligned to.
const ALIGNMENT: f64 = 16.0;

/// The shape of a multiplication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GemmShape {
    /// Rows of the result: tokens.
    pub m: f64,
    /// Columns of the result.
    pub n: f64,
    /// Depth that is summed over.
    pub k: f64,
}

/// `t = t₀ + Q + √(C² + M² + L²)`: the longest of arithmetic, memory and latency, rounded.
///
/// - `c = 2·(m·n + φ·SM·min(m, 256)·min(n, 128))·(k + k₀)/(P·e_c)`, `C = c·(1 + g·c/(c + 200 µs))`: arithmetic. `φ`: tiles on which units
///   idle in the last wave (on average, thus smooth); `k₀`: filling and draining a tile's pipeline; `g`: long kernels run at lower clocks.
/// - `M = (a·m·k + w·n·k + 2·m·n)/(BW·e_m)` with `a`, `w` bytes per value. In a timing loop weights up to a sixth of L2 and activations up
///   to half of it come from there, `ρ` times faster.
/// - `L = τ·k/√(1 + k/k_s)`: one tile's walk along `k`; beyond `k_s` the depth is split over units.
/// - `Q = q·m·k/BW`: the pass that rounds activations, where they are narrower than 16 bits.
/// - Rows that are no multiple of 16 stretch `C` by `1 + u` in measured kernels ([`Law::time`]); engines pad, so [`Self::seconds`] leaves it
///   out.
///
/// Shape and coefficients from 1.9 million timings of ten accelerators (aiconfigurator): median error over shapes not fitted 5.3 %.
/// Cold, never below the datasheet: `C ≥ 2mnk/P` and `M ≥ bytes/BW`.
///
/// ```
/// # use llmsweep_model::{law::{Chip, GemmLaw, GemmShape, Law}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = GemmLaw::of(&[2.6e-6, 0.86, 0.84, 2.3e-9, 770.0, 113.0, 0.02, 0.1, 5.0, 1.1, 0.01]); // H100, bf16
/// let decode = law.seconds(&chip, &GemmShape { m: 16.0, n: 4096.0, k: 4096.0 }, false);
/// assert!((decode.0 - 15.2e-6).abs() < 1e-7); // 33.6 MB of weights; measured 16.6 µs
/// let prefill = law.seconds(&chip, &GemmShape { m: 8192.0, n: 4096.0, k: 4096.0 }, false);
/// assert!((prefill.0 - 361.2e-6).abs() < 1e-7); // 275 GFLOP; measured 347 µs
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GemmLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the peak that large multiplications reach, `e_c`.
    pub compute_efficiency: f64,
    /// Share of the memory bandwidth, `e_m`.
    pub memory_efficiency: f64,
    /// Time of one tile per step of depth, `τ`.
    pub step: Seconds,
    /// Depth beyond which the sum is split over units, `k_s`.
    pub split_depth: f64,
    /// Depth that filling and draining a tile costs, `k₀`.
    pub fill_depth: f64,
    /// Tiles per unit that idle, `φ`.
    pub idle_tiles: f64,
    /// Slowdown of long kernels, `g`.
    pub slowdown: f64,
    /// Traffic of rounding one activation, `q`.
    pub quantise_bytes: Bytes,
    /// Speed of L2 against memory, `ρ`.
    pub l2_speed: f64,
    /// What rows that are no multiple of 16 add to arithmetic, `u`.
    pub ragged: f64,
}

impl GemmLaw {
    /// Time of one multiplication, rounding of its activations included; rows padded to whole sixteens by the engine.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &GemmShape, warm: bool) -> Seconds {
        self.multiplication(chip, shape, warm) + self.quantisation(chip, shape.m, shape.k)
    }

    /// Time of the multiplication alone.
    #[must_use]
    pub fn multiplication(&self, chip: &Chip, shape: &GemmShape, warm: bool) -> Seconds {
        self.stretched(chip, shape, warm, 1.0)
    }

    /// Time of rounding `rows` rows of `width` activations: nothing where they stay at 16 bits.
    #[must_use]
    pub fn quantisation(&self, chip: &Chip, rows: f64, width: f64) -> Seconds {
        if chip.operand_bytes < 2.0 {
            Bytes(self.quantise_bytes.0 * rows * width) / chip.bandwidth
        } else {
            Seconds(0.0)
        }
    }

    fn stretched(&self, chip: &Chip, shape: &GemmShape, warm: bool, stretch: f64) -> Seconds {
        let &GemmShape { m, n, k } = shape;
        let idle = self.idle_tiles * chip.units * m.min(TILE.0) * n.min(TILE.1);
        let arithmetic =
            stretch * 2.0 * (m * n + idle) * (k + self.fill_depth) / (chip.peak.0 * self.compute_efficiency);
        let arithmetic = arithmetic * (1.0 + self.slowdown * arithmetic / (arithmetic + HEATED));

        let weights = chip.weight_bytes * n * k;
        let activations = chip.operand_bytes * m * k + chip.result_bytes * m * n;
        let traffic = if warm { self.warm_traffic(chip, weights, activations) } else { weights + activations };
        let memory = traffic / (chip.bandwidth.0 * self.memory_efficiency);

        let walk = self.step.0 * k / (1.0 + k / self.split_depth).sqrt();
        self.launch + Seconds((arithmetic * arithmetic + memory * memory + walk * walk).sqrt())
    }

    /// Bytes from memory in a loop that replays the same buffers; what comes from L2 counts as fewer.
    fn warm_traffic(&self, chip: &Chip, weights: f64, activations: f64) -> f64 {
        let weights = if COPIES * weights <= chip.l2.0 { weights / self.l2_speed } else { weights };
        let held = activations.min(ACTIVATION_SHARE * chip.l2.0);
        weights + activations - held + held / self.l2_speed
    }
}

impl Law for GemmLaw {
    const FAMILY: &'static str = "gemm";
    const DOC: &'static str = "One dense matrix multiplication: m tokens times a weight of k by n.";
    const INPUTS: &'static [Input] = &[
        Input { name: "m", doc: "rows of the result: tokens" },
        Input { name: "n", doc: "columns of the result" },
        Input { name: "k", doc: "depth that is summed over" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 0.5e-6, start: 3e-6, high: 1e-4 },
        Coefficient {
            name: "compute_efficiency",
            doc: "share of the peak that large multiplications reach",
            low: 0.05,
            start: 0.75,
            high: 1.0,
        },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth",
            low: 0.1,
            start: 0.85,
            high: 1.0,
        },
        Coefficient { name: "step_s", doc: "time of one tile per step of depth", low: 1e-11, start: 1e-9, high: 2e-8 },
        Coefficient {
            name: "split_depth",
            doc: "depth beyond which the sum is split over units",
            low: 100.0,
            start: 4000.0,
            high: 1e6,
        },
        Coefficient {
            name: "fill_depth",
            doc: "depth that filling and draining a tile costs",
            low: 1.0,
            start: 60.0,
            high: 4000.0,
        },
        Coefficient { name: "idle_tiles", doc: "tiles per unit that idle", low: 1e-3, start: 0.1, high: 3.0 },
        Coefficient { name: "slowdown", doc: "slowdown of long kernels", low: 1e-4, start: 0.1, high: 2.0 },
        Coefficient {
            name: "quantise_bytes",
            doc: "traffic of rounding one activation; unused at 16 bits",
            low: 0.1,
            start: 5.0,
            high: 60.0,
        },
        Coefficient {
            name: "l2_speed",
            doc: "speed of L2 against memory in a timing loop",
            low: 1.0,
            start: 2.0,
            high: 10.0,
        },
        Coefficient {
            name: "ragged",
            doc: "what rows that are no multiple of 16 add to arithmetic",
            low: 1e-3,
            start: 0.03,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            compute_efficiency,
            memory_efficiency,
            step,
            split_depth,
            fill_depth,
            idle_tiles,
            slowdown,
            quantise_bytes,
            l2_speed,
            ragged,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            compute_efficiency,
            memory_efficiency,
            step: Seconds(step),
            split_depth,
            fill_depth,
            idle_tiles,
            slowdown,
            quantise_bytes: Bytes(quantise_bytes),
            l2_speed,
            ragged,
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[m, n, k] = inputs.first_chunk().expect("a value for each of the law's inputs");
        let stretch = if m > ALIGNMENT && m % ALIGNMENT != 0.0 { 1.0 + self.ragged } else { 1.0 };
        self.stretched(chip, &GemmShape { m, n, k }, warm, stretch) + self.quantisation(chip, m, k)
    }
}
