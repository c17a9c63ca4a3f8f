//! Attention of one new token per sequence: the cache is read once.
use super::residence::replayed;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// Query heads per key head above which kernels that have no tile for them read the cache once per query head.
pub const WIDEST_GROUP: f64 = 32.0;

/// Tokens that a head costs beyond its own where it is worked on alone.
const HEAD_TOKENS: f64 = 128.0;

/// What a kernel for a step of decoding has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeShape {
    /// Sequences.
    pub batch: f64,
    /// Queries of each: one, or the tokens that a step checks together.
    pub queries: f64,
    /// Tokens in the cache, mean over the sequences. With a window: at most the window.
    pub context: f64,
    /// Tokens in the cache of the longest sequence.
    pub longest: f64,
    /// Query heads of the device.
    pub heads: f64,
    /// Key and value heads of the device.
    pub kv_heads: f64,
    /// Width of a head.
    pub head_dim: f64,
}

/// `t = t₀ + √(M² + A² + C² + W²) + c_L·log₂(1 + L/128)`: the longest of four, rounded; `L` the context with the new token.
///
/// - `M = V/(BW·e(d)) + τ·2·L·d·w·SM/(BW·e(d))`: the cache `V = 2·b·kv·L·d·w` at `w` bytes a value; `τ`: a sequence's head is split over so
///   many units and no more, thus few heads leave bandwidth unused. `e(d)` linear between widths of 64, 128 and 256, constant beyond. In a
///   timing loop `V` may sit in L2: `(ρ + x⁸)/(1 + x⁸)`, `x = V/(θ·L2)`.
/// - `A = 4·b·h·L·d/(P₁₆·e_f)`: products in 16 bits.
/// - `C = b·(c·kv + c_h·h)/SM · (1 + d/128)/2`: the start of a head; `c` is `c₁` where every query head has its own keys.
/// - `W = c_w·b·h·d·(L + 128)/SM` where more than 32 query heads share a key: engines without a tile for them read once per query head
///   (TensorRT-LLM; others' `c_w` is nothing).
/// - `c_L`: rounds of merging the parts of a split context.
///
/// Several queries of a sequence multiply `A`, `W` and what each query head begins; the cache is read once. Timings have one.
///
/// Shape and coefficients from 0.9 million timings of ten accelerators (aiconfigurator); median error 6.5 % over shapes not fitted.
/// The law is monotone in batch and context; from one to two query heads per key it may step down, as kernels do.
///
/// ```
/// # use llmsweep_model::{law::{Chip, DecodeAttentionLaw, DecodeShape, Law}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = DecodeAttentionLaw::of(&[9e-6, 0.9, 1.0, 1.0, 0.01, 0.25, 1.2e-6, 1.2e-6, 3e-8, 1e-12, 6e-7, 0.35, 0.65]);
/// let shape = DecodeShape { batch: 64.0, queries: 1.0, context: 4095.0, longest: 4095.0, heads: 32.0, kv_heads: 8.0, head_dim: 128.0 };
/// assert!((law.seconds(&chip, &shape, false).0 - 369.5e-6).abs() < 1e-7); // 1.07 GB
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeAttentionLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the memory bandwidth with heads 128 wide, `e(128)`.
    pub memory_efficiency: f64,
    /// `e(64)/e(128)`.
    pub narrow_ratio: f64,
    /// `e(256)/e(128)`.
    pub wide_ratio: f64,
    /// Inverse of the units that one head of one sequence is split over, `τ`.
    pub split: f64,
    /// Share of the 16-bit peak, `e_f`.
    pub compute_efficiency: f64,
    /// Time that a unit needs to begin a key head of a sequence, `c`.
    pub kv_head: Seconds,
    /// The same where every query head has its own keys, `c₁`.
    pub lone_head: Seconds,
    /// What each query head adds, `c_h`.
    pub query_head: Seconds,
    /// Time per token and channel of a head beyond the widest group, `c_w`.
    pub wide_group: Seconds,
    /// Time per doubling of the context, `c_L`.
    pub merge: Seconds,
    /// Share of the memory time that remains in L2, `ρ`.
    pub l2_ratio: f64,
    /// Share of L2 that the cache can fill, `θ`.
    pub l2_share: f64,
}

/// Between values at head widths of 64, 128 and 256, the middle one 1.
fn between_widths(head_dim: f64, narrow: f64, wide: f64) -> f64 {
    if head_dim < 128.0 {
        narrow + (1.0 - narrow) * (head_dim.max(64.0) - 64.0) / 64.0
    } else {
        1.0 + (wide - 1.0) * (head_dim.min(256.0) - 128.0) / 128.0
    }
}

