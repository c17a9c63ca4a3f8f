//! What must be true of any numbers, over random layouts.
mod attention_kernels;
mod bounded;
mod collectives;
mod conserved;
mod data_parallel;
mod layouts;
mod memory;
mod monotone;
mod multiplications;
mod refused;
