//! Pipelines: which layers a stage holds, in which order the stages work, how long they wait and what waits on them.
mod schedule;
mod stages;
mod waiting;

pub use schedule::Schedule;
pub use stages::{Cut, MAX_KINDS, Order, StageClass, stages};
pub use waiting::{Passes, Walk};
