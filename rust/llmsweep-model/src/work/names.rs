//! Names of multiplications that stand for several matrices: what counts matrices looks them up.

/// Queries, keys and values.
pub const QUERY_KEY_VALUE: &str = "query, key, value";
/// Queries, or what they come from, and the latent of keys and values.
pub const QUERY_LATENT_DOWN: &str = "query, latent down";
/// The way into the dense MLP, its gate with it.
pub const MLP_UP: &str = "mlp up";
/// The way into shared experts, their gate with it.
pub const SHARED_EXPERT_UP: &str = "shared expert up";

/// Matrices of an MLP's way in, which one kernel multiplies: two where it is gated.
#[must_use]
pub fn up_matrices(name: &str, gated: bool) -> f64 {
    if gated && matches!(name, MLP_UP | SHARED_EXPERT_UP) { 2.0 } else { 1.0 }
}
