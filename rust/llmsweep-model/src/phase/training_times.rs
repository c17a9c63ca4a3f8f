//! Training, levels shape to time: what one micro-batch does in each kind of layer, and how long it takes.
use super::Device;
use super::share::KernelTime;
use super::training_flops::{AdapterCount, again_flops, orthogonalisation, run_once, trainable};
use super::training_messages as messages;
use crate::arch::{LayerKind, ModelShape};
use crate::flops::ForwardFlops;
use crate::kernel::Pass;
use crate::memory::activations::{ActivationInput, Recompute, layer_bytes, live_layer_bytes};
use crate::memory::recompute::Again;
use crate::memory::state::{DeviceParameters, GradientPrecision, table_parameters};
use crate::parallel::context::ContextExchange;
use crate::parallel::divide;
use crate::parallel::pipeline::MAX_KINDS;
use crate::precision::Precision;
use crate::quantity::{Bytes, Seconds};
use crate::reject::Reject;
use crate::subset::Subset;
use crate::system::TrainingSystem;
use crate::work::adapters::{Adapters, Mode, Target};
use crate::work::attention::AttentionKernel;
use crate::work::backward::Backward;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::prediction;
use crate::work::recipe::Recipe;
use crate::work::{Group, Kernel, Op, Part, Split, Tokens, Widths, Work};

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
    /// The modules of selective recomputation, positions of [`Module::NAMES`](crate::memory::recompute::Module::NAMES).
    pub recompute_modules: Subset,
    /// What is trained.
    pub mode: Mode,
    /// Rank of adapters.
    pub lora_rank: u32,
    /// The matrices that have adapters, positions of [`Target::NAMES`].
    pub lora_modules: Subset,
    /// Format of the sum of gradients.
    pub gradient: GradientPrecision,
    /// Tokens of the busiest expert-parallel rank over the mean, beside the stack's own imbalance.
    pub expert_imbalance: f64,
}

impl TrainingLayout {
    /// What is run again in the backward pass.
    #[must_use]
    pub fn again(&self) -> Again {
        Again { recompute: self.recompute, modules: self.recompute_modules }
    }

    /// Refuses what no device can run, however large.
    fn check(&self, shape: &ModelShape, precision: &Precision) -> Result<(), Reject> {
        if !precision.trains {
            return Err(Reject::PrecisionNotTrained);
        }
        divide::layer(shape, self.tensor, self.expert, self.expert_tensor)?;
        if self.context > 1 && !u64::from(self.sequence_length).is_multiple_of(2 * u64::from(self.context)) {
            return Err(Reject::ContextParallelSequence);
        }
        self.context_exchange.divides(shape, self.tensor, self.context)?;
        if shape.position == crate::arch::Position::Learned && self.sequence_length > shape.max_context {
            return Err(Reject::SequenceTooLong);
        }
        Ok(())
    }

