//! Tests of whole sweeps against the shipped catalogue.
mod cancel;
mod common;
mod efficiencies;
mod explained;
mod fronts;
mod listed;
mod paths;
mod rejects;
mod setups;
mod space;
mod specs;
mod systems;
