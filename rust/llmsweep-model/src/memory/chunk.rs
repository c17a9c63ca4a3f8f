//! Activations while a chunk of prompts is read: nothing is kept for a backward pass, so that the widest layer counts.
use crate::arch::{Attention, LayerKind, MixerKind, MlpKind, ModelShape};
use crate::work::linear::LinearShape;
use crate::work::{Split, Widths};

/// Bytes per token of the widest moment of a pass on one device: the residual stream and a normed copy, and the wider of a mixer's
/// (queries, keys, values, result) and an MLP's buffers (gate and up, their product; of experts also the rows gathered for them and their
/// results).
///
/// Korthikanti et al. 2022, arXiv:2205.05198, section 4.1, list the buffers of a layer; engines reuse them from layer to layer.
///
/// ```
/// # use llmsweep_model::{arch::*, arch::sequence::uniform, memory::chunk::bytes_per_token, precision::Precision};
/// # use llmsweep_model::work::{Split, Widths};
/// # let llama3_8b = ModelShape {
/// #     hidden: 4096, vocab: 128_256, max_context: 131_072, tied_embeddings: false, embedding_dim: None, position: Position::Rope,
/// #     norm: Norm::Rms, norms_per_layer: 2, extras: Extras::default(),
/// #     attention: Some(Attention::Softmax(SoftmaxAttention { heads: 32, kv_heads: 8, head_dim: 128, gate: false, window: None })),
/// #     linear: None, dense: Some(DenseMlp { ffn: 14_336, gated: true }), moe: None,
/// #     sequence: uniform(32, LayerKind::new(MixerKind::Full, MlpKind::Dense)), mtp_layers: 0,
/// # };
/// let widths = Widths::of(Precision::by_name("bf16").expect("bf16 is in the table"));
/// assert_eq!(bytes_per_token(&llama3_8b, &Split::NONE, &widths), 2.0 * (2.0 * 4096.0 + 3.0 * 14_336.0));
/// ```
#[must_use]
pub fn bytes_per_token(shape: &ModelShape, split: &Split, widths: &Widths) -> f64 {
    let widest = shape
        .kinds()
        .into_iter()
        .map(|(kind, _)| mixer_values(shape, kind, split).max(mlp_values(shape, kind, split)))
        .fold(0.0, f64::max);
    (2.0 * f64::from(shape.hidden) + widest) * widths.activation
}

fn mixer_values(shape: &ModelShape, kind: LayerKind, split: &Split) -> f64 {
    match (kind.mixer, shape.attention, shape.linear) {
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Softmax(softmax)), _) => {
            let heads = f64::from(softmax.heads) / split.tensor;
            2.0 * (heads + split.kv_heads(softmax.kv_heads)) * f64::from(softmax.head_dim)
        }
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Latent(latent)), _) => {
            let heads = f64::from(latent.heads) / split.tensor;
            let query = f64::from(latent.nope_dim + latent.rope_dim);
            2.0 * heads * (query + f64::from(latent.value_dim))
        }
        (MixerKind::Linear, _, Some(mixer)) => {
            let linear = LinearShape::of(&mixer);
            (linear.input_columns + linear.output_rows) / split.tensor
        }
        _ => 0.0,
    }
}

fn mlp_values(shape: &ModelShape, kind: LayerKind, split: &Split) -> f64 {
    let passes = |gated: bool| if gated { 3.0 } else { 2.0 };
    match (kind.mlp, shape.dense, shape.moe) {
        (MlpKind::Dense, Some(dense), _) => passes(dense.gated) * f64::from(dense.ffn) / split.tensor,
        (MlpKind::Moe, _, Some(moe)) => {
            let pairs = f64::from(moe.top_k) * split.expert_tensor / split.tensor;
            let ffn = f64::from(moe.expert_ffn) / split.expert_tensor;
            pairs * (2.0 * f64::from(shape.hidden) + passes(moe.gated) * ffn)
        }
        _ => 0.0,
    }
}
