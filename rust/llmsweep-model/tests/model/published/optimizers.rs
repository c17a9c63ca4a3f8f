//! Optimizers: state per parameter, and what Muon multiplies.
use crate::common::run::{ONE, count};
use crate::common::shapes::llama3_405b;
use crate::common::{close, precision};
use llmsweep_model::memory::state::{Optimizer, StateBytes};
use llmsweep_model::work::orthogonalise::newton_schulz;

/// DeepSeek-AI 2024, arXiv:2412.19437, section 3.3.3: both moments of AdamW in bfloat16, master weights in single precision.
#[test]
fn narrow_moments_save_four_bytes() {
    let of = |optimizer| StateBytes::of(precision("bf16"), optimizer).optimizer;
    close(of(Optimizer::AdamW) - of(Optimizer::AdamWBf16), 4.0, 1e-12);
    close(of(Optimizer::AdamWBf16), 8.0, 1e-12);
}

/// Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", section "Runtime analysis": the overhead of five steps is
/// at most `5·m/B`, for Llama 405B (model dimension 16,384, batches of 16 million tokens) 0.5 %.
#[test]
fn orthogonalising_llama3_405b_takes_half_a_percent() {
    let work = count(&llama3_405b(), ONE).expect("counts");
    let layers = work.parameters[0].dense * 126.0;
    let overhead = work.orthogonalised[0].dense * 126.0 / (6.0 * layers * 16e6);
    assert!(overhead < 0.0052 && overhead > 0.0035, "{overhead}");
}

/// The same section's bound: `6·n·m²` per step, reached by a square matrix.
#[test]
fn square_matrices_reach_the_bound() {
    close(newton_schulz(1024.0, 1024.0), 5.0 * 6.0 * 1024.0_f64.powi(3), 1e-12);
    assert!(newton_schulz(4096.0, 1024.0) < 5.0 * 6.0 * 4096.0 * 1024.0 * 1024.0);
}
