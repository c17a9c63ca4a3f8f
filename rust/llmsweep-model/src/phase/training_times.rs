//! Training, levels shape to time: what one micro-batch does in each kind of layer, and how long it takes.
use super::Device;
use super::share::KernelTime;
use super::training_messages as messages;
use crate::arch::{LayerKind, ModelShape};
use crate::flops::ForwardFlops;
use crate::kernel::Pass;
use crate::memory::activations::{ActivationInput, Recompute, layer_bytes, live_layer_bytes};
use crate::memory::state::{DeviceParameters, table_parameters};
use crate::parallel::context::ContextExchange;
use crate::parallel::divide;
use crate::parallel::pipeline::MAX_KINDS;
use crate::precision::Precision;
use crate::quantity::{Bytes, Seconds};
use crate::reject::Reject;
use crate::system::TrainingSystem;
use crate::work::attention::AttentionKernel;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::prediction;
use crate::work::{Kernel, Op, Split, Tokens, Widths, Work};

/// Level *work*: how a layer is spread and how much of the data it sees at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingLayout {
    /// Tensor-parallel size.
    pub tensor: u32,
    /// Expert-parallel size.
    pub expert: u32,
    /// Devices that share one expert's matrices.
    pub expert_tensor: u32,
    /// Context-parallel size.
    pub context: u32,
    /// What context-parallel ranks send each other.
    pub context_exchange: ContextExchange,
    /// Whether norms and residuals are split over the tensor-parallel group too.
    pub sequence_parallel: bool,
    /// Tokens of a sequence.
    pub sequence_length: u32,
    /// Sequences of a micro-batch.
    pub micro_batch: u32,
    /// What is computed again in the backward pass.
    pub recompute: Recompute,
    /// How scores are computed.
    pub kernel: AttentionKernel,
    /// Whether the model's multi-token-prediction layers train too, on the last stage.
    pub multi_token_prediction: bool,
    /// Tokens of the busiest expert-parallel rank over the mean, beside the stack's own imbalance.
    pub expert_imbalance: f64,
}

/// What one micro-batch does on one device, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingWork {
    /// The layout that was counted.
    pub layout: TrainingLayout,
    /// The same as the counting functions take it.
    pub split: Split,
    /// Forward pass of one layer of each kind.
    pub layers: Vec<Work>,
    /// Bytes kept by one layer of each kind.
    pub kept_bytes: [f64; MAX_KINDS],
    /// Bytes of the layer that full recomputation holds, the largest over kinds.
    pub live_bytes: f64,
    /// Parameters of one layer of each kind on one device.
    pub parameters: [DeviceParameters; MAX_KINDS],
    /// Forward pass of the embedding.
    pub embedding: Work,
    /// Forward pass of the LM head.
    pub head: Work,
    /// Parameters of the embedding on one device.
    pub embedding_parameters: f64,
    /// Parameters of the LM head on one device, its matrix counted where it is tied too.
    pub head_parameters: f64,
    /// Multi-token-prediction layers that train.
    pub prediction_layers: f64,
    /// Forward pass of all prediction layers, without their logits: those are the LM head's again, once per layer.
    pub prediction: Work,
    /// Bytes kept by all prediction layers.
    pub prediction_kept_bytes: f64,
    /// Parameters of all prediction layers on one device.
    pub prediction_parameters: DeviceParameters,
    /// Bytes of the logits and their gradient, prediction layers' included.
    pub logits_bytes: f64,
    /// Bytes of a message between stages.
    pub stage_message: Bytes,
    /// FLOPs of the forward pass of one sequence, unsplit.
    pub flops: ForwardFlops,
    /// FLOPs that the devices run for one sequence, recomputation included.
    pub hardware_flops: f64,
}

/// The kinds of a model's layers, the order of all per-kind tables.
#[must_use]
pub fn kinds_of(shape: &ModelShape) -> Vec<LayerKind> {
    shape.kinds().into_iter().map(|(kind, _)| kind).collect()
}

