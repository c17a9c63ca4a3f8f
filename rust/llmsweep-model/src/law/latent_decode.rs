//! Latent attention of one new token per sequence: every head reads the same latent vectors.
use super::latent::LatentWidths;
use super::residence::replayed;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// What a step of decoding with latent attention has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentDecodeShape {
    /// Sequences.
    pub batch: f64,
    /// Queries of each: one, or the tokens that a step checks together. They fill tiles as heads do.
    pub queries: f64,
    /// Tokens in the cache, mean over the sequences.
    pub context: f64,
    /// Tokens in the cache of the longest sequence.
    pub longest: f64,
    /// Query heads of the device; the cache is not divided among devices that share a layer's heads.
    pub heads: f64,
    /// Widths of the latent vectors.
    pub widths: LatentWidths,
}

/// `t = t₀ + √(M² + (A + C)²) + c_L·log₂(1 + L/128)`, the expansion absorbed into queries and results.
///
/// - `M = (V + τ·576·L·w·SM)/(BW·e)`, `V = b·L·576·w` the latent vectors with `w` bytes a value, read once for all heads; `τ` as in
///   [`super::DecodeAttentionLaw`]. In a timing loop `V` may sit in L2: `(ρ + x⁸)/(1 + x⁸)`, `x = V/(θ·L2)`.
/// - `A = 2·1088·b·L·max(h, h₀)/(P₁₆·e_f)`: heads run in a tile of at least `h₀`.
/// - `C = b·(c + c_h·h)/SM`.
///
/// Median error 6 % over shapes not fitted (aiconfigurator, nine accelerators).
///
/// ```
/// # use llmsweep_model::{law::{Chip, LatentDecodeLaw, LatentDecodeShape, LatentWidths, Law}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = LatentDecodeLaw::of(&[10e-6, 0.85, 0.005, 0.7, 16.0, 4e-6, 1e-7, 9e-7, 0.45, 0.75]);
/// let widths = LatentWidths::DEEPSEEK;
/// let shape = LatentDecodeShape { batch: 64.0, queries: 1.0, context: 4095.0, longest: 4095.0, heads: 16.0, widths };
/// assert!((law.seconds(&chip, &shape, false).0 - 122.9e-6).abs() < 1e-7); // 302 MB
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentDecodeLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the memory bandwidth, `e`.
    pub memory_efficiency: f64,
    /// Inverse of the units that one sequence is split over, `τ`.
    pub split: f64,
    /// Share of the 16-bit peak, `e_f`.
    pub compute_efficiency: f64,
    /// Heads of a tile, `h₀`.
    pub tile_heads: f64,
    /// Time that a unit needs to begin a sequence, `c`.
    pub sequence: Seconds,
    /// What each head adds, `c_h`.
    pub query_head: Seconds,
    /// Time per doubling of the context, `c_L`.
    pub merge: Seconds,
    /// Share of the memory time that remains in L2, `ρ`.
    pub l2_ratio: f64,
    /// Share of L2 that the cache can fill, `θ`.
    pub l2_share: f64,
}

impl LatentDecodeLaw {
    /// Time of one kernel, all heads of the device.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &LatentDecodeShape, warm: bool) -> Seconds {
        let &LatentDecodeShape { batch, queries, context, longest, heads, widths } = shape;
        let heads = heads * queries;
        let units = chip.units.max(1.0);
        let (context, longest) = (context + 1.0, longest + 1.0);
        let token_bytes = widths.cached() * chip.operand_bytes;
        let bytes = batch * context * token_bytes;
        let stay = if warm { replayed(bytes, self.l2_share * chip.l2.0, self.l2_ratio, 3) } else { 1.0 };
        let unsplit = longest * token_bytes * units * self.split;
        let memory = (bytes * stay + unsplit) / (chip.bandwidth.0 * self.memory_efficiency);
        let flops = widths.absorbed_flops() * batch * context;
        let compute = flops * heads.max(self.tile_heads) / (chip.plain_peak.0 * self.compute_efficiency);
        let begin = batch * (self.sequence.0 + self.query_head.0 * heads) / units;
        let longest_part = memory.hypot(compute + begin);
        let time = self.launch.0 + longest_part + self.merge.0 * (1.0 + longest / 128.0).log2();
        if warm {
            return Seconds(time);
        }
        let least = (flops * heads / chip.peak.0.max(chip.plain_peak.0)).max(bytes / chip.bandwidth.0);
        Seconds(time.max(least))
    }
}

impl Law for LatentDecodeLaw {
    const FAMILY: &'static str = "latent_decode";
    const DOC: &'static str = "Latent attention (MLA) of one new token per sequence, expansion absorbed.";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "context", doc: "tokens in the cache of each" },
        Input { name: "heads", doc: "query heads" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-6, start: 10e-6, high: 1e-4 },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth",
            low: 0.1,
            start: 0.8,
            high: 1.1,
        },
        Coefficient {
            name: "split",
            doc: "inverse of the units that one sequence is split over",
            low: 1e-4,
            start: 0.005,
            high: 1.0,
        },
        Coefficient { name: "compute_efficiency", doc: "share of the 16-bit peak", low: 0.02, start: 0.6, high: 1.5 },
        Coefficient { name: "tile_heads", doc: "heads of a tile", low: 1.0, start: 16.0, high: 128.0 },
        Coefficient {
            name: "sequence_s",
            doc: "time that a unit needs to begin a sequence",
            low: 1e-8,
            start: 4.5e-6,
            high: 1e-4,
        },
        Coefficient { name: "query_head_s", doc: "what each head adds to it", low: 1e-10, start: 1e-7, high: 1e-5 },
        Coefficient {
            name: "merge_s",
            doc: "time per doubling of the context beyond 128 tokens",
            low: 1e-9,
            start: 9e-7,
            high: 1e-5,
        },
        Coefficient {
            name: "l2_ratio",
            doc: "share of the memory time that remains in L2",
            low: 0.03,
            start: 0.45,
            high: 1.0,
        },
        Coefficient { name: "l2_share", doc: "share of L2 that the cache can fill", low: 0.1, start: 0.75, high: 3.0 },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            memory_efficiency,
            split,
            compute_efficiency,
            tile_heads,
            sequence,
            query_head,
            merge,
            l2_ratio,
            l2_share,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            memory_efficiency,
            split,
            compute_efficiency,
            tile_heads,
            sequence: Seconds(sequence),
            query_head: Seconds(query_head),
            merge: Seconds(merge),
            l2_ratio,
            l2_share,
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, context, heads] = inputs.first_chunk().expect("a value for each of the law's inputs");
        let widths = LatentWidths::DEEPSEEK;
        self.seconds(chip, &LatentDecodeShape { batch, queries: 1.0, context, longest: context, heads, widths }, warm)
    }
}
