//! The machine: specification, catalogue, plan, evaluation, Pareto front.
pub mod axes;
pub mod catalog;
pub mod columns;
pub mod control;
pub mod document;
pub mod node;
pub mod pareto;
pub mod plan;
pub mod spec;
