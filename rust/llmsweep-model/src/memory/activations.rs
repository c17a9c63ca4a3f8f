//! Activations that a layer keeps for its backward pass.
pub use super::recompute::Recompute;
use super::recompute::{Again, Module};
use crate::arch::{Attention, LayerKind, MixerKind, MlpKind, ModelShape, Moe};
use crate::subset::Subset;
use crate::work::adapters::Target;
use crate::work::attention::AttentionKernel;
use crate::work::linear::LinearShape;
use crate::work::{Split, Tokens, Widths};

/// What decides how much a layer keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationInput {
    /// Tokens of one micro-batch on this device.
    pub tokens: Tokens,
    /// How the model is spread.
    pub split: Split,
    /// Bytes per value.
    pub widths: Widths,
    /// How scores are computed.
    pub kernel: AttentionKernel,
    /// What is computed again.
    pub recompute: Recompute,
    /// The modules of selective recomputation, positions of [`Module::NAMES`].
    pub modules: Subset,
    /// Multiplications whose weights or adapters train, positions of [`Target::NAMES`]: those need their input.
    pub trained: Subset,
    /// Whether the model trains with dropout (one mask byte per channel and block).
    pub dropout: bool,
    /// Tokens of the busiest expert rank over the mean.
    pub imbalance: f64,
}

impl ActivationInput {
    fn again(&self, module: Module) -> bool {
        Again { recompute: self.recompute, modules: self.modules }.has(module)
    }

    /// Bytes of the input of multiplications of this kind, unless nothing needs it or it is made again by `module`.
    fn input_bytes(&self, target: Target, module: Module) -> f64 {
        let kept = self.trained.has(target as usize) && !self.again(module);
        if kept { self.widths.operand } else { 0.0 }
    }
}

/// Bytes that one layer keeps per micro-batch on one device.
///
/// A GPT layer without recomputation keeps `s·b·h·(10 + 24/t + 5·a·s/(h·t))` bytes, with sequence parallelism `s·b·h·(34/t + …)`; fused
/// attention drops the last term (Korthikanti et al. 2022, arXiv:2205.05198, table 2).
#[must_use]
pub fn layer_bytes(shape: &ModelShape, kind: LayerKind, input: &ActivationInput) -> f64 {
    let hidden = f64::from(shape.hidden);
    let stream = input.tokens.rows * hidden / input.split.residual() * input.widths.activation;
    if input.recompute == Recompute::Full {
        return stream;
    }
    kept_bytes(shape, kind, input)
}

/// Bytes of the one layer that is alive while full recomputation runs it again, beside its input, which [`layer_bytes`] counts.
#[must_use]
pub fn live_layer_bytes(shape: &ModelShape, kind: LayerKind, input: &ActivationInput) -> f64 {
    match input.recompute {
        Recompute::Full => {
            let whole = kept_bytes(shape, kind, &ActivationInput { recompute: Recompute::None, ..*input });
            (whole - layer_bytes(shape, kind, input)).max(0.0)
        }
        Recompute::None | Recompute::Selective => 0.0,
    }
}

fn kept_bytes(shape: &ModelShape, kind: LayerKind, input: &ActivationInput) -> f64 {
    let ActivationInput { tokens, split, widths, .. } = input;
    let hidden = f64::from(shape.hidden);
    let block = |target: Target| {
        let norm_output = input.input_bytes(target, Module::Norm);
        let mask = if input.dropout { 1.0 } else { 0.0 };
        tokens.rows * hidden / split.residual() * (widths.activation + norm_output + mask)
    };
    let mixer = match kind.mixer {
        MixerKind::None => 0.0,
        MixerKind::Full | MixerKind::Sliding => block(Target::Attention) + attention_bytes(shape, input),
        MixerKind::Linear => {
            block(Target::Attention)
                + shape.linear.map_or(0.0, |mixer| {
                    let linear = LinearShape::of(&mixer);
                    tokens.rows * (2.0 * linear.input_columns + linear.output_rows) / split.tensor * widths.activation
                })
        }
    };
    let mlp = match (kind.mlp, shape.dense, shape.moe) {
        (MlpKind::Dense, Some(dense), _) => {
            let gate = if dense.gated { 2.0 } else { 1.0 };
            let inside = mlp_bytes(tokens.rows, f64::from(dense.ffn) / split.tensor, gate, Target::Mlp, input);
            block(Target::Mlp) + if input.again(Module::Mlp) || input.again(Module::MlpUp) { 0.0 } else { inside }
        }
        (MlpKind::Moe, _, Some(moe)) => {
            let inside = expert_bytes(&moe, hidden, input);
            block(Target::Experts) + if input.again(Module::Moe) { 0.0 } else { inside }
        }
        _ => 0.0,
    };
    mixer + mlp
}

