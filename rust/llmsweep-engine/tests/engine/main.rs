//! Tests of whole sweeps against the shipped catalogue.
#![allow(clippy::float_cmp, reason = "rows must be equal to the last bit")]
mod cancel;
mod common;
mod disaggregated;
mod efficiencies;
mod engines;
mod explained;
mod fronts;
mod ideals;
mod listed;
mod named_effects;
mod named_effects_serving;
mod operations;
mod paths;
mod recipes;
mod rejects;
mod serving;
mod setups;
mod space;
mod specs;
mod stacks;
mod systems;
mod traffic;
mod walks;
