//! Where the groups sit: ranks are numbered tensor, context, data, pipeline, the first fastest (Megatron-LM's order), so that the
//! chattiest group shares the fastest links. Groups that one layer knows of are placed by `phase::training_messages::ring_of`.
use crate::collective::Ring;

/// Sizes of the parallel groups of a training run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Tensor-parallel size.
    pub tensor: f64,
    /// Context-parallel size.
    pub context: f64,
    /// Data-parallel size.
    pub data: f64,
    /// Expert-parallel size.
    pub expert: f64,
    /// Devices that share one expert's matrices.
    pub expert_tensor: f64,
    /// Copies of what ZeRO shards: the ranks that hold the same parameters form this many groups, each with all shards.
    pub replicate: f64,
}

/// Where ZeRO's shards lie: the ranks of one group, and the ranks of all groups that hold the same shard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharding {
    /// The ranks that share one copy, the nearest ones.
    pub shards: Ring,
    /// The ranks that hold the same shard, one in each group.
    pub copies: Ring,
}

impl Sharding {
    /// Splits the ranks that hold the same parameters into `replicate` groups of neighbours.
    fn of(ranks: Ring, replicate: f64) -> Self {
        let shards = Ring::new(ranks.size / replicate, ranks.stride);
        Self { shards, copies: Ring::new(replicate, shards.size * ranks.stride) }
    }
}

impl Placement {
    /// The ranks that hold the same dense parameters: they share gradients, and with ZeRO the optimizer's state.
    ///
    /// ```
    /// # use llmsweep_model::parallel::placement::Placement;
    /// let ranks = Placement { tensor: 8.0, context: 2.0, data: 16.0, expert: 64.0, expert_tensor: 1.0, replicate: 1.0 };
    /// assert_eq!((ranks.data_ring().size, ranks.data_ring().stride), (32.0, 8.0));
    /// assert_eq!((ranks.expert_data_ring().size, ranks.expert_data_ring().stride), (4.0, 64.0));
    /// assert_eq!(ranks.pipeline_stride(), 256.0);
    /// ```
    #[must_use]
    pub fn data_ring(&self) -> Ring {
        Ring::new(self.context * self.data, self.tensor)
    }

    /// The ranks that hold the same experts.
    #[must_use]
    pub fn expert_data_ring(&self) -> Ring {
        let stage = self.tensor * self.context * self.data;
        let owners = self.expert * self.expert_tensor;
        Ring::new((stage / owners).max(1.0), owners)
    }

    /// Where ZeRO shards the dense parameters. With copies gradients are scattered inside a group and summed over the groups (hybrid
    /// sharding: Zhao et al. 2023, arXiv:2304.11277, section 3.2.2; Zhang et al. 2022, arXiv:2205.00119).
    ///
    /// ```
    /// # use llmsweep_model::parallel::placement::Placement;
    /// # let all = Placement { tensor: 1.0, context: 1.0, data: 1024.0, expert: 1.0, expert_tensor: 1.0, replicate: 1.0 };
    /// // 1,024 ranks as 128 copies: shards inside a node of eight, copies eight devices apart.
    /// let hybrid = Placement { replicate: 128.0, ..all }.sharding();
    /// assert_eq!((hybrid.shards.size, hybrid.shards.stride), (8.0, 1.0));
    /// assert_eq!((hybrid.copies.size, hybrid.copies.stride), (128.0, 8.0));
    /// assert_eq!((all.sharding().shards, all.sharding().copies.size), (all.data_ring(), 1.0));
    /// ```
    #[must_use]
    pub fn sharding(&self) -> Sharding {
        Sharding::of(self.data_ring(), self.replicate)
    }

    /// Where ZeRO shards the experts.
    #[must_use]
    pub fn expert_sharding(&self) -> Sharding {
        Sharding::of(self.expert_data_ring(), self.replicate)
    }

    /// Devices between a rank and the same rank of the next stage.
    #[must_use]
    pub fn pipeline_stride(&self) -> f64 {
        self.tensor * self.context * self.data
    }
}
