//! What must be held: weights, gradients, optimizer state, activations, key-value cache.
pub mod activations;
pub mod cache;
pub mod chunk;
pub mod moments;
pub mod recompute;
pub mod state;
