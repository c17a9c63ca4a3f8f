//! What must divide what.
use crate::arch::{Attention, LinearMixer, ModelShape};
use crate::reject::Reject;

/// Checks that a layer's matrices can be split `tensor` ways, and its experts `expert × expert_tensor` ways.
///
/// Key-value heads need not be divisible: where there are fewer than ranks, ranks share copies.
pub fn layer(shape: &ModelShape, tensor: u32, expert: u32, expert_tensor: u32) -> Result<(), Reject> {
    let heads = match shape.attention {
        Some(Attention::Softmax(softmax)) => Some(softmax.heads),
        Some(Attention::Latent(latent)) => Some(latent.heads),
        None => None,
    };
    let mixer_heads = shape.linear.map(|mixer| match mixer {
        LinearMixer::GatedDeltaNet { value_heads, .. } => value_heads,
        LinearMixer::Lightning { heads, .. } | LinearMixer::Mamba2 { heads, .. } => heads,
        LinearMixer::Mamba1 { inner, .. } => inner,
    });
    let divides = |count: Option<u32>| count.is_none_or(|count| count.is_multiple_of(tensor));
    if !divides(heads) || !divides(mixer_heads) {
        return Err(Reject::TensorParallelHeads);
    }
    if shape.dense.is_some_and(|dense| !dense.ffn.is_multiple_of(tensor)) {
        return Err(Reject::TensorParallelMlp);
    }
    match shape.moe {
        None if expert > 1 || expert_tensor > 1 => Err(Reject::ExpertParallelDense),
        Some(moe) if !moe.experts.is_multiple_of(expert) => Err(Reject::ExpertParallelExperts),
        Some(moe) if !moe.expert_ffn.is_multiple_of(expert_tensor) => Err(Reject::ExpertTensorParallel),
        Some(moe) if !moe.shared_ffn.is_multiple_of(tensor) => Err(Reject::TensorParallelMlp),
        None | Some(_) => Ok(()),
    }
}
