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
    /// The same with both moments in bfloat16 (DeepSeek-AI 2024, arXiv:2412.19437, section 3.3.3).
    AdamWBf16,
    /// Adam with both moments in 8 bits (Dettmers et al. 2021, arXiv:2110.02861).
    AdamW8bit,
    /// One momentum in single precision, orthogonalised (Jordan et al. 2024).
    Muon,
    /// One momentum in single precision.
    SgdMomentum,
}

impl Optimizer {
    /// Every optimizer with its name in specifications.
    pub const ALL: [(&'static str, Self); 5] = [
        ("adamw", Self::AdamW),
        ("adamw_bf16", Self::AdamWBf16),
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
            Self::AdamWBf16 | Self::Muon | Self::SgdMomentum => 4.0,
        }
    }
}

/// Format in which the gradients of a step's micro-batches are summed and exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientPrecision {
    /// Single precision.
    Fp32,
    /// bfloat16.
    Bf16,
}

impl GradientPrecision {
    /// Every format with its name in specifications.
    pub const ALL: [(&'static str, Self); 2] = [("fp32", Self::Fp32), ("bf16", Self::Bf16)];

    /// Bytes of one value.
    #[must_use]
    pub const fn bytes(self) -> f64 {
        match self {
            Self::Fp32 => 4.0,
            Self::Bf16 => 2.0,
        }
    }
}

/// Bytes per parameter of a training recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateBytes {
    /// Weights that multiplications read, in the copies that a recipe keeps.
    pub weight: f64,
    /// Sum of a step's gradients.
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
        let plain = precision.unquantised_bytes();
        let master = if plain < 4.0 { 4.0 } else { 0.0 };
        Self { weight: weight_bytes(precision), gradient: 4.0, optimizer: master + optimizer.moment_bytes() }
    }
}

/// Bytes of one weight in a training recipe.
///
/// Of 8 bits, both layouts take the place of 16-bit weights (Transformer Engine's primary weights in fp8: 2 bytes). Of 4 bits, 16-bit
/// weights stay beside them.
///
/// ```
/// # use llmsweep_model::{memory::state::weight_bytes, precision::Precision};
/// let bytes = |name| weight_bytes(Precision::by_name(name).unwrap());
/// assert_eq!((bytes("bf16"), bytes("fp8"), bytes("mxfp8"), bytes("nvfp4")), (2.0, 2.0, 2.0625, 3.125));
/// ```
#[must_use]
pub fn weight_bytes(precision: &Precision) -> f64 {
    let (plain, narrow) = (precision.unquantised_bytes(), precision.weight_bytes());
    if narrow >= plain {
        plain
    } else if narrow >= 1.0 {
        2.0 * narrow
    } else {
        plain + 2.0 * narrow
    }
}

/// Parameters of one device of a stage, by what is done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageParameters {
    /// All of them.
    pub held: DeviceParameters,
    /// Of these, the model's own that layers multiply with: their format is the recipe's.
    pub layers: DeviceParameters,
    /// Of these, those that have gradients: all, or the adapters.
    pub trained: DeviceParameters,
}

impl StageParameters {
    /// Bytes of all weights where those outside the layers take `plain` each, of `dense` and `experts` together.
    fn weights(&self, layer: f64, plain: f64) -> DeviceParameters {
        let bytes = |held: f64, layers: f64| (held - layers) * plain + layers * layer;
        DeviceParameters {
            dense: bytes(self.held.dense, self.layers.dense),
            experts: bytes(self.held.experts, self.layers.experts),
        }
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
    /// Adds `count` times another's.
    pub fn add(&mut self, other: &Self, count: f64) {
        self.dense += other.dense * count;
        self.experts += other.experts * count;
    }

    /// Both kinds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.dense + self.experts
    }

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

    /// The same of a stage where some parameters are frozen or held in another format than the layers' (`plain` bytes each).
    #[must_use]
    pub fn of_stage(
        parameters: &StageParameters,
        bytes: &StateBytes,
        plain: f64,
        zero_stage: u32,
        data_ranks: f64,
        expert_data_ranks: f64,
    ) -> Self {
        let of = |parameters: &DeviceParameters, bytes: &StateBytes| {
            Self::of(parameters, bytes, zero_stage, data_ranks, expert_data_ranks)
        };
        let unit = StateBytes { weight: 1.0, ..*bytes };
        let weights = of(&parameters.weights(bytes.weight, plain), &unit).weights;
        Self { weights, ..of(&parameters.trained, bytes) }
    }

    /// All of it. \[B\]
    #[must_use]
    pub fn total(&self) -> f64 {
        self.weights + self.gradients + self.optimizer
    }
}
