//! Training, level row: the ranks of a replica and of what they share, before any memory or time is known.
use super::training::TrainingSetup;
use super::training_layout::TrainingLayout;
use super::training_times::TrainingWork;
use crate::parallel::placement::{Placement, Sharding};
use crate::reject::Reject;

/// A replica's ranks and batches, checked to divide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replicas {
    /// Data-parallel replicas.
    pub data: u32,
    /// Micro-batches of one replica in one step.
    pub micro_batches: u32,
}

impl Replicas {
    /// Derives data parallelism and micro-batches from devices and global batch.
    pub fn of(work: &TrainingWork, setup: &TrainingSetup) -> Result<Self, Reject> {
        let layout = &work.layout;
        setup.schedule.check_stages(setup.pipeline, setup.virtual_pipeline)?;
        let data = data_parallel(layout, setup.pipeline, setup.devices)?;
        let micro_batches = micro_batches(layout, data, setup.global_batch)?;
        setup.schedule.check_batches(setup.pipeline, setup.virtual_pipeline, micro_batches)?;
        copies_divide(layout, data, setup.data_parallel_replicate)?;
        Ok(Self { data, micro_batches })
    }
}

/// Replicas of the model on so many devices, where they and its experts divide.
pub fn data_parallel(layout: &TrainingLayout, pipeline: u32, devices: u32) -> Result<u32, Reject> {
    let wide = u64::from;
    let stage = wide(layout.tensor).saturating_mul(wide(layout.context));
    let replica = stage.saturating_mul(wide(pipeline));
    let devices = wide(devices);
    if devices < replica {
        return Err(Reject::DevicesTooFew);
    }
    if !devices.is_multiple_of(replica) {
        return Err(Reject::DevicesNotDivisible);
    }
    let data = devices / replica;
    if (stage * data).is_multiple_of(expert_ranks(layout)) { Ok(data as u32) } else { Err(Reject::ExpertParallelRanks) }
}

/// Micro-batches of one replica in one step, where the global batch divides.
pub fn micro_batches(layout: &TrainingLayout, data: u32, global_batch: u32) -> Result<u32, Reject> {
    let together = u64::from(data) * u64::from(layout.micro_batch);
    let batch = u64::from(global_batch);
    if batch.is_multiple_of(together) { Ok((batch / together) as u32) } else { Err(Reject::GlobalBatchNotDivisible) }
}

/// Whether the ranks that hold the same parameters divide into so many copies.
pub fn copies_divide(layout: &TrainingLayout, data: u32, replicate: u32) -> Result<(), Reject> {
    let (ranks, copies) = (u64::from(layout.context) * u64::from(data), u64::from(replicate));
    let same_experts = ranks * u64::from(layout.tensor) / expert_ranks(layout);
    if ranks.is_multiple_of(copies) && same_experts.is_multiple_of(copies) {
        Ok(())
    } else {
        Err(Reject::DataParallelReplicate)
    }
}

/// Ranks over which the experts of a layer are spread.
fn expert_ranks(layout: &TrainingLayout) -> u64 {
    u64::from(layout.expert) * u64::from(layout.expert_tensor)
}

/// Where the groups of a setup that divides sit, and what each of them holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Groups {
    /// Sizes of all groups.
    pub placement: Placement,
    /// Where ZeRO shards dense parameters.
    pub dense: Sharding,
    /// Where it shards experts.
    pub experts: Sharding,
    /// Ranks that hold the same dense parameters, and the same experts.
    pub state_ranks: (f64, f64),
    /// Micro-batches of one replica in one step.
    pub micro_batches: f64,
}

impl Groups {
    /// Of a setup that divides into `replicas`.
    #[must_use]
    pub fn of(work: &TrainingWork, replicas: Replicas, setup: &TrainingSetup) -> Self {
        let placement = Placement {
            tensor: work.split.tensor,
            context: work.split.context,
            data: f64::from(replicas.data),
            expert: work.split.expert,
            expert_tensor: work.split.expert_tensor,
            replicate: f64::from(setup.data_parallel_replicate),
        };
        let (dense, experts) = (placement.sharding(), placement.expert_sharding());
        // A second copy of the model on the same devices doubles the ranks that hold the same parameters.
        let copies = setup.schedule.copies();
        let state_ranks = (dense.shards.size * copies, experts.shards.size * copies);
        Self { placement, dense, experts, state_ranks, micro_batches: f64::from(replicas.micro_batches) }
    }
}