    /// The adapters, where the model's own weights are frozen.
    #[must_use]
    pub fn adapters(&self) -> Option<Adapters> {
        self.mode.frozen().then(|| Adapters { rank: f64::from(self.lora_rank), targets: self.lora_modules })
    }
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
    /// Its backward pass.
    pub backward: Vec<Backward>,
    /// Bytes kept by one layer of each kind.
    pub kept_bytes: [f64; MAX_KINDS],
    /// The same where nothing is run again.
    pub plain_kept_bytes: [f64; MAX_KINDS],
    /// Bytes of the layer that full recomputation holds, the largest over kinds.
    pub live_bytes: f64,
    /// Parameters of one layer of each kind on one device.
    pub parameters: [DeviceParameters; MAX_KINDS],
    /// FLOPs of orthogonalising the updates of one layer of each kind (Muon), before data parallelism shares them.
    pub orthogonalised: [DeviceParameters; MAX_KINDS],
    /// Of these, and of adapters, those that train.
    pub trained: [DeviceParameters; MAX_KINDS],
    /// Forward pass of the embedding.
    pub embedding: Work,
    /// Its backward pass.
    pub embedding_backward: Backward,
    /// Forward pass of the LM head.
    pub head: Work,
    /// Its backward pass.
    pub head_backward: Backward,
    /// Parameters of the LM head's adapter on one device.
    pub head_adapter: DeviceParameters,
    /// Parameters of the embedding on one device.
    pub embedding_parameters: f64,
    /// Parameters of the LM head on one device, its matrix counted where it is tied too.
    pub head_parameters: f64,
    /// Multi-token-prediction layers that train.
    pub prediction_layers: f64,
    /// Forward pass of all prediction layers, without their logits: those are the LM head's again, once per layer.
    pub prediction: Work,
    /// Its backward pass.
    pub prediction_backward: Backward,
    /// Parameters of all prediction layers on one device that train.
    pub prediction_trained: DeviceParameters,
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
    /// The same of adapters.
    pub adapters: AdapterCount,
    /// FLOPs that the devices run for one sequence, recomputation of all layers included.
    pub hardware_flops: f64,
    /// Of these, recomputation.
    pub again_flops: f64,
    /// Parameters of the whole model, embeddings counted.
    pub total_parameters: f64,
    /// Parameters of the whole model that train.
    pub trainable_parameters: f64,
    /// Bytes moved per value that is cast.
    pub cast_traffic: f64,
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
        layout.check(shape, precision)?;
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
            modules: layout.recompute_modules,
            trained: if layout.mode.frozen() { layout.lora_modules } else { Target::ALL },
            dropout: false,
            imbalance,
        };
        let cast_traffic = system.cast_traffic(precision);
        let recipe = Recipe::of(shape, &layout, &widths, cast_traffic);
        let kinds = kinds_of(shape);
        let mut kept_bytes = [0.0; MAX_KINDS];
        let mut parameters = [DeviceParameters::default(); MAX_KINDS];
        let (mut plain_kept_bytes, mut trained, mut orthogonalised) = (kept_bytes, parameters, parameters);
        let (mut layers, mut backward) = (Vec::new(), Vec::new());
        let owners = split.expert * split.expert_tensor;
        let mut live_bytes: f64 = 0.0;
        for (index, &kind) in kinds.iter().enumerate() {
            kept_bytes[index] = layer_bytes(shape, kind, &activations);
            live_bytes = live_bytes.max(live_layer_bytes(shape, kind, &activations));
            parameters[index] = DeviceParameters::of_layer(&shape.layer_parameters(kind), split.tensor, owners);
            plain_kept_bytes[index] =
                layer_bytes(shape, kind, &ActivationInput { recompute: Recompute::None, ..activations });
            let passes = recipe.passes(forward::layer(shape, kind, &input), layout.again());
            orthogonalised[index] = orthogonalisation(shape, kind, &layout);
            trained[index] = passes.adapters.unwrap_or(parameters[index]);
            layers.push(passes.forward);
            backward.push(passes.backward);
        }
        let adapters = AdapterCount::of(shape, &layout, sequence_length);
        if layout.mode.frozen() && adapters.parameters <= 0.0 {
            return Err(Reject::NothingTrained);
        }
        let predicts = layout.multi_token_prediction && shape.mtp_layers > 0;
        let prediction_layers = if predicts { f64::from(shape.mtp_layers) } else { 0.0 };
        let mut flops = ForwardFlops::of_sequence(shape, sequence_length);
        if predicts {
            flops = flops.plus(ForwardFlops::of_prediction(shape, sequence_length));
        }
        let logits = tokens.rows * f64::from(shape.vocab) / split.tensor * (widths.activation + 4.0);
        let mut embedding = recipe.passes(forward::embedding(shape, tokens.rows, &split, &widths), Again::NOTHING);
        if layout.mode.frozen() {
            embedding.backward.ops.clear();
        }
        let logit_bytes = system.logit_bytes;
        let head = recipe.passes(forward::head(shape, tokens.rows, logit_bytes, &split, &widths), Again::NOTHING);
        let predicted = if predicts { prediction::layers(shape, &input) } else { Work::default() };
        let prediction = recipe.passes(predicted, layout.again());
        let whole = prediction::parameters(shape, split.tensor, owners);
        let prediction_parameters = if predicts { whole } else { DeviceParameters::default() };
        let again_flops = again_flops(shape, &flops, &adapters, &layout, predicts);
        Ok(Self {
            layout,
            split,
            layers,
            backward,
            kept_bytes,
            plain_kept_bytes,
            live_bytes,
            parameters,
            orthogonalised,
            trained,
            embedding: embedding.forward,
            embedding_backward: embedding.backward,
            head: head.forward,
            head_backward: head.backward,
            head_adapter: head.adapters.unwrap_or_default(),
            embedding_parameters: shape.embedding_parameters() / split.tensor,
            head_parameters: table_parameters(shape) / split.tensor,
            prediction_layers,
            prediction: prediction.forward,
            prediction_backward: prediction.backward,
            prediction_trained: prediction.adapters.unwrap_or(prediction_parameters),
            prediction_kept_bytes: if predicts { prediction::kept_bytes(shape, &activations) } else { 0.0 },
            prediction_parameters,
            logits_bytes: logits * (1.0 + prediction_layers),
            stage_message: Bytes(tokens.rows * f64::from(shape.hidden) / split.residual() * widths.activation),
            flops,
            adapters,
            hardware_flops: run_once(&flops, &adapters, &layout) + again_flops,
            again_flops,
            total_parameters: shape.parameters(),
            trainable_parameters: trainable(shape, &adapters, &layout, predicts),
            cast_traffic,
        })
    }
}

