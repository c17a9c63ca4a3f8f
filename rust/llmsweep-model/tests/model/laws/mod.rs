//! What must be true of any numbers, over random layouts.
mod attention_kernels;
mod bounded;
mod collectives;
mod conserved;
mod data_parallel;
mod engines;
mod goodput;
mod layouts;
mod memory;
mod monotone;
mod multiplications;
mod pipelines;
mod recipes;
mod refused;
