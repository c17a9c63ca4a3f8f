//! A literal published number for each formula.
mod activations;
mod cache;
mod collectives;
mod counting;
mod decoding;
mod economics;
mod flops;
mod goodput;
mod llama3;
mod memory;
mod pipeline;
mod state;
