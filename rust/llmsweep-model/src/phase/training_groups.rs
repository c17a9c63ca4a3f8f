//! Training, level row: the ranks of a replica and of what they share, before any memory or time is known.
use super::training::TrainingSetup;
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
        let wide = u64::from;
        let stage = wide(layout.tensor).saturating_mul(wide(layout.context));
        let replica = stage.saturating_mul(wide(setup.pipeline));
        let devices = wide(setup.devices);
        if devices < replica {
            return Err(Reject::DevicesTooFew);
        }
        if !devices.is_multiple_of(replica) {
            return Err(Reject::DevicesNotDivisible);
        }
        let data = (devices / replica) as u32;
        let stage_ranks = stage * wide(data);
        if !stage_ranks.is_multiple_of(wide(layout.expert) * wide(layout.expert_tensor)) {
            return Err(Reject::ExpertParallelRanks);
        }
        let together = u64::from(data) * u64::from(layout.micro_batch);
        if !u64::from(setup.global_batch).is_multiple_of(together) {
            return Err(Reject::GlobalBatchNotDivisible);
        }
        let copies = wide(setup.data_parallel_replicate);
        let same_experts = stage_ranks / (wide(layout.expert) * wide(layout.expert_tensor));
        if !(wide(layout.context) * wide(data)).is_multiple_of(copies) || !same_experts.is_multiple_of(copies) {
            return Err(Reject::DataParallelReplicate);
        }
        let micro_batches = (u64::from(setup.global_batch) / together) as u32;
        setup.schedule.check(setup.pipeline, setup.virtual_pipeline, micro_batches)?;
        Ok(Self { data, micro_batches })
    }
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
