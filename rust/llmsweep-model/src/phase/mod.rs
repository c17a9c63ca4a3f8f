//! From work and time to the results of a setup.
//!
//! Each phase is built in the plan's levels: a `…Model` (shape), a `…Work` (counted), `…Times` (timed) and a row. A sweep builds each level
//! once per distinct combination of the axes it depends on; the one-row path builds all four. Both call the same functions.
pub mod exchange;
pub mod inference;
pub mod overlap;
pub mod share;
pub mod training;
pub mod training_flops;
pub mod training_groups;
pub mod training_ideal;
mod training_layout;
pub mod training_memory;
pub mod training_messages;
pub mod training_pipeline;
pub mod training_stage;
pub mod training_state;
pub mod training_times;
pub mod training_traffic;
mod training_work;
mod update;

use crate::collective::CollectiveModel;
use crate::hardware::Accelerator;
use crate::kernel::KernelModel;

/// One accelerator in one precision, with everything that times it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Device {
    /// The hardware.
    pub accelerator: Accelerator,
    /// Times kernels.
    pub kernels: KernelModel,
    /// Times messages.
    pub collectives: CollectiveModel,
}