/// Time of one micro-batch in one layer, or in the embedding or the LM head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockTime {
    /// Kernels of the forward pass.
    pub forward: KernelTime,
    /// Kernels of the backward pass, recomputation included.
    pub backward: KernelTime,
    /// Of the backward pass, the part that makes gradients of weights, which other stages don't wait for.
    pub weight: Seconds,
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
    /// The same where nothing is run again.
    pub plain: [BlockTime; MAX_KINDS],
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
        let timed = Timed { work, device, system };
        let nothing = Work::default();
        let (mut layers, mut plain) = ([BlockTime::default(); MAX_KINDS], [BlockTime::default(); MAX_KINDS]);
        for (index, (layer, backward)) in work.layers.iter().zip(&work.backward).enumerate() {
            let gradients = work.trained[index].total();
            layers[index] = timed.layer(layer, &backward.ops, &backward.again, gradients, 1.0);
            plain[index] = match work.layout.recompute {
                Recompute::None => layers[index],
                _ => timed.layer(layer, &backward.ops, &nothing, gradients, 1.0),
            };
        }
        let prediction = if work.prediction_layers > 0.0 {
            let Backward { ops, again } = &work.prediction_backward;
            timed.layer(&work.prediction, ops, again, work.prediction_trained.total(), work.prediction_layers)
        } else {
            BlockTime::default()
        };
        let frozen = work.layout.mode.frozen();
        let gradients = |own: f64, adapter: f64| if frozen { adapter } else { own };
        let (embedding, head) =
            (gradients(work.embedding_parameters, 0.0), gradients(work.head_parameters, work.head_adapter.total()));
        Self {
            layers,
            plain,
            embedding: timed.end(&work.embedding, &work.embedding_backward.ops, embedding),
            head: timed.end(&work.head, &work.head_backward.ops, head),
            prediction,
        }
    }
}

/// What times the blocks of a micro-batch.
struct Timed<'a> {
    work: &'a TrainingWork,
    device: &'a Device,
    system: &'a TrainingSystem,
}

