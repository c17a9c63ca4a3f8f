//! How long a kernel takes: a roofline with efficiencies. Timing knows no model.
//!
//! `t = t₀ + √(C² + M²)`, with `C = flops / (peak · e_c)` and `M = bytes / (bandwidth · e_m)`. The root of squares stands between the
//! two regimes of a roofline's maximum and the sum of no overlap; it is the form that fits measured decode kernels (see
//! `docs/model.md`, kernels). Compute also suffers from dot products and results too short for a tile, `(1 + n_h/n)(1 + k_h/k)`.
use crate::quantity::{Bytes, BytesPerSec, Flops, FlopsPerSec, Seconds};
use crate::work::{Kernel, Matrix, Op, Scores};

/// Efficiencies of matrix multiplication in one format on one architecture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GemmCurve {
    /// Share of the peak that long multiplications reach.
    pub compute_efficiency: f64,
    /// Share of the memory bandwidth that multiplications with few rows reach.
    pub memory_efficiency: f64,
    /// Share of the memory bandwidth that the experts' grouped multiplications with few rows reach.
    pub grouped_memory_efficiency: f64,
    /// Columns at which half of the speed is lost, `n_h`.
    pub half_columns: f64,
    /// Length of dot products at which half of the speed is lost, `k_h`.
    pub half_depth: f64,
}

/// Efficiencies of attention on one architecture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionCurve {
    /// Share of the 16-bit peak that fused attention reaches on long sequences.
    pub compute_efficiency: f64,
    /// Keys at which half of it is reached.
    pub half_keys: f64,
    /// Backward speed over forward speed.
    pub backward_ratio: f64,
    /// Share of the memory bandwidth that reading the cache reaches.
    pub cache_efficiency: f64,
    /// The same for a latent cache.
    pub latent_cache_efficiency: f64,
    /// Share of the 16-bit peak that decode attention over a latent cache reaches.
    pub latent_compute_efficiency: f64,
}

/// Everything that times a kernel on one accelerator in one precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelModel {
    /// Dense peak of the precision's compute format.
    pub peak: FlopsPerSec,
    /// Dense peak of 16-bit arithmetic (single precision where that is the precision).
    pub plain_peak: FlopsPerSec,
    /// Peak of the vector units in single precision.
    pub vector_peak: FlopsPerSec,
    /// Memory bandwidth of the datasheet.
    pub bandwidth: BytesPerSec,
    /// Multiplications with quantised weights.
    pub gemm: GemmCurve,
    /// Multiplications in 16 bits.
    pub plain_gemm: GemmCurve,
    /// Attention.
    pub attention: AttentionCurve,
    /// Share of `gemm` that the experts' grouped multiplications reach in compute.
    pub grouped_compute_ratio: f64,
    /// Share of the memory bandwidth that passes over memory reach.
    pub elementwise_efficiency: f64,
    /// Clock under sustained load over the clock of the datasheet's peak.
    pub sustained_clock: f64,
    /// Time of an empty kernel inside a captured graph, `t₀`.
    pub launch: Seconds,
}

/// Whether a kernel runs in the forward or in the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward, prefill and decode.
    Forward,
    /// Backward.
    Backward,
}

impl KernelModel {
    /// Time of a kernel, launches included. Never below the roofline of the datasheet.
    #[must_use]
    pub fn time(&self, op: &Op, pass: Pass) -> Seconds {
        self.busy_time(op, pass) + self.launch * op.launches
    }

    /// Time of a kernel without its launches.
    #[must_use]
    pub fn busy_time(&self, op: &Op, pass: Pass) -> Seconds {
        let (peak, compute, memory) = self.efficiencies(op, pass);
        roofline(op.flops, peak * (compute * self.sustained_clock), op.bytes, self.bandwidth * memory)
    }

    /// Peak, compute efficiency and memory efficiency that apply to a kernel.
    fn efficiencies(&self, op: &Op, pass: Pass) -> (FlopsPerSec, f64, f64) {
        match op.kernel {
            Kernel::Gemm(Matrix { n, k, .. }) => (self.peak, self.gemm.compute(n, k), self.gemm.memory_efficiency),
            Kernel::PlainGemm(Matrix { n, k, .. }) => {
                (self.plain_peak, self.plain_gemm.compute(n, k), self.plain_gemm.memory_efficiency)
            }
            Kernel::Experts(_) => (
                self.peak,
                self.gemm.compute_efficiency * self.grouped_compute_ratio,
                self.gemm.grouped_memory_efficiency,
            ),
            Kernel::Attention(Scores { keys, .. }) => {
                let backward = if pass == Pass::Backward { self.attention.backward_ratio } else { 1.0 };
                let efficiency =
                    self.attention.compute_efficiency * keys / (keys + self.attention.half_keys) * backward;
                (self.plain_peak, efficiency, self.elementwise_efficiency)
            }
            Kernel::UnfusedAttention(_) => {
                (self.plain_peak, self.plain_gemm.compute_efficiency, self.elementwise_efficiency)
            }
            Kernel::CacheRead(_) => {
                (self.plain_peak, self.attention.compute_efficiency, self.attention.cache_efficiency)
            }
            Kernel::LatentCacheRead(_) => {
                (self.plain_peak, self.attention.latent_compute_efficiency, self.attention.latent_cache_efficiency)
            }
            Kernel::Quantise { .. } | Kernel::Elementwise | Kernel::Scan { chunked: false } => {
                (self.vector_peak, 1.0, self.elementwise_efficiency)
            }
            Kernel::Scan { chunked: true } => {
                (self.plain_peak, self.attention.compute_efficiency, self.elementwise_efficiency)
            }
        }
    }
}

impl GemmCurve {
    /// Compute efficiency of a result `n` columns wide from dot products `k` long.
    ///
    /// ```
    /// # use llmsweep_model::kernel::GemmCurve;
    /// let h100 = GemmCurve { compute_efficiency: 0.8, memory_efficiency: 0.8, grouped_memory_efficiency: 0.7, half_columns: 16.0, half_depth: 128.0 };
    /// assert!((h100.compute(16.0, 128.0) - 0.2).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn compute(&self, n: f64, k: f64) -> f64 {
        self.compute_efficiency / ((1.0 + self.half_columns / n) * (1.0 + self.half_depth / k))
    }
}

/// `√((flops/rate)² + (bytes/bandwidth)²)`.
///
/// ```
/// # use llmsweep_model::{kernel::roofline, quantity::*};
/// let time = roofline(Flops(3e12), FlopsPerSec(1e12), Bytes(4e9), BytesPerSec(1e9));
/// assert_eq!(time, Seconds(5.0));
/// ```
#[must_use]
pub fn roofline(flops: Flops, rate: FlopsPerSec, bytes: Bytes, bandwidth: BytesPerSec) -> Seconds {
    let (compute, memory) = ((flops / rate).0, (bytes / bandwidth).0);
    Seconds((compute * compute + memory * memory).sqrt())
}
