//! FLOPs of a training step that depend on what is trained and what is run again, counted on the unsplit model.
use super::training_times::TrainingLayout;
use crate::arch::{LayerKind, ModelShape};
use crate::flops::ForwardFlops;
use crate::memory::activations::Recompute;
use crate::memory::state::DeviceParameters;
use crate::precision::Precision;
use crate::work::attention::AttentionKernel;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::orthogonalise::of_layer;
use crate::work::recipe::Recipe;
use crate::work::{Part, Split, Tokens, Widths, Work};

/// Adapters of the whole model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AdapterCount {
    /// Their parameters.
    pub parameters: f64,
    /// FLOPs of their forward pass, of one sequence.
    pub flops: f64,
}

/// Parts of the unsplit model: its kinds of layers by their number.
fn layers(shape: &ModelShape, predicts: bool) -> Vec<(LayerKind, f64)> {
    let mut kinds: Vec<_> = shape.kinds().into_iter().map(|(kind, count)| (kind, f64::from(count))).collect();
    if predicts && let Some(&last) = shape.sequence.last() {
        kinds.push((last, f64::from(shape.mtp_layers)));
    }
    kinds
}

fn unsplit(layout: &TrainingLayout, sequence_length: f64) -> ForwardInput {
    ForwardInput {
        tokens: Tokens::of_sequences(1.0, sequence_length, 1.0),
        split: Split::NONE,
        widths: Widths::of(&Precision::ALL[0]),
        kernel: layout.kernel,
        routing: Routing { independence: 1.0, imbalance: 1.0 },
    }
}

impl AdapterCount {
    /// Of a layout; nothing where the model's own weights train.
    #[must_use]
    pub fn of(shape: &ModelShape, layout: &TrainingLayout, sequence_length: f64) -> Self {
        let mut sum = Self::default();
        if !layout.mode.frozen() {
            return sum;
        }
        let input = unsplit(layout, sequence_length);
        let alone = TrainingLayout { expert: 1, ..*layout };
        let recipe = Recipe::of(shape, &alone, &input.widths, 0.0);
        let mut add = |block: Work, count: f64| {
            let passes = recipe.passes(block, alone.again());
            let adapters = passes.forward.ops.iter().filter(|op| op.part == Part::Adapter);
            sum.flops += count * adapters.map(|op| op.flops.0).sum::<f64>();
            sum.parameters += count * passes.adapters.map_or(0.0, |parameters| parameters.total());
        };
        for (kind, count) in layers(shape, layout.multi_token_prediction) {
            add(forward::layer(shape, kind, &input), count);
        }
        add(forward::head(shape, sequence_length, 0.0, &input.split, &input.widths), 1.0);
        sum
    }
}

/// Parameters of the model, prediction layers counted where they train, or of its adapters.
#[must_use]
pub fn trainable(shape: &ModelShape, adapters: &AdapterCount, layout: &TrainingLayout, predicts: bool) -> f64 {
    match (layout.mode.frozen(), predicts) {
        (true, _) => adapters.parameters,
        (false, true) => shape.parameters() + shape.mtp_parameters(),
        (false, false) => shape.parameters(),
    }
}

/// FLOPs of orthogonalising a layer's updates on one device, before data parallelism shares them.
#[must_use]
pub fn orthogonalisation(shape: &ModelShape, kind: LayerKind, layout: &TrainingLayout) -> DeviceParameters {
    let forward = forward::layer(shape, kind, &unsplit(layout, 1.0));
    let experts = shape.moe.map_or(0.0, |moe| f64::from(moe.experts));
    let expert_ranks = f64::from(layout.expert) * f64::from(layout.expert_tensor);
    of_layer(&forward, experts, shape.has_gates(), f64::from(layout.tensor), expert_ranks)
}

/// FLOPs of a sequence that a training mode needs: three forward passes, two of frozen matrices, which need no gradient of themselves.
#[must_use]
pub fn needed(flops: &ForwardFlops, attention: f64, adapters: &AdapterCount, layout: &TrainingLayout) -> f64 {
    let matrices = if layout.mode.frozen() { 2.0 } else { 3.0 };
    matrices * (flops.layers + flops.head) + 3.0 * (attention + adapters.flops)
}

/// FLOPs that run for a sequence without recomputation. Fused attention runs 2 multiplications forward and 5 backward, on the causal half;
/// unfused 2 and 4 on the full square.
#[must_use]
pub fn run_once(flops: &ForwardFlops, adapters: &AdapterCount, layout: &TrainingLayout) -> f64 {
    let (attention, backward) = match layout.kernel {
        AttentionKernel::Flash => (flops.attention_causal, 2.5),
        AttentionKernel::Unfused => (flops.attention_full, 2.0),
    };
    needed(flops, 0.0, adapters, layout) + attention * (1.0 + backward)
}

/// FLOPs of a sequence that run again in the backward pass.
#[must_use]
pub fn again_flops(
    shape: &ModelShape,
    flops: &ForwardFlops,
    adapters: &AdapterCount,
    layout: &TrainingLayout,
    predicts: bool,
) -> f64 {
    match layout.recompute {
        Recompute::None => 0.0,
        Recompute::Full => {
            let attention = match layout.kernel {
                AttentionKernel::Flash => flops.attention_causal,
                AttentionKernel::Unfused => flops.attention_full,
            };
            flops.layers + attention + adapters.flops
        }
        Recompute::Selective => {
            let input = unsplit(layout, f64::from(layout.sequence_length));
            let layer = |(kind, count): (LayerKind, f64)| {
                count * layout.again().of(&forward::layer(shape, kind, &input), 0.0).flops().0
            };
            layers(shape, predicts).into_iter().map(layer).sum()
        }
    }
}
