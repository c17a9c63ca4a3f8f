//! The experts of one layer on one rank: routing of rows, two grouped multiplications, the sum.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// Tokens up to which the kernels that sort rows by expert grow.
const RAMP_TOKENS: f64 = 64.0;

/// The experts of one layer, as one rank sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupedShape {
    /// Tokens of all ranks that share the experts.
    pub tokens: f64,
    /// Width of a token.
    pub hidden: f64,
    /// Width inside an expert, of one rank.
    pub intermediate: f64,
    /// Experts per token.
    pub top_k: f64,
    /// Experts of all ranks.
    pub experts: f64,
    /// Ranks that the experts are spread over.
    pub expert_parallel: f64,
    /// Whether experts have a gate: three matrices instead of two.
    pub gated: bool,
    /// Rows of the busiest rank over the mean; 1 if balanced.
    pub hottest: f64,
    /// Experts of the busiest rank that have rows; 0: as many as rows reach if they are spread evenly.
    pub active: f64,
}

/// `t = t₀ + τ_E·E/EP + τ_r·√min(T, 64) + ρ_T·V_T/BW + √(C² + M² + L²)`, all of it on the busiest rank.
///
/// With `T` tokens, `R = T·top_k/EP·hottest` rows, `A` active experts of `W = (2 + gated)·H·I` weights each, `V = rows·(H + (1 + gated)·I)`
/// two-byte values:
/// - `C = 2·(2 + gated)·H·(I + I₀)·(R + p·A)/(P·e_c)`: arithmetic; `p` rows of padding per expert, `I₀` the price of narrow experts.
/// - `M = (w·A·W + ρ_R·2·R·(2H + (1 + gated)·I))/(BW·e_m)`: weights of the active experts, and `ρ_R` passes over the rank's rows.
/// - `L = τ_k·(H + I)`: one tile's walk through both multiplications.
/// - `ρ_T·2·T·top_k·(H + (1 + gated)·I)/BW`: passes over the rows of all ranks, which engines without a dispatch mask but do not skip.
/// - `τ_E` per local expert: pointers and sorting; `τ_r`: the ramp of sorting from one token to 64.
///
/// Shape and coefficients from 2.6 million timings of ten accelerators (aiconfigurator): median error over models not fitted 9.2 %. Cold,
/// never below the datasheet.
///
/// ```
/// # use llmsweep_model::{law::{Chip, GroupedGemmLaw, GroupedShape, Law}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(1978.9e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 1.0, operand_bytes: 1.0, result_bytes: 2.0 };
/// let law = GroupedGemmLaw::of(&[15e-6, 0.25e-6, 0.75e-6, 0.24, 0.5, 700.0, 0.89, 15.0, 6.5, 1.6e-9]); // H100, fp8_block, TensorRT-LLM
/// let shape = GroupedShape { tokens: 64.0, hidden: 4096.0, intermediate: 1536.0, top_k: 8.0, experts: 128.0, expert_parallel: 1.0,
///     gated: true, hottest: 1.0, active: 128.0 };
/// assert!((law.seconds(&chip, &shape).0 - 899.9e-6).abs() < 1e-7); // 2.4 GB of weights
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupedGemmLaw {
    /// Time of empty kernels, `t₀`.
    pub launch: Seconds,
    /// Time per expert of the rank, `τ_E`.
    pub expert: Seconds,
    /// Ramp of sorting, `τ_r`.
    pub ramp: Seconds,
    /// Passes over the rows of all ranks, `ρ_T`.
    pub all_row_passes: f64,
    /// Share of the peak, `e_c`.
    pub compute_efficiency: f64,
    /// Width that narrow experts seem wider, `I₀`.
    pub fill_width: f64,
    /// Share of the memory bandwidth, `e_m`.
    pub memory_efficiency: f64,
    /// Rows of padding per active expert, `p`.
    pub padding_rows: f64,
    /// Passes over the rank's own rows, `ρ_R`.
    pub row_passes: f64,
    /// Time of one tile per step of depth, `τ_k`.
    pub step: Seconds,
}

impl GroupedGemmLaw {
    /// Time of a layer's experts on the busiest rank.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &GroupedShape) -> Seconds {
        let &GroupedShape { tokens, hidden, intermediate, top_k, experts, expert_parallel, gated, hottest, active } =
            shape;
        let gate = if gated { 1.0 } else { 0.0 };
        let local = experts / expert_parallel;
        let all_rows = tokens * top_k;
        let rows = all_rows / expert_parallel * hottest;
        let active = if active > 0.0 { active } else { local.min(rows.max(1.0)) };
        let inner = (1.0 + gate) * intermediate;
        let matrices = (2.0 + gate) * hidden;

