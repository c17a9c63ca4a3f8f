//! Muon's orthogonalisation of a layer's updates.
use super::names::up_matrices;
use super::{Kernel, Work};
use crate::law::GemmShape;
use crate::memory::state::DeviceParameters;

/// Newton–Schulz steps of an update (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks").
const STEPS: f64 = 5.0;

/// FLOPs of orthogonalising a matrix: each step multiplies `X·Xᵀ`, squares that and multiplies it with `X`, `2·(2·n·m² + m³)` with `m` the
/// shorter side (Jordan et al. 2024, section "Runtime analysis").
///
/// ```
/// # use llmsweep_model::work::orthogonalise::newton_schulz;
/// assert_eq!(newton_schulz(4096.0, 4096.0), 5.0 * 6.0 * 4096.0_f64.powi(3));
/// assert_eq!(newton_schulz(4096.0, 1024.0), newton_schulz(1024.0, 4096.0));
/// ```
#[must_use]
pub fn newton_schulz(rows: f64, columns: f64) -> f64 {
    let (short, long) = (rows.min(columns), rows.max(columns));
    STEPS * 2.0 * (2.0 * long * short * short + short * short * short)
}

/// FLOPs of one multiplication of square matrices.
#[must_use]
pub fn whole_matrices(side: f64) -> f64 {
    2.0 * side * side * side
}

/// FLOPs of a layer's matrices, given its unsplit forward pass, on one of `tensor` and one of `expert_ranks` devices. Queries, keys and
/// values are one matrix, gate and up two.
#[must_use]
pub fn of_layer(unsplit: &Work, experts: f64, gated: bool, tensor: f64, expert_ranks: f64) -> DeviceParameters {
    let mut sum = DeviceParameters::default();
    for op in &unsplit.ops {
        match op.kernel {
            Kernel::Gemm(GemmShape { n, k, .. }) => {
                let together = up_matrices(op.name, gated);
                sum.dense += op.count * together * newton_schulz(k, n / together) / tensor;
            }
            Kernel::Experts(shape) => {
                let matrices = if shape.gated { 3.0 } else { 2.0 };
                sum.experts += experts * matrices * newton_schulz(shape.hidden, shape.intermediate) / expert_ranks;
            }
            _ => {}
        }
    }
    sum
}
