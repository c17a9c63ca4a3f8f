//! A literal published number for each formula.
mod activations;
mod adapters;
mod cache;
mod collectives;
mod counting;
mod decoding;
mod flops;
mod llama3;
mod optimizers;
mod pipeline;
mod recomputation;
mod state;
