//! Attention of a prompt: a fused kernel that goes over tiles of queries and keys (Dao et al. 2022; Shah et al. 2024).
use super::prompt::{Prompt, Tiling};
use super::residence::replayed;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// What a kernel for a prompt has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrefillShape {
    /// Queries and keys.
    pub prompt: Prompt,
    /// Query heads of the device.
    pub heads: f64,
    /// Key and value heads of the device.
    pub kv_heads: f64,
    /// Width of a head.
    pub head_dim: f64,
}

/// `t = t₀ + C(1 + g·C/(C + 2 ms)) + T + IO + N`, everything after `t₀` a sum: what one unit loads, another computes, but a tile's loads, its
/// products and its softmax wait for each other, and engines write the cache in passes of their own.
///
/// - `C = 4d·b·h·pairs/(P·e(d))`: two products per pair of query and key, causal half only. `e(d)` is linear between head widths of 64, 128
///   and 256, falls with `d/64` below and stays above. `g`: long kernels slow down (power and clocks, presumed).
/// - `T = φ·4d·128·longest·SM/(P·e(d))`: the tile with the most keys ends last (list scheduling: total over units plus a share of the longest
///   job, Graham 1969).
/// - `IO = 4·b·d·(queries·h/e_q + keys·kv/e_kv)/BW`: queries, results, keys and values in 16 bits; `e` below one are further passes
///   (quantisation, writing the cache). In a timing loop they may sit in L2: `(ρ + x²)/(1 + x²)`, `x` = bytes over the cache.
/// - `N = c·b·h·√(1 + (q·queries/128)²)/SM`: the start of a head and of each tile of 128 queries.
///
/// Shape and coefficients from 0.9 million timings of ten accelerators (aiconfigurator); median error 5 % over shapes not fitted.
///
/// ```
/// # use llmsweep_model::{law::{Chip, Law, PrefillAttentionLaw, PrefillShape, Prompt}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = PrefillAttentionLaw::of(&[11e-6, 0.6, 0.65, 1.05, 0.6, 0.5, 0.3, 1.5e-6, 1.0, 0.05, 0.7]);
/// let shape = PrefillShape { prompt: Prompt::causal(1.0, 8192.0), heads: 32.0, kv_heads: 8.0, head_dim: 128.0 };
/// // 0.55 TFLOP take .93 ms at 60 % of the peak of an H100.
/// assert!((law.seconds(&chip, &shape, false).0 - 1.160e-3).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrefillAttentionLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the peak that long prompts reach with heads 128 wide, `e(128)`.
    pub compute_efficiency: f64,
    /// `e(64)/e(128)`.
    pub narrow_ratio: f64,
    /// `e(256)/e(128)`.
    pub wide_ratio: f64,
    /// Share of the longest tile that nothing overlaps, `φ`.
    pub tail_tiles: f64,
    /// Share of the memory bandwidth for queries and results, `e_q`.
    pub query_efficiency: f64,
    /// Share of the memory bandwidth for keys and values, `e_kv`.
    pub kv_efficiency: f64,
    /// Time that a unit needs to begin a head of a sequence, `c`.
    pub head: Seconds,
    /// Cost of a tile of queries against that of a head, `q`.
    pub tile_ratio: f64,
    /// How much longer very long kernels take, `g`.
    pub slowdown: f64,
    /// Share of the memory time that remains when everything sits in L2, `ρ`.
    pub l2_ratio: f64,
}

impl PrefillAttentionLaw {
    fn tiles(&self) -> Tiling {
        let Self { slowdown, tail_tiles, head, tile_ratio, .. } = *self;
        Tiling { slowdown, tail_tiles, head: head.0, tile_ratio }
    }

    /// Share of the peak at a head width, `e(d)`.
    #[must_use]
    pub fn efficiency(&self, head_dim: f64) -> f64 {
        let ratio = if head_dim < 64.0 {
            self.narrow_ratio * head_dim / 64.0
        } else if head_dim < 128.0 {
            self.narrow_ratio + (1.0 - self.narrow_ratio) * (head_dim - 64.0) / 64.0
        } else {
            1.0 + (self.wide_ratio - 1.0) * (head_dim.min(256.0) - 128.0) / 128.0
        };
        self.compute_efficiency * ratio
    }

