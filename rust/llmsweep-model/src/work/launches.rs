//! Kernels that engines launch where the count is not plain from the mathematics.
//!
//! A count, not a time: `kernel_start_s` of `systems/serving.toml` turns it into one, and an operation with a law of its own never pays more
//! than the law's `launch_s` (`kernel.rs`, `parts`). Elsewhere an operation is one kernel. The counts are of vLLM, SGLang and TensorRT-LLM of
//! 2025 and 2026: 1,039 published deployments show a layer to take 20 µs more for delta-net than a dense layer of ten kernels (23.5 µs at
//! 2.35 µs each), 10 µs for latent and 83 µs for sparse attention (docs/model.md, kernels).

/// Softmax over the router's scores, selection, normalisation.
pub const TOP_K: f64 = 3.0;
/// Rotation of queries and keys, and writing the cache.
pub const ROTARY_CACHE_WRITE: f64 = 2.0;
/// The same for latent attention, whose rotated and plain channels are apart.
pub const LATENT_ROTARY_CACHE_WRITE: f64 = 4.0;
/// Scoring, top-k and gathering of sparse attention in a decode step.
pub const SPARSE_SELECTION: f64 = 35.0;
/// Scores of the sparse indexer over many tokens.
pub const SPARSE_SCORES: f64 = 2.0;
/// Convolution, gates, recurrence and norm of a linear mixer in a decode step.
pub const STATE_UPDATE: f64 = 11.0;
/// Scores, mask, softmax, dropout and the product with the values, unfused.
pub const UNFUSED_ATTENTION: f64 = 5.0;
/// Maximum, sum and selection over the logits.
pub const LOGITS: f64 = 3.0;
/// Attention over the cache and the merging of its parts.
pub const CACHE_READ: f64 = 2.0;
/// Sorting rows by expert, the set-up of groups, two multiplications with the activation function between, the sum.
pub const EXPERTS: f64 = 14.0;
/// Chunk states, their passing on, and the outputs of a scan.
pub const SCAN: f64 = 4.0;