impl TrainingWork {
    /// Counts a layout.
    pub fn count(
        shape: &ModelShape,
        precision: &Precision,
        layout: TrainingLayout,
        system: &TrainingSystem,
    ) -> Result<Self, Reject> {
        if !precision.trains {
            return Err(Reject::PrecisionNotTrained);
        }
        divide::layer(shape, layout.tensor, layout.expert, layout.expert_tensor)?;
        if layout.context > 1 && !u64::from(layout.sequence_length).is_multiple_of(2 * u64::from(layout.context)) {
            return Err(Reject::ContextParallelSequence);
        }
        layout.context_exchange.divides(shape, layout.tensor, layout.context)?;
        if shape.position == crate::arch::Position::Learned && layout.sequence_length > shape.max_context {
            return Err(Reject::SequenceTooLong);
        }
        let split = Split {
            tensor: f64::from(layout.tensor),
            sequence_parallel: layout.sequence_parallel && layout.tensor > 1,
            context: f64::from(layout.context),
            context_exchange: layout.context_exchange,
            expert: f64::from(layout.expert),
            expert_tensor: f64::from(layout.expert_tensor),
        };
        let widths = Widths::of(precision);
        let sequence_length = f64::from(layout.sequence_length);
        let tokens = Tokens::of_sequences(f64::from(layout.micro_batch), sequence_length, split.context);
        let imbalance = system.expert_imbalance * layout.expert_imbalance;
        let routing = Routing { independence: 1.0, imbalance };
        let input = ForwardInput { tokens, split, widths, kernel: layout.kernel, routing };
        let activations = ActivationInput {
            tokens,
            split,
            widths,
            kernel: layout.kernel,
            recompute: layout.recompute,
            dropout: false,
            imbalance,
        };
        let kinds = kinds_of(shape);
        let mut kept_bytes = [0.0; MAX_KINDS];
        let mut parameters = [DeviceParameters::default(); MAX_KINDS];
        let mut live_bytes: f64 = 0.0;
        for (index, &kind) in kinds.iter().enumerate() {
            kept_bytes[index] = layer_bytes(shape, kind, &activations);
            live_bytes = live_bytes.max(live_layer_bytes(shape, kind, &activations));
            let owners = split.expert * split.expert_tensor;
            parameters[index] = DeviceParameters::of_layer(&shape.layer_parameters(kind), split.tensor, owners);
        }
        let predicts = layout.multi_token_prediction && shape.mtp_layers > 0;
        let prediction_layers = if predicts { f64::from(shape.mtp_layers) } else { 0.0 };
        let mut flops = ForwardFlops::of_sequence(shape, sequence_length);
        if predicts {
            flops = flops.plus(ForwardFlops::of_prediction(shape, sequence_length));
        }
        let logits = tokens.rows * f64::from(shape.vocab) / split.tensor * (widths.activation + 4.0);
        Ok(Self {
            layout,
            split,
            layers: kinds.iter().map(|&kind| forward::layer(shape, kind, &input)).collect(),
            kept_bytes,
            live_bytes,
            parameters,
            embedding: forward::embedding(shape, tokens.rows, &split, &widths),
            head: forward::head(shape, tokens.rows, system.logit_bytes, &split, &widths),
            embedding_parameters: shape.embedding_parameters() / split.tensor,
            head_parameters: table_parameters(shape) / split.tensor,
            prediction_layers,
            prediction: if predicts { prediction::layers(shape, &input) } else { Work::default() },
            prediction_kept_bytes: if predicts { prediction::kept_bytes(shape, &activations) } else { 0.0 },
            prediction_parameters: if predicts {
                prediction::parameters(shape, split.tensor, split.expert * split.expert_tensor)
            } else {
                DeviceParameters::default()
            },
            logits_bytes: logits * (1.0 + prediction_layers),
            stage_message: Bytes(tokens.rows * f64::from(shape.hidden) / split.residual() * widths.activation),
            flops,
            hardware_flops: hardware_flops(&flops, &layout),
        })
    }
}

/// Fused attention runs 2 multiplications forward and 5 backward, on the causal half; unfused 2 and 4 on the full square.
fn hardware_flops(flops: &ForwardFlops, layout: &TrainingLayout) -> f64 {
    let (attention, backward) = match layout.kernel {
        AttentionKernel::Flash => (flops.attention_causal, 2.5),
        AttentionKernel::Unfused => (flops.attention_full, 2.0),
    };
    let again = match layout.recompute {
        Recompute::Full => flops.layers + attention,
        Recompute::Selective if layout.kernel == AttentionKernel::Unfused => attention,
        Recompute::Selective | Recompute::None => 0.0,
    };
    3.0 * (flops.layers + flops.head) + attention * (1.0 + backward) + again
}

/// Time of one micro-batch in one layer, or in the embedding or the LM head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockTime {
    /// Kernels of the forward pass.
    pub forward: KernelTime,
    /// Kernels of the backward pass, recomputation included.
    pub backward: KernelTime,
    /// What the host adds where it is slower than the device.
    pub host: Seconds,
    /// Exposed tensor-parallel messages, both passes.
    pub tensor: Seconds,
    /// Exposed expert messages, both passes.
    pub expert: Seconds,
    /// Exposed context-parallel messages, both passes.
    pub context: Seconds,
    /// Time that these messages, exposed or not, hold the device's link to the network: what data parallelism cannot have.
    pub network: Seconds,
}

impl BlockTime {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.forward.busy() + self.backward.busy() + self.host + self.tensor + self.expert + self.context
    }
}