    /// Time of one kernel, all heads of the device.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &PrefillShape, warm: bool) -> Seconds {
        let PrefillShape { prompt, heads, kv_heads, head_dim } = *shape;
        let Prompt { batch, queries, keys, pairs, .. } = prompt;
        let flops_per_pair = 4.0 * head_dim;
        let seconds_per_pair = flops_per_pair / (chip.peak.0 * self.efficiency(head_dim));
        let tiles = self.tiles().seconds(&prompt, heads, seconds_per_pair, chip.units.max(1.0));

        let query_bytes = 4.0 * batch * head_dim * queries * heads;
        let kv_bytes = 4.0 * batch * head_dim * keys * kv_heads;
        let stay = if warm { replayed(query_bytes + kv_bytes, chip.l2.0, self.l2_ratio, 1) } else { 1.0 };
        let memory = (query_bytes / self.query_efficiency + kv_bytes / self.kv_efficiency) / chip.bandwidth.0 * stay;

        let time = self.launch.0 + tiles + memory;
        if warm {
            return Seconds(time);
        }
        let values = batch * head_dim * (chip.operand_bytes * (queries * heads + 2.0 * keys * kv_heads));
        let results = batch * head_dim * chip.result_bytes * queries * heads;
        let least = (flops_per_pair * batch * heads * pairs / chip.peak.0).max((values + results) / chip.bandwidth.0);
        Seconds(time.max(least))
    }
}

impl Law for PrefillAttentionLaw {
    const FAMILY: &'static str = "prefill_attention";
    const DOC: &'static str = "Fused causal attention of a whole prompt.";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "sequence", doc: "tokens of each" },
        Input { name: "heads", doc: "query heads" },
        Input { name: "kv_heads", doc: "key and value heads" },
        Input { name: "head_dim", doc: "width of a head" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-6, start: 11e-6, high: 1e-4 },
        Coefficient {
            name: "compute_efficiency",
            doc: "share of the peak that long prompts reach with heads 128 wide",
            low: 0.02,
            start: 0.55,
            high: 1.1,
        },
        Coefficient {
            name: "narrow_ratio",
            doc: "the same with heads 64 wide, against 128",
            low: 0.2,
            start: 0.8,
            high: 1.3,
        },
        Coefficient {
            name: "wide_ratio",
            doc: "the same with heads 256 wide, against 128",
            low: 0.2,
            start: 1.05,
            high: 1.6,
        },
        Coefficient {
            name: "tail_tiles",
            doc: "share of the longest tile that nothing overlaps",
            low: 0.02,
            start: 0.8,
            high: 4.0,
        },
        Coefficient {
            name: "query_efficiency",
            doc: "share of the memory bandwidth for queries and results",
            low: 0.03,
            start: 0.5,
            high: 2.0,
        },
        Coefficient {
            name: "kv_efficiency",
            doc: "share of the memory bandwidth for keys and values",
            low: 0.02,
            start: 0.3,
            high: 2.0,
        },
        Coefficient {
            name: "head_s",
            doc: "time that a unit needs to begin a head of a sequence",
            low: 2e-8,
            start: 1.5e-6,
            high: 2e-5,
        },
        Coefficient {
            name: "tile_ratio",
            doc: "cost of a tile of 128 queries against that of a head",
            low: 0.02,
            start: 1.0,
            high: 10.0,
        },
        Coefficient {
            name: "slowdown",
            doc: "how much longer very long kernels take",
            low: 0.002,
            start: 0.05,
            high: 0.5,
        },
        Coefficient {
            name: "l2_ratio",
            doc: "share of the memory time that remains in L2",
            low: 0.1,
            start: 0.7,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            compute_efficiency,
            narrow_ratio,
            wide_ratio,
            tail_tiles,
            query_efficiency,
            kv_efficiency,
            head,
            tile_ratio,
            slowdown,
            l2_ratio,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            compute_efficiency,
            narrow_ratio,
            wide_ratio,
            tail_tiles,
            query_efficiency,
            kv_efficiency,
            head: Seconds(head),
            tile_ratio,
            slowdown,
            l2_ratio,
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, sequence, heads, kv_heads, head_dim] =
            inputs.first_chunk().expect("a value for each of the law's inputs");
        let shape = PrefillShape { prompt: Prompt::causal(batch, sequence), heads, kv_heads, head_dim };
        self.seconds(chip, &shape, warm)
    }
}
