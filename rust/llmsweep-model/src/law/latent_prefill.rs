//! Latent attention of a prompt: keys and values of every head are expanded first, then attended to as usual.
use super::latent::LatentWidths;
use super::prompt::{Prompt, Tiling};
use super::residence::replayed;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// The law of [`super::PrefillAttentionLaw`] with the widths of latent attention:
/// `t = t₀ + C(1 + g·C/(C + 2 ms)) + T + IO + N`.
///
/// - `C = 2(d_qk + d_v)·b·h·pairs/(P₁₆·e)`, `d_qk = 192`, `d_v = 128`. Formats of the cache change little: products stay in 16 bits, so `e` is a
///   share of that peak (kernels that do compute in 8 bits reach 1.0–1.2 of it).
/// - `T = φ·2(d_qk + d_v)·128·longest·SM/(P₁₆·e)`.
/// - `IO = 2·b·h·(d_qk + d_v)(queries + keys)/(BW·e_h) · L2 + 2·b·keys·576/(BW·e_l)`: expanded heads and the latent vectors.
/// - `N = c·b·h·√(1 + (q·queries/128)²)/SM`.
///
/// Expanding the latent vectors (a GEMM) is not part of it. Median error 3.7 % over shapes not fitted (aiconfigurator, nine accelerators).
///
/// ```
/// # use llmsweep_model::{law::{Chip, LatentPrefillLaw, LatentWidths, Law, Prompt}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = LatentPrefillLaw::of(&[13e-6, 0.7, 0.8, 1.0, 0.35, 2.5e-6, 1.0, 0.05, 0.5]);
/// let time = law.seconds(&chip, &Prompt::causal(1.0, 4096.0), 16.0, &LatentWidths::DEEPSEEK, false);
/// assert!((time.0 - 227.3e-6).abs() < 1e-7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentPrefillLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the 16-bit peak that long prompts reach, `e`.
    pub compute_efficiency: f64,
    /// Share of the longest tile that nothing overlaps, `φ`.
    pub tail_tiles: f64,
    /// Share of the memory bandwidth for the heads' queries, keys, values and results, `e_h`.
    pub head_efficiency: f64,
    /// Share of the memory bandwidth for the latent vectors, `e_l`.
    pub latent_efficiency: f64,
    /// Time that a unit needs to begin a head of a sequence, `c`.
    pub head: Seconds,
    /// Cost of a tile of queries against that of a head, `q`.
    pub tile_ratio: f64,
    /// How much longer very long kernels take, `g`.
    pub slowdown: f64,
    /// Share of the memory time that remains when everything sits in L2.
    pub l2_ratio: f64,
}

impl LatentPrefillLaw {
    fn tiles(&self) -> Tiling {
        let Self { slowdown, tail_tiles, head, tile_ratio, .. } = *self;
        Tiling { slowdown, tail_tiles, head: head.0, tile_ratio }
    }

    /// Time of one kernel for `heads` heads of the device.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, prompt: &Prompt, heads: f64, widths: &LatentWidths, warm: bool) -> Seconds {
        let &Prompt { batch, queries, keys, pairs, .. } = prompt;
        let flops = widths.expanded_flops();
        let seconds_per_pair = flops / (chip.plain_peak.0 * self.compute_efficiency);
        let tiles = self.tiles().seconds(prompt, heads, seconds_per_pair, chip.units.max(1.0));

        let head_bytes = batch * heads * flops * (queries + keys);
        let stay = if warm { replayed(head_bytes, chip.l2.0, self.l2_ratio, 1) } else { 1.0 };
        let latent_bytes = 2.0 * batch * keys * widths.cached();
        let memory =
            (head_bytes * stay / self.head_efficiency + latent_bytes / self.latent_efficiency) / chip.bandwidth.0;

        let time = self.launch.0 + tiles + memory;
        if warm {
            return Seconds(time);
        }
        let least_flops = flops * batch * heads * pairs / chip.peak.0.max(chip.plain_peak.0);
        let least_bytes = batch * heads * flops / 2.0 * (queries + keys) * chip.operand_bytes.min(chip.result_bytes);
        Seconds(time.max(least_flops).max(least_bytes / chip.bandwidth.0))
    }
}

impl Law for LatentPrefillLaw {
    const FAMILY: &'static str = "latent_prefill";
    const DOC: &'static str = "Latent attention (MLA) of a whole prompt, keys and values expanded.";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "sequence", doc: "tokens of each" },
        Input { name: "heads", doc: "query heads" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-6, start: 13e-6, high: 1e-4 },
        Coefficient {
            name: "compute_efficiency",
            doc: "share of the 16-bit peak that long prompts reach",
            low: 0.02,
            start: 0.6,
            high: 2.0,
        },
        Coefficient {
            name: "tail_tiles",
            doc: "share of the longest tile that nothing overlaps",
            low: 0.02,
            start: 0.8,
            high: 4.0,
        },
        Coefficient {
            name: "head_efficiency",
            doc: "share of the memory bandwidth for the heads' queries, keys, values and results",
            low: 0.03,
            start: 0.7,
            high: 2.0,
        },
        Coefficient {
            name: "latent_efficiency",
            doc: "share of the memory bandwidth for the latent vectors",
            low: 0.01,
            start: 0.35,
            high: 2.0,
        },
        Coefficient {
            name: "head_s",
            doc: "time that a unit needs to begin a head of a sequence",
            low: 2e-8,
            start: 2.5e-6,
            high: 3e-5,
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
            start: 0.5,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            compute_efficiency,
            tail_tiles,
            head_efficiency,
            latent_efficiency,
            head,
            tile_ratio,
            slowdown,
            l2_ratio,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            compute_efficiency,
            tail_tiles,
            head_efficiency,
            latent_efficiency,
            head: Seconds(head),
            tile_ratio,
            slowdown,
            l2_ratio,
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, sequence, heads] = inputs.first_chunk().expect("a value for each of the law's inputs");
        self.seconds(chip, &Prompt::causal(batch, sequence), heads, &LatentWidths::DEEPSEEK, warm)
    }
}
