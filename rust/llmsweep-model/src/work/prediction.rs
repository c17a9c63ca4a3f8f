//! Multi-token prediction: layers behind the last one that guess tokens further ahead, in training.
use super::forward::{self, ForwardInput};
use super::{Collective, Group, Op, Split, Widths, Work};
use crate::arch::ModelShape;
use crate::memory::activations::{ActivationInput, Recompute, layer_bytes};
use crate::memory::state::DeviceParameters;

/// Forward pass of all prediction layers, their logits left out: each looks up the next token, normalises and joins it with the stream,
/// projects `2h` back to `h` (`4·T·h²` FLOPs) and runs a layer like the model's last.
///
/// # Source
/// DeepSeek-AI 2024, arXiv:2412.19437, section 2.2, equations 21–23.
#[must_use]
pub fn layers(shape: &ModelShape, input: &ForwardInput) -> Work {
    let ForwardInput { tokens, split, widths, .. } = input;
    let hidden = f64::from(shape.hidden);
    let mut work = Work::default();
    let Some(&kind) = shape.sequence.last() else { return work };
    for _ in 0..shape.mtp_layers {
        work.append(forward::embedding(shape, tokens.rows, split, widths));
        join(&mut work, hidden, tokens.rows, split, widths);
        work.append(forward::layer(shape, kind, input));
    }
    work
}

/// Joins `rows` tokens of the stream with the tokens that follow: two norms and a projection of `2h` back to `h`.
pub fn join(work: &mut Work, hidden: f64, rows: f64, split: &Split, widths: &Widths) {
    let stream = rows * hidden * widths.activation;
    work.ops.push(Op::memory("prediction norms", 4.0 * stream / split.residual(), 2.0));
    work.gemm("prediction projection", rows, hidden / split.tensor, 2.0 * hidden, widths);
    if split.tensor > 1.0 {
        work.message("gather projection", Collective::AllGather, Group::Tensor, stream);
    }
}

/// Bytes that all prediction layers keep per micro-batch on one device: their layers', and what enters the projection.
#[must_use]
pub fn kept_bytes(shape: &ModelShape, input: &ActivationInput) -> f64 {
    let ActivationInput { tokens, split, widths, recompute, .. } = input;
    let layer = shape.sequence.last().map_or(0.0, |&kind| layer_bytes(shape, kind, input));
    let residual = tokens.rows * f64::from(shape.hidden) / split.residual();
    // Full recomputation starts from the looked-up token; otherwise both norms' inputs and the joined operand are kept.
    let joined = match recompute {
        Recompute::Full => widths.activation,
        Recompute::None | Recompute::Selective => 2.0 * (widths.activation + widths.operand),
    };
    f64::from(shape.mtp_layers) * (layer + residual * joined)
}

/// Parameters of all prediction layers on one device. A last stage that is not the first also holds a copy of the embedding.
///
/// All of them, unsplit, are [`ModelShape::mtp_parameters`].
#[must_use]
pub fn parameters(shape: &ModelShape, tensor: f64, expert_ranks: f64) -> DeviceParameters {
    let Some(&kind) = shape.sequence.last() else { return DeviceParameters::default() };
    let count = f64::from(shape.mtp_layers);
    let hidden = f64::from(shape.hidden);
    let layer = shape.layer_parameters(kind);
    let projection = 2.0 * hidden * hidden;
    let norms = shape.mtp_parameters() - count * (layer.total() + projection);
    let held = DeviceParameters::of_layer(&layer, tensor, expert_ranks);
    DeviceParameters { dense: count * (held.dense + projection / tensor) + norms, experts: count * held.experts }
}