impl DecodeAttentionLaw {
    /// Time of one kernel, all heads of the device.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &DecodeShape, warm: bool) -> Seconds {
        let time = self.unbounded(chip, shape, warm);
        if warm {
            return time;
        }
        let &DecodeShape { batch, queries, context, heads, kv_heads, head_dim, .. } = shape;
        let bytes = 2.0 * batch * kv_heads * (context + 1.0) * head_dim * chip.operand_bytes;
        let flops = 4.0 * batch * queries * heads * (context + 1.0) * head_dim;
        time.max(Seconds(bytes / chip.bandwidth.0)).max(Seconds(flops / chip.peak.0.max(chip.plain_peak.0)))
    }

    /// The same where whoever asks sees to it that the datasheet is not beaten.
    #[inline]
    #[must_use]
    pub(crate) fn unbounded(&self, chip: &Chip, shape: &DecodeShape, warm: bool) -> Seconds {
        let &DecodeShape { batch, queries, context, longest, heads, kv_heads, head_dim } = shape;
        let units = chip.units.max(1.0);
        let (context, longest) = (context + 1.0, longest + 1.0);
        let bandwidth =
            chip.bandwidth.0 * self.memory_efficiency * between_widths(head_dim, self.narrow_ratio, self.wide_ratio);

        let bytes = 2.0 * batch * kv_heads * context * head_dim * chip.operand_bytes;
        let stay = if warm { replayed(bytes, self.l2_share * chip.l2.0, self.l2_ratio, 3) } else { 1.0 };
        let unsplit = 2.0 * longest * head_dim * chip.operand_bytes * units * self.split;
        let memory = (bytes * stay + unsplit) / bandwidth;
        let compute =
            4.0 * batch * queries * heads * context * head_dim / (chip.plain_peak.0 * self.compute_efficiency);
        let kv_head = if heads > kv_heads { self.kv_head } else { self.lone_head };
        let begin = batch * (kv_head.0 * kv_heads + self.query_head.0 * queries * heads) / units
            * (1.0 + head_dim / 128.0)
            / 2.0;
        let wide = if heads > WIDEST_GROUP * kv_heads {
            self.wide_group.0 * batch * queries * heads * head_dim * (context + HEAD_TOKENS) / units
        } else {
            0.0
        };
        let longest_part = (memory * memory + compute * compute + begin * begin + wide * wide).sqrt();
        Seconds(self.launch.0 + longest_part + self.merge.0 * (1.0 + longest / 128.0).log2())
    }
}

impl Law for DecodeAttentionLaw {
    const FAMILY: &'static str = "decode_attention";
    const DOC: &'static str = "Attention of one new token per sequence over its cache.";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "context", doc: "tokens in the cache of each" },
        Input { name: "heads", doc: "query heads" },
        Input { name: "kv_heads", doc: "key and value heads" },
        Input { name: "head_dim", doc: "width of a head" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-6, start: 9e-6, high: 1e-4 },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth with heads 128 wide",
            low: 0.1,
            start: 0.85,
            high: 1.1,
        },
        Coefficient {
            name: "narrow_ratio",
            doc: "the same with heads 64 wide, against 128",
            low: 0.3,
            start: 0.95,
            high: 1.5,
        },
        Coefficient {
            name: "wide_ratio",
            doc: "the same with heads 256 wide, against 128",
            low: 0.3,
            start: 1.0,
            high: 1.5,
        },
        Coefficient {
            name: "split",
            doc: "inverse of the units that one head of one sequence is split over",
            low: 1e-4,
            start: 0.01,
            high: 1.0,
        },
        Coefficient { name: "compute_efficiency", doc: "share of the 16-bit peak", low: 0.01, start: 0.25, high: 1.2 },
        Coefficient {
            name: "kv_head_s",
            doc: "time that a unit needs to begin a key head of a sequence",
            low: 1e-8,
            start: 1.2e-6,
            high: 3e-5,
        },
        Coefficient {
            name: "lone_head_s",
            doc: "the same where every query head has its own keys",
            low: 1e-8,
            start: 1.2e-6,
            high: 3e-5,
        },
        Coefficient {
            name: "query_head_s",
            doc: "what each query head adds to it",
            low: 1e-10,
            start: 3e-8,
            high: 5e-6,
        },
        Coefficient {
            name: "wide_group_s",
            doc: "time per token and channel of a head where more than 32 share their keys",
            low: 1e-14,
            start: 1e-12,
            high: 1e-9,
        },
        Coefficient {
            name: "merge_s",
            doc: "time per doubling of the context beyond 128 tokens",
            low: 1e-9,
            start: 6e-7,
            high: 1e-5,
        },
        Coefficient {
            name: "l2_ratio",
            doc: "share of the memory time that remains in L2",
            low: 0.03,
            start: 0.35,
            high: 1.0,
        },
        Coefficient { name: "l2_share", doc: "share of L2 that the cache can fill", low: 0.1, start: 0.65, high: 3.0 },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            memory_efficiency,
            narrow_ratio,
            wide_ratio,
            split,
            compute_efficiency,
            kv_head,
            lone_head,
            query_head,
            wide_group,
            merge,
            l2_ratio,
            l2_share,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            memory_efficiency,
            narrow_ratio,
            wide_ratio,
            split,
            compute_efficiency,
            kv_head: Seconds(kv_head),
            lone_head: Seconds(lone_head),
            query_head: Seconds(query_head),
            wide_group: Seconds(wide_group),
            merge: Seconds(merge),
            l2_ratio,
            l2_share,
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, context, heads, kv_heads, head_dim] =
            inputs.first_chunk().expect("a value for each of the law's inputs");
        self.seconds(
            chip,
            &DecodeShape { batch, queries: 1.0, context, longest: context, heads, kv_heads, head_dim },
            warm,
        )
    }
}
