//! Experts and formats.
use crate::common::{close, precision};
use llmsweep_model::work::experts::{active_experts, distinct_ranks};

/// Tokens that choose independently leave an expert idle with probability `(1 − k/E)^T`: of 4 experts, two tokens of two each meet 3.
/// DeepSeek-V3 (arXiv:2412.19437, section 4.2: 8 of 256) meets 163.3 with a batch of 32.
#[test]
fn experts_met_by_a_batch() {
    close(active_experts(4.0, 2.0, 4.0, 2.0, 1.0), 3.0, 1e-12);
    close(active_experts(256.0, 8.0, 256.0, 32.0, 1.0), 163.3, 1e-3);
    close(active_experts(256.0, 8.0, 4.0, 32.0, 1.0), 163.3 / 64.0, 1e-3);
    close(active_experts(256.0, 8.0, 256.0, 32.0, 0.0), 8.0, 1e-12);
}

/// DeepSeek-V3's 8 of 256 experts (arXiv:2412.19437, section 4.2) over 8 nodes: exactly, drawing without replacement, a token meets
/// `8·(1 − C(224, 8)/C(256, 8))` = 5.3 of them; ours draws with replacement, 5.25.
#[test]
fn ranks_met_by_a_token() {
    let idle: f64 = (0..8).map(|draw| (224.0 - f64::from(draw)) / (256.0 - f64::from(draw))).product();
    close(distinct_ranks(8.0, 8.0), 8.0 * (1.0 - idle), 0.02);
    close(distinct_ranks(1.0, 8.0), 1.0, 1e-12);
}

/// OCP Microscaling Formats v1.0, section 5.2: one 8-bit scale per 32 elements. Frantar et al. 2022, arXiv:2210.17323, section 4: 4 bits in
/// groups of 128 with 16-bit scale and 4-bit zero, 4.15 bits.
#[test]
fn bits_with_scales() {
    close(precision("mxfp4").weight_bits, 4.25, 1e-12);
    close(precision("mxfp8").weight_bits, 8.25, 1e-12);
    close(precision("w4a16").weight_bits, 4.15, 2e-3);
}
