//! What must be true of any numbers, over random layouts.
mod attention_kernels;
mod bounded;
mod collectives;
mod conserved;
mod contexts;
mod data_parallel;
mod goodput;
mod layouts;
mod memory;
mod monotone;
mod multiplications;
mod pipelines;
mod prefixes;
mod recipes;
mod refused;
mod rooms;
mod speculation;
