//! The machine: specification, catalogue, plan, evaluation, Pareto front.
pub mod axes;
pub mod batch;
pub mod catalog;
pub mod columns;
pub mod context;
pub mod control;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod listed;
pub mod node;
pub mod pareto;
pub mod plan;
pub mod run;
pub mod spec;
pub mod sweep;
pub mod values;