impl Timed<'_> {
    /// Embedding or LM head, with the accumulation of its gradient.
    fn end(&self, block: &Work, backward: &[Op], gradients: f64) -> BlockTime {
        let time = self.block(block, backward, &Work::default());
        self.with_accumulation(time, gradients)
    }

    /// A micro-batch's gradient is added to the sum of the step: fewer bytes where the sum is narrow.
    fn with_accumulation(&self, time: BlockTime, gradients: f64) -> BlockTime {
        let narrow = self.work.layout.gradient.bytes() / GradientPrecision::Fp32.bytes();
        let bytes = self.system.gradient_accumulation_bytes * narrow * gradients;
        let accumulation = Op::memory("gradient accumulation", bytes, 0.0);
        let accumulation = KernelTime::of(&self.device.kernels, &accumulation, Pass::Backward);
        BlockTime { backward: time.backward.plus(accumulation), weight: time.weight + accumulation.busy(), ..time }
    }

    /// `layers` layers whose weights have `gradients` values together.
    fn layer(&self, layer: &Work, backward: &[Op], again: &Work, gradients: f64, layers: f64) -> BlockTime {
        let system = self.system;
        let mut time = self.with_accumulation(self.block(layer, backward, again), gradients);
        // The ring counts with the kernels that hide it: shorter kernels that bare more of it leave the host as much to hide.
        let busy = time.forward.busy() + time.backward.busy() + time.context;
        let whole_again = self.work.layout.recompute == Recompute::Full && !again.ops.is_empty();
        let passes = if whole_again { 4.0 } else { 3.0 };
        let messages: f64 =
            layer.messages.iter().filter(|message| message.group == Group::Tensor).map(|message| message.count).sum();
        let launches = system.layer_launches * layers + system.tensor_launches * messages;
        let mut host = system.host_launch * (launches * passes);
        if layer.ops.iter().any(|op| matches!(op.kernel, Kernel::Experts(_))) {
            host = host.max(system.expert_layer_floor * layers);
        }
        let waited = host * system.host_exposed;
        time.host = sixth_norm(busy, host - waited) - busy + waited;
        time
    }

    /// Time of the gradient of the weights of a kernel of the backward pass; frozen weights have none.
    fn weight_gradient(&self, op: &Op) -> Seconds {
        let multiplies = matches!(op.kernel, Kernel::Gemm(_) | Kernel::PlainGemm(_) | Kernel::Experts(_));
        if !multiplies || (self.work.layout.mode.frozen() && op.part != Part::Adapter) {
            return Seconds::ZERO;
        }
        self.device.kernels.busy_time(op, Pass::Backward) * WEIGHT_SHARE
    }

    fn block(&self, block: &Work, backward: &[Op], again: &Work) -> BlockTime {
        let kernels = &self.device.kernels;
        let forward = KernelTime::of_all(kernels, &block.ops, Pass::Forward);
        let repeated = KernelTime::of_all(kernels, &again.ops, Pass::Forward);
        let exposed = messages::exposed(block, backward, again, self.work, self.device, self.system);
        BlockTime {
            forward,
            weight: backward.iter().map(|op| self.weight_gradient(op)).sum(),
            backward: KernelTime::of_all(kernels, backward, Pass::Backward).plus(repeated),
            host: Seconds::ZERO,
            tensor: exposed.tensor,
            expert: exposed.expert,
            context: exposed.context,
            network: exposed.network,
        }
    }
}

/// Of a multiplication's backward pass, the part that is the gradient of its weights: one of two multiplications of the same size
/// (Qi et al. 2024, arXiv:2401.10241, table 1). Attention, norms and activation functions have no weights to speak of.
const WEIGHT_SHARE: f64 = 0.5;

/// `(a⁶ + b⁶)^(1/6)`: the slower of device and host, smooth where they meet.
fn sixth_norm(one: Seconds, other: Seconds) -> Seconds {
    let (low, high) = (one.min(other), one.max(other));
    let ratio = low / high;
    high * (1.0 + ratio.powi(6)).powf(1.0 / 6.0)
}