        let padded = rows + self.padding_rows * active;
        let arithmetic =
            2.0 * matrices * (intermediate + self.fill_width) * padded / (chip.peak.0 * self.compute_efficiency);
        let weights = chip.weight_bytes * active * matrices * intermediate;
        let passes = self.row_passes * chip.result_bytes * rows * (2.0 * hidden + inner);
        let memory = (weights + passes) / (chip.bandwidth.0 * self.memory_efficiency);
        let walk = self.step.0 * (hidden + intermediate);

        let all_passes = self.all_row_passes * chip.result_bytes * all_rows * (hidden + inner) / chip.bandwidth.0;
        let sorting = self.expert.0 * local + self.ramp.0 * tokens.min(RAMP_TOKENS).sqrt();
        let longest = (arithmetic * arithmetic + memory * memory + walk * walk).sqrt();
        self.launch + Seconds(sorting + all_passes + longest)
    }
}

impl Law for GroupedGemmLaw {
    const FAMILY: &'static str = "grouped_gemm";
    const DOC: &'static str = "The experts of one layer on the busiest rank.";
    const INPUTS: &'static [Input] = &[
        Input { name: "tokens", doc: "tokens of all ranks that share the experts" },
        Input { name: "hidden", doc: "width of a token" },
        Input { name: "intermediate", doc: "width inside an expert, of one rank" },
        Input { name: "top_k", doc: "experts per token" },
        Input { name: "experts", doc: "experts of all ranks" },
        Input { name: "expert_parallel", doc: "ranks that the experts are spread over" },
        Input { name: "gated", doc: "1 if experts have a gate, else 0" },
        Input { name: "hottest", doc: "rows of the busiest rank over the mean" },
        Input { name: "active", doc: "experts of the busiest rank that have rows; 0: rows are spread evenly" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of empty kernels", low: 1e-6, start: 12e-6, high: 4e-4 },
        Coefficient { name: "expert_s", doc: "time per expert of the rank", low: 1e-10, start: 4e-8, high: 1e-6 },
        Coefficient {
            name: "ramp_s",
            doc: "time per root of tokens, up to 64 of them: sorting",
            low: 1e-9,
            start: 1e-6,
            high: 3e-5,
        },
        Coefficient {
            name: "all_row_passes",
            doc: "passes over the rows of all ranks",
            low: 1e-3,
            start: 0.7,
            high: 50.0,
        },
        Coefficient { name: "compute_efficiency", doc: "share of the peak", low: 0.02, start: 0.5, high: 1.0 },
        Coefficient {
            name: "fill_width",
            doc: "width that narrow experts seem wider",
            low: 0.1,
            start: 30.0,
            high: 3000.0,
        },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth",
            low: 0.1,
            start: 0.85,
            high: 1.0,
        },
        Coefficient {
            name: "padding_rows",
            doc: "rows of padding per active expert",
            low: 0.05,
            start: 16.0,
            high: 200.0,
        },
        Coefficient { name: "row_passes", doc: "passes over the rows of the rank", low: 1e-3, start: 1.5, high: 60.0 },
        Coefficient {
            name: "step_s",
            doc: "time of one tile per step of depth",
            low: 1e-11,
            start: 1.5e-9,
            high: 2e-8,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[
            launch,
            expert,
            ramp,
            all_row_passes,
            compute_efficiency,
            fill_width,
            memory_efficiency,
            padding_rows,
            row_passes,
            step,
        ] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self {
            launch: Seconds(launch),
            expert: Seconds(expert),
            ramp: Seconds(ramp),
            all_row_passes,
            compute_efficiency,
            fill_width,
            memory_efficiency,
            padding_rows,
            row_passes,
            step: Seconds(step),
        }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
        let &[tokens, hidden, intermediate, top_k, experts, expert_parallel, gated, hottest, active] =
            inputs.first_chunk().expect("a value for each of the law's inputs");
        let gated = gated > 0.5;
        let shape =
            GroupedShape { tokens, hidden, intermediate, top_k, experts, expert_parallel, gated, hottest, active };
        self.seconds(chip, &shape)
    }
}