/// The results of the up-projection, and of the activation function unless it is applied again.
fn mlp_bytes(rows: f64, ffn: f64, gate: f64, target: Target, input: &ActivationInput) -> f64 {
    rows * ffn * (gate * input.widths.activation + input.input_bytes(target, Module::Activation))
}

/// Permuted inputs, expert activations and outputs of every token-expert pair, and the shared expert's.
fn expert_bytes(moe: &Moe, hidden: f64, input: &ActivationInput) -> f64 {
    let ActivationInput { tokens, split, widths, imbalance, .. } = input;
    let gate = if moe.gated { 2.0 } else { 1.0 };
    let pairs = tokens.rows * f64::from(moe.top_k) * split.expert_tensor / split.tensor * imbalance;
    let routed = mlp_bytes(pairs, f64::from(moe.expert_ffn) / split.expert_tensor, gate, Target::Experts, input);
    let shared = mlp_bytes(tokens.rows, f64::from(moe.shared_ffn) / split.tensor, gate, Target::Mlp, input);
    routed + shared + pairs * hidden * (widths.operand + widths.activation)
}

fn attention_bytes(shape: &ModelShape, input: &ActivationInput) -> f64 {
    let ActivationInput { tokens, split, widths, kernel, dropout, .. } = input;
    // A narrow copy of an input stands beside the 16-bit one that attention itself needs.
    let trains = input.trained.has(Target::Attention as usize);
    let narrow = if widths.casts && trains { widths.operand } else { 0.0 };
    // Attention that runs again makes its result anew, unless the output projection has it as its own input.
    let result_kept = if input.again(Module::Attention) && (widths.casts || !trains) { 0.0 } else { 1.0 };
    let (values, copied, heads) = match shape.attention {
        Some(Attention::Softmax(softmax)) => {
            let heads = f64::from(softmax.heads) / split.tensor;
            let gate = if softmax.gate { heads } else { 0.0 };
            let d = f64::from(softmax.head_dim);
            ((heads * (1.0 + result_kept) + gate + 2.0 * split.kv_heads(softmax.kv_heads)) * d, heads * d, heads)
        }
        Some(Attention::Latent(latent)) => {
            let heads = f64::from(latent.heads) / split.tensor;
            let query = f64::from(latent.nope_dim + latent.rope_dim);
            let compressed = f64::from(latent.query_rank + latent.kv_rank + latent.rope_dim);
            let value = f64::from(latent.value_dim);
            let expanded = if input.again(Module::LatentUp) { 0.0 } else { heads * (2.0 * query + value) };
            (expanded + heads * value * result_kept + compressed, heads * value + compressed, heads)
        }
        None => (0.0, 0.0, 0.0),
    };
    let scored_again = input.again(Module::Scores) || input.again(Module::Attention);
    let scores = if *kernel == AttentionKernel::Unfused && !scored_again {
        // Softmax result; with dropout its mask and result too: 5 bytes in 16 bits.
        let bytes = widths.activation * if *dropout { 2.0 } else { 1.0 } + if *dropout { 1.0 } else { 0.0 };
        bytes * heads * tokens.rows * tokens.sequence_length
    } else {
        0.0
    };
    tokens.rows * (values * widths.activation + copied * narrow) + scores
}
