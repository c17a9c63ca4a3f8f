//! Weights, gradients and optimizer state of one device.
use crate::arch::ModelShape;
use crate::arch::parameters::LayerParameters;
use crate::parallel::pipeline::{MAX_KINDS, StageClass};
use crate::precision::Precision;

/// Optimizers, by the state they hold per parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimizer {
    /// Adam with decoupled weight decay: two moments in single precision.
    AdamW,
    /// Adam with both moments in 8 bits (Dettmers et al. 2021, arXiv:2110.02861).
    AdamW8bit,
    /// One momentum in single precision, orthogonalised (Jordan et al. 2024).
    Muon,
    /// One momentum in single precision.
    SgdMomentum,
}

impl Optimizer {
    /// Every optimizer with its name in specifications.
    pub const ALL: [(&'static str, Self); 4] = [
        ("adamw", Self::AdamW),
        ("adamw_8bit", Self::AdamW8bit),
        ("muon", Self::Muon),
        ("sgd_momentum", Self::SgdMomentum),
    ];

    /// Bytes of state per parameter beside weights, gradient and master copy.
    #[must_use]
    pub const fn moment_bytes(self) -> f64 {
        match self {
            Self::AdamW => 8.0,
            Self::AdamW8bit => 2.0,
            Self::Muon | Self::SgdMomentum => 4.0,
        }
    }
}

/// Bytes per parameter of a training recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateBytes {
    /// Weights that the forward pass reads.
    pub weight: f64,
    /// Gradients: summed in single precision.
    pub gradient: f64,
    /// Single-precision master weights and moments.
    pub optimizer: f64,
}

impl StateBytes {
    /// Of a precision and an optimizer: 2 + 4 + 12 = 18 for AdamW on 16-bit weights with single-precision gradients
    /// (Megatron-LM's distributed optimizer, table of bytes per parameter), 4 + 4 + 8 in single precision.
    ///
    /// ```
    /// # use llmsweep_model::memory::state::{Optimizer, StateBytes};
    /// # use llmsweep_model::precision::Precision;
    /// let bytes = StateBytes::of(Precision::by_name("bf16").unwrap(), Optimizer::AdamW);
    /// assert_eq!(bytes.weight + bytes.gradient + bytes.optimizer, 18.0);
    /// ```
    #[must_use]
    pub fn of(precision: &Precision, optimizer: Optimizer) -> Self {
        let weight = precision.unquantised_bytes();
        let master = if weight < 4.0 { 4.0 } else { 0.0 };
        Self { weight, gradient: 4.0, optimizer: master + optimizer.moment_bytes() }
    }
}

/// Parameters of one device, by how many devices hold the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceParameters {
    /// Dense parameters: the data- and context-parallel ranks hold the same.
    pub dense: f64,
    /// Experts: fewer ranks hold the same.
    pub experts: f64,
}

impl DeviceParameters {
    /// Of one layer split `tensor` ways, its experts `expert_ranks` ways.
    #[must_use]
    pub fn of_layer(layer: &LayerParameters, tensor: f64, expert_ranks: f64) -> Self {
        Self { dense: layer.tensor_sharded / tensor + layer.replicated, experts: layer.experts / expert_ranks }
    }

    /// Of a stage: its layers, the embedding on the first, final norm and LM head on the last. A tied head on a stage of its own is a
    /// copy of the embedding's table.
    #[must_use]
    pub fn of_stage(shape: &ModelShape, layers: &[Self; MAX_KINDS], stage: &StageClass, tensor: f64) -> Self {
        let mut sum = Self::default();
        for (layer, count) in layers.iter().zip(stage.layers) {
            sum.dense += layer.dense * count;
            sum.experts += layer.experts * count;
        }
        let head = shape.head_parameters();
        if stage.first {
            sum.dense += shape.embedding_parameters() / tensor;
        }
        if stage.last {
            let copy = if shape.tied_embeddings && !stage.first { table_parameters(shape) } else { 0.0 };
            sum.dense += (head + copy) / tensor + shape.final_norm_parameters();
        }
        sum
    }
}

/// The input table, which a tied LM head and prediction layers on another stage hold once more; positions stay with the embedding.
#[must_use]
pub fn table_parameters(shape: &ModelShape) -> f64 {
    f64::from(shape.vocab) * f64::from(shape.embedding_dim.unwrap_or(shape.hidden))
}

/// Model state of one device under ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054, figure 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelState {
    /// Weights. \[B\]
    pub weights: f64,
    /// Gradients. \[B\]
    pub gradients: f64,
    /// Optimizer state. \[B\]
    pub optimizer: f64,
}

impl ModelState {
    /// Stage 1 shards the optimizer state over the ranks that hold the same parameters, 2 the gradients too, 3 the weights too.
    ///
    /// ```
    /// # use llmsweep_model::memory::state::{DeviceParameters, ModelState, StateBytes};
    /// // The paper's 7.5 B parameters on 64 devices, with its own bytes: 31.4 GB in stage 1.
    /// let bytes = StateBytes { weight: 2.0, gradient: 2.0, optimizer: 12.0 };
    /// let parameters = DeviceParameters { dense: 7.5e9, experts: 0.0 };
    /// assert!((ModelState::of(&parameters, &bytes, 1, 64.0, 64.0).total() - 31.4e9).abs() < 0.1e9);
    /// ```
    #[must_use]
    pub fn of(
        parameters: &DeviceParameters,
        bytes: &StateBytes,
        zero_stage: u32,
        data_ranks: f64,
        expert_data_ranks: f64,
    ) -> Self {
        let held = |stage: u32, bytes: f64| {
            let shard = |ranks: f64| if zero_stage >= stage { ranks } else { 1.0 };
            bytes * (parameters.dense / shard(data_ranks) + parameters.experts / shard(expert_data_ranks))
        };
        Self { weights: held(3, bytes.weight), gradients: held(2, bytes.gradient), optimizer: held(1, bytes.optimizer) }
    }

    /// All of it. \[B\]
    #[must_use]
    pub fn total(&self) -> f64 {
        self.weights + self.gradients + self.optimizer
    }
}
