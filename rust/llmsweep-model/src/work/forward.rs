//! The forward pass of one layer, of the embedding and of the LM head.
use super::attention::AttentionKernel;
use super::experts::Routing;
use super::names::MLP_UP;
use super::{Collective, Group, Op, Part, Split, Tokens, Widths, Work, attention, context, experts, launches, linear};
use crate::arch::{Attention, LayerKind, MixerKind, MlpKind, ModelShape};

/// What a layer's forward pass needs besides the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForwardInput {
    /// Tokens on this device.
    pub tokens: Tokens,
    /// How the model is spread.
    pub split: Split,
    /// Bytes per value.
    pub widths: Widths,
    /// How scores are computed.
    pub kernel: AttentionKernel,
    /// How tokens spread over experts.
    pub routing: Routing,
}

/// Kernels and messages of one layer's forward pass on one device.
#[must_use]
pub fn layer(shape: &ModelShape, kind: LayerKind, input: &ForwardInput) -> Work {
    let ForwardInput { tokens, split, widths, kernel, routing } = input;
    let hidden = f64::from(shape.hidden);
    let mut work = Work::default();
    work.ops.push(norms(shape, kind, tokens.rows / split.residual(), widths));
    match (kind.mixer, shape.attention, shape.linear) {
        (MixerKind::Full, Some(Attention::Softmax(softmax)), _) => {
            attention::softmax(&mut work, &softmax, hidden, None, *kernel, tokens, split, widths);
        }
        (MixerKind::Sliding, Some(Attention::Softmax(softmax)), _) => {
            let window = softmax.window.map(f64::from);
            attention::softmax(&mut work, &softmax, hidden, window, *kernel, tokens, split, widths);
        }
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Latent(latent)), _) => {
            attention::latent(&mut work, &latent, hidden, *kernel, tokens, split, widths);
        }
        (MixerKind::Linear, _, Some(mixer)) => linear::forward(&mut work, &mixer, hidden, tokens, split, widths),
        _ => {}
    }
    if kind.mixer != MixerKind::None {
        tensor_messages(&mut work, tokens.rows * hidden * widths.activation, split);
    }
    work.mark(Part::Mixer);
    mlp(&mut work, shape, kind.mlp, tokens.rows, routing, split, widths);
    work.mark(if kind.mlp == MlpKind::Moe { Part::Moe } else { Part::Mlp });
    if matches!(kind.mixer, MixerKind::Full | MixerKind::Sliding) && split.context > 1.0 {
        let cached = tokens.sequences * tokens.past / split.context;
        context::messages(&mut work, shape, tokens.rows + cached, split, widths);
        work.mark(Part::Scores);
    }
    work
}

/// The norms of a layer, each fused with a residual addition: stream and block output in, stream and normalised out.
#[must_use]
pub fn norms(shape: &ModelShape, kind: LayerKind, residual_rows: f64, widths: &Widths) -> Op {
    let blocks = f64::from(u8::from(kind.mixer != MixerKind::None) + u8::from(kind.mlp != MlpKind::None));
    let norms = f64::from(shape.norms_per_layer) / 2.0 * blocks;
    Op::memory("norm, residual", norms * 4.0 * f64::from(shape.hidden) * residual_rows * widths.activation, norms)
        .in_part(Part::Norm)
}

/// The MLP of one layer, with its tensor-parallel messages; the same in training, prefill and decode.
pub fn mlp(
    work: &mut Work,
    shape: &ModelShape,
    kind: MlpKind,
    rows: f64,
    routing: &Routing,
    split: &Split,
    widths: &Widths,
) {
    let hidden = f64::from(shape.hidden);
    match (kind, shape.dense, shape.moe) {
        (MlpKind::Dense, Some(dense), _) => {
            let ffn = f64::from(dense.ffn) / split.tensor;
            let gate = if dense.gated { 2.0 } else { 1.0 };
            work.gemm(MLP_UP, rows, gate * ffn, hidden, widths);
            work.operand_from(Part::Norm);
            work.ops.push(
                Op::memory("activation", rows * (gate + 1.0) * ffn * widths.activation, 1.0)
                    .in_part(Part::MlpActivation),
            );
            work.gemm("mlp down", rows, hidden, ffn, widths);
            work.operand_from(Part::MlpActivation);
            tensor_messages(work, rows * hidden * widths.activation, split);
        }
        (MlpKind::Moe, _, Some(moe)) => experts::forward(work, &moe, hidden, rows, routing, split, widths),
        _ => {}
    }
}

/// The sum over the tensor-parallel group after a block: one all-reduce, or with sequence parallelism an all-gather before and a
/// reduce-scatter after, which carry the same bytes (Korthikanti et al. 2022, section 4.2).
pub fn tensor_messages(work: &mut Work, bytes: f64, split: &Split) {
    if split.tensor <= 1.0 {
        return;
    }
    if split.sequence_parallel {
        work.message("gather tokens", Collective::AllGather, Group::Tensor, bytes);
        work.message("scatter sums", Collective::ReduceScatter, Group::Tensor, bytes);
    } else {
        work.message("sum block output", Collective::AllReduce, Group::Tensor, bytes);
    }
}

/// The input embedding: a row read and a row written per token.
#[must_use]
pub fn embedding(shape: &ModelShape, rows: f64, split: &Split, widths: &Widths) -> Work {
    let mut work = Work::default();
    let bytes = rows * f64::from(shape.hidden) * widths.activation;
    work.ops.push(Op::memory("embedding", 2.0 * bytes / split.tensor, 1.0));
    if split.tensor > 1.0 {
        let collective = if split.sequence_parallel { Collective::ReduceScatter } else { Collective::AllReduce };
        work.message("sum embeddings", collective, Group::Tensor, bytes);
    }
    work
}

/// The LM head for `rows` tokens: final norm, logits `2·T·h·V`, and passes over the logits.
#[must_use]
pub fn head(shape: &ModelShape, rows: f64, logit_bytes: f64, split: &Split, widths: &Widths) -> Work {
    let mut work = Work::default();
    let (hidden, vocab) = (f64::from(shape.hidden), f64::from(shape.vocab) / split.tensor);
    work.ops.push(Op::memory("final norm", 2.0 * rows / split.residual() * hidden * widths.activation, 1.0));
    work.plain_gemm("logits", rows, vocab, hidden, widths);
    work.ops.push(Op::memory("softmax over logits", rows * vocab * logit_bytes, launches::LOGITS));
    if split.tensor > 1.0 && split.sequence_parallel {
        let bytes = rows * hidden * widths.activation;
        work.message("gather tokens", Collective::AllGather, Group::Tensor, bytes);
    }
    work
}
