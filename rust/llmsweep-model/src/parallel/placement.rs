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
}

impl Placement {
    /// The ranks that hold the same dense parameters: they share gradients, and with ZeRO the optimizer's state.
    ///
    /// ```
    /// # use llmsweep_model::parallel::placement::Placement;
    /// let ranks = Placement { tensor: 8.0, context: 2.0, data: 16.0, expert: 64.0, expert_tensor: 1.0 };
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

    /// Devices between a rank and the same rank of the next stage.
    #[must_use]
    pub fn pipeline_stride(&self) -> f64 {
        self.tensor * self.context * self.data
    }
}
