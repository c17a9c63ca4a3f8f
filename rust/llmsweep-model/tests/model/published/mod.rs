//! A literal published number for each formula.
mod activations;
mod cache;
mod collectives;
mod context;
mod counting;
mod decoding;
mod flops;
mod llama3;
mod pipeline;
mod state;
