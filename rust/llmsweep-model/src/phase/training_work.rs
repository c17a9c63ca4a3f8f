//! Training, levels shape to work: what one micro-batch does in each kind of layer, counted without hardware.
use super::training_flops::{AdapterCount, again_flops, needed, orthogonalisation, run_once, trainable};
use super::training_layout::TrainingLayout;
use super::training_traffic::BlocksTraffic;
use crate::arch::{LayerKind, ModelShape};
use crate::flops::ForwardFlops;
use crate::memory::activations::{ActivationInput, Recompute, layer_bytes, live_layer_bytes};
use crate::memory::recompute::Again;
use crate::memory::state::{DeviceParameters, table_parameters};
use crate::parallel::pipeline::MAX_KINDS;
use crate::precision::Precision;
use crate::quantity::Bytes;
use crate::reject::Reject;
use crate::system::TrainingSystem;
use crate::work::adapters::Target;
use crate::work::backward::Backward;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::prediction;
use crate::work::recipe::Recipe;
use crate::work::{Split, Tokens, Widths, Work};

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
    /// What the devices send for one micro-batch.
    pub sent: BlocksTraffic,
    /// Bytes of a message between stages.
    pub stage_message: Bytes,
    /// The most that one layer of any kind keeps.
    pub largest_kept_bytes: f64,
    /// Parameters on one device of the layer that has most.
    pub largest_layer_parameters: f64,
    /// FLOPs of the forward pass of one sequence, unsplit.
    pub flops: ForwardFlops,
    /// FLOPs that training on one sequence needs, causal.
    pub needed_flops: f64,
    /// The same with the full square of scores.
    pub needed_flops_full: f64,
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

fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, f64::max)
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
        let split = layout.split();
        let widths = Widths::of(precision);
        let sequence_length = f64::from(layout.sequence_length);
        let tokens = Tokens::of_sequences(f64::from(layout.micro_batch), sequence_length, split.context);
        let (kernel, imbalance) = (layout.kernel, system.expert_imbalance * layout.expert_imbalance);
        let input = ForwardInput { tokens, split, widths, kernel, routing: Routing { independence: 1.0, imbalance } };
        let activations = ActivationInput {
            tokens,
            split,
            widths,
            kernel,
            recompute: layout.recompute,
            modules: layout.recompute_modules,
            trained: if layout.mode.frozen() { layout.lora_modules } else { Target::ALL },
            dropout: false,
            imbalance,
        };
        let cast_traffic = system.cast_traffic(precision);
        let recipe = Recipe::of(shape, &layout, &widths, cast_traffic);
        let mut kept_bytes = [0.0; MAX_KINDS];
        let mut parameters = [DeviceParameters::default(); MAX_KINDS];
        let (mut plain_kept_bytes, mut trained, mut orthogonalised) = (kept_bytes, parameters, parameters);
        let (mut layers, mut backward) = (Vec::new(), Vec::new());
        let owners = split.expert * split.expert_tensor;
        let mut live_bytes: f64 = 0.0;
        for (index, kind) in kinds_of(shape).into_iter().enumerate() {
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
        let head = forward::head(shape, tokens.rows, system.logit_bytes, &split, &widths);
        let head = recipe.passes(head, Again::NOTHING);
        let prediction = if predicts { prediction::layers(shape, &input) } else { Work::default() };
        let prediction = recipe.passes(prediction, layout.again());
        let whole = prediction::parameters(shape, split.tensor, owners);
        let prediction_parameters = if predicts { whole } else { DeviceParameters::default() };
        let one_prediction = prediction_parameters.total() / prediction_layers.max(1.0);
        let again_flops = again_flops(shape, &flops, &adapters, &layout, predicts);
        Ok(Self {
            layout,
            sent: BlocksTraffic::of((&layers, &backward), [&embedding, &head, &prediction], &split),
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
            largest_kept_bytes: largest(kept_bytes.into_iter().chain(plain_kept_bytes)),
            largest_layer_parameters: largest(parameters.iter().map(DeviceParameters::total)).max(one_prediction),
            needed_flops: needed(&flops, flops.attention_causal, &adapters, &layout),
            needed_flops_full: needed(&flops, flops.attention_full, &adapters, &layout),
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