/// Level *time*: the work of a micro-batch on one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingTimes {
    /// One layer of each kind.
    pub layers: [BlockTime; MAX_KINDS],
    /// The embedding.
    pub embedding: BlockTime,
    /// The LM head and the loss.
    pub head: BlockTime,
    /// All prediction layers, without their logits.
    pub prediction: BlockTime,
}

impl TrainingTimes {
    /// Times counted work on a device.
    #[must_use]
    pub fn of(work: &TrainingWork, device: &Device, system: &TrainingSystem) -> Self {
        let mut layers = [BlockTime::default(); MAX_KINDS];
        for (index, layer) in work.layers.iter().enumerate() {
            layers[index] = layer_time(layer, &work.parameters[index], 1.0, work, device, system);
        }
        let prediction = if work.prediction_layers > 0.0 {
            let parameters = &work.prediction_parameters;
            layer_time(&work.prediction, parameters, work.prediction_layers, work, device, system)
        } else {
            BlockTime::default()
        };
        let ends = TrainingLayout { recompute: Recompute::None, ..work.layout };
        Self {
            layers,
            embedding: end_time(&work.embedding, work.embedding_parameters, &ends, work, device, system),
            head: end_time(&work.head, work.head_parameters, &ends, work, device, system),
            prediction,
        }
    }
}

/// Embedding or LM head, with the accumulation of its gradient.
fn end_time(
    block: &Work,
    parameters: f64,
    layout: &TrainingLayout,
    work: &TrainingWork,
    device: &Device,
    system: &TrainingSystem,
) -> BlockTime {
    let time = block_time(block, layout, work, device, system);
    BlockTime { backward: time.backward.plus(accumulation_time(parameters, device, system)), ..time }
}

/// A micro-batch's gradient is added to the sum of the step.
fn accumulation_time(parameters: f64, device: &Device, system: &TrainingSystem) -> KernelTime {
    let accumulation = Op::memory("gradient accumulation", system.gradient_accumulation_bytes * parameters, 0.0);
    KernelTime::of(&device.kernels, &accumulation, Pass::Backward)
}

fn layer_time(
    layer: &Work,
    parameters: &DeviceParameters,
    layers: f64,
    work: &TrainingWork,
    device: &Device,
    system: &TrainingSystem,
) -> BlockTime {
    let mut time = block_time(layer, &work.layout, work, device, system);
    let accumulation = accumulation_time(parameters.dense + parameters.experts, device, system);
    time.backward = time.backward.plus(accumulation);
    // The ring counts with the kernels that hide it: shorter kernels that bare more of it leave the host as much to hide.
    let busy = time.forward.busy() + time.backward.busy() + time.context;
    let passes = if work.layout.recompute == Recompute::Full { 4.0 } else { 3.0 };
    let mut host = system.host_launch * (system.layer_launches * passes * layers);
    if layer.ops.iter().any(|op| matches!(op.kernel, Kernel::Experts(_))) {
        host = host.max(system.expert_layer_floor * layers);
    }
    time.host = sixth_norm(busy, host) - busy;
    time
}

/// `(a⁶ + b⁶)^(1/6)`: the slower of device and host, smooth where they meet.
fn sixth_norm(one: Seconds, other: Seconds) -> Seconds {
    let (low, high) = (one.min(other), one.max(other));
    let ratio = low / high;
    high * (1.0 + ratio.powi(6)).powf(1.0 / 6.0)
}

fn block_time(
    block: &Work,
    layout: &TrainingLayout,
    work: &TrainingWork,
    device: &Device,
    system: &TrainingSystem,
) -> BlockTime {
    let kernels = &device.kernels;
    let forward = KernelTime::of_all(kernels, &block.ops, Pass::Forward);
    let mut backward = KernelTime::default();
    for op in &block.ops {
        backward = backward.plus(KernelTime::of(kernels, &op.backward(), Pass::Backward));
    }
    backward = backward.plus(recomputed(block, forward, layout, device));
    let exposed = messages::exposed(block, layout, work, device, system);
    BlockTime {
        forward,
        backward,
        host: Seconds::ZERO,
        tensor: exposed.tensor,
        expert: exposed.expert,
        context: exposed.context,
        network: exposed.network,
    }
}

fn recomputed(block: &Work, forward: KernelTime, layout: &TrainingLayout, device: &Device) -> KernelTime {
    match layout.recompute {
        Recompute::None => KernelTime::default(),
        Recompute::Full => forward,
        Recompute::Selective => {
            let again = block.ops.iter().filter(|op| {
                matches!(op.kernel, Kernel::Elementwise | Kernel::Quantise { .. } | Kernel::UnfusedAttention(_))
            });
            again.fold(KernelTime::default(), |sum, op| sum.plus(KernelTime::of(&device.kernels, op, Pass::Forward)))
        }
    }
}
