//! Experts spread widely: copies of the busy ones, and what is left of the imbalance.
use crate::arch::{ModelShape, Moe};

/// The model with `redundant` more experts in each layer, copies of those that most tokens choose.
///
/// Tokens choose among copies evenly, so each expert is met by fewer: with `E + r` experts on the devices, a token still meets `k`.
/// DeepSeek-V3 serves 256 experts with 32 redundant ones (arXiv:2412.19437, section 3.4).
#[must_use]
pub fn with_redundant(shape: &ModelShape, redundant: u32) -> ModelShape {
    let copies = |moe: Moe| Moe { experts: moe.experts.saturating_add(redundant), ..moe };
    ModelShape { moe: shape.moe.map(copies), ..shape.clone() }
}

/// Tokens of the busiest rank over the mean where `redundant` copies are spread over `ranks`: `1 + (λ − 1) / (1 + r/n)`.
///
/// A rank that holds `r/n` copies of busy experts shares what it has too much with as many others; assumed.
///
/// ```
/// # use llmsweep_model::phase::inference::experts::balanced;
/// assert_eq!(balanced(1.5, 0.0, 32.0), 1.5);
/// assert_eq!(balanced(1.5, 32.0, 32.0), 1.25);
/// assert_eq!(balanced(1.5, 0.0, 1.0), 1.0);
/// ```
#[must_use]
pub fn balanced(imbalance: f64, redundant: f64, ranks: f64) -> f64 {
    if ranks > 1.0 { 1.0 + (imbalance - 1.0) / (1.0 + redundant / ranks) } else { 1.0 }
}
