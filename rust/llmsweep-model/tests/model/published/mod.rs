//! A literal published number for each formula.
mod activations;
mod adapters;
mod cache;
mod collectives;
mod context;
mod counting;
mod decoding;
mod economics;
mod flops;
mod goodput;
mod llama3;
mod memory;
mod optimizers;
mod pipeline;
mod queues;
mod recomputation;
mod state;
