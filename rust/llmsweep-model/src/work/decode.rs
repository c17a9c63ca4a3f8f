//! One token for each running request: what a decode step does in one layer.
//!
//! The part that depends on the context (reading the cache) is kept apart from the part that depends on the batch only, so that a sweep
//! computes the latter once for all contexts.
use super::experts::Routing;
use super::names::QUERY_KEY_VALUE;
use super::{Kernel, Op, Part, Split, Widths, Work, attention, forward, launches, linear};
use crate::arch::{Attention, LayerKind, MixerKind, ModelShape};
use crate::law::{DecodeShape, LatentDecodeShape};
use crate::quantity::{Bytes, Flops};

/// Kernels and messages of one layer for `requests` tokens, all but the reading of the cache.
#[must_use]
pub fn layer(
    shape: &ModelShape,
    kind: LayerKind,
    requests: f64,
    routing: &Routing,
    split: &Split,
    widths: &Widths,
) -> Work {
    let hidden = f64::from(shape.hidden);
    let mut work = Work::default();
    work.ops.push(forward::norms(shape, kind, requests, widths));
    match (kind.mixer, shape.attention, shape.linear) {
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Softmax(softmax)), _) => {
            let d = f64::from(softmax.head_dim);
            let heads = f64::from(softmax.heads) / split.tensor;
            let kv_heads = split.kv_heads(softmax.kv_heads);
            let gate = if softmax.gate { heads } else { 0.0 };
            work.gemm(QUERY_KEY_VALUE, requests, (heads + gate + 2.0 * kv_heads) * d, hidden, widths);
            let rotated = 2.0 * requests * (heads + kv_heads) * d * widths.activation;
            work.ops.push(Op::memory("rotary, cache write", rotated, launches::ROTARY_CACHE_WRITE));
            work.gemm("attention output", requests, hidden, heads * d, widths);
        }
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Latent(latent)), _) => {
            attention::project_latent(&mut work, &latent, hidden, requests, split, widths);
            let heads = f64::from(latent.heads) / split.tensor;
            let (rank, nope) = (f64::from(latent.kv_rank), f64::from(latent.nope_dim));
            let value = f64::from(latent.value_dim);
            // Absorbed form: queries are carried into the latent space and results out of it, head by head.
            work.gemm("absorb query", requests, heads * rank, nope, widths);
            work.gemm("expand value", requests, heads * value, rank, widths);
            let rotated = 2.0 * requests * heads * nope * widths.activation;
            work.ops.push(Op::memory("rotary, cache write", rotated, launches::LATENT_ROTARY_CACHE_WRITE));
            work.gemm("attention output", requests, hidden, heads * value, widths);
            if latent.indexer.is_some() {
                work.ops.push(Op::memory(
                    "select tokens",
                    requests * rank * widths.activation,
                    launches::SPARSE_SELECTION,
                ));
            }
        }
        (MixerKind::Linear, _, Some(mixer)) => linear::decode(&mut work, &mixer, hidden, requests, split, widths),
        _ => {}
    }
    if kind.mixer != MixerKind::None {
        forward::tensor_messages(&mut work, requests * hidden * widths.activation, split);
    }
    forward::mlp(&mut work, shape, kind.mlp, requests, routing, split, widths);
    // Engines capture their decode steps.
    for routed in work.messages.iter_mut().filter_map(|message| message.routed.as_mut()) {
        routed.captured = true;
    }
    work
}

/// The reading of the cache by one layer for one token of each of `requests` at a context of `context` tokens.
///
/// Softmax attention reads `2·g·d` values per token and request; latent attention its latent once for all heads, which tensor
/// parallelism does not split; a window or sparse attention reads no more than its span. Context-parallel ranks read their part of every
/// request's cache.
#[inline]
#[must_use]
pub fn cache_read(
    shape: &ModelShape,
    kind: LayerKind,
    requests: f64,
    context: f64,
    kv_bytes: f64,
    split: &Split,
) -> Option<Op> {
    match (kind.mixer, shape.attention?) {
        (MixerKind::Full | MixerKind::Sliding, Attention::Softmax(softmax)) => {
            let seen = match (kind.mixer, softmax.window) {
                (MixerKind::Sliding, Some(window)) => context.min(f64::from(window)),
                _ => context,
            };
            let seen = seen / split.context;
            let d = f64::from(softmax.head_dim);
            let heads = f64::from(softmax.heads) / split.tensor;
            let kv_heads = split.kv_heads(softmax.kv_heads);
            Some(Op {
                name: "attention over cache",
                kernel: Kernel::CacheRead(DecodeShape {
                    batch: requests,
                    queries: 1.0,
                    context: seen,
                    longest: seen,
                    heads,
                    kv_heads,
                    head_dim: d,
                }),
                count: 1.0,
                flops: Flops(4.0 * requests * seen * heads * d),
                bytes: Bytes(requests * seen * 2.0 * kv_heads * d * kv_bytes),
                launches: launches::CACHE_READ,
                part: Part::Scores,
            })
        }
        (MixerKind::Full | MixerKind::Sliding, Attention::Latent(latent)) => {
            let seen = latent.indexer.map_or(context, |indexer| context.min(f64::from(indexer.top_k))) / split.context;
            let context = context / split.context;
            let index = latent.indexer.map_or(0.0, |indexer| f64::from(indexer.head_dim) * context);
            let index_flops = latent.indexer.map_or(0.0, |indexer| 2.0 * f64::from(indexer.heads * indexer.head_dim));
            let heads = f64::from(latent.heads) / split.tensor;
            let cached = f64::from(latent.kv_rank + latent.rope_dim);
            Some(Op {
                name: "attention over latent cache",
                kernel: Kernel::LatentCacheRead(LatentDecodeShape {
                    batch: requests,
                    queries: 1.0,
                    context: seen,
                    longest: seen,
                    heads,
                    widths: attention::widths_of(&latent),
                }),
                count: 1.0,
                flops: Flops(
                    2.0 * requests * seen * heads * (cached + f64::from(latent.kv_rank))
                        + requests * context * index_flops,
                ),
                bytes: Bytes(requests * (seen * cached * kv_bytes + index)),
                launches: launches::CACHE_READ,
                part: Part::Scores,
            })
        }
        _ => None,
    }
}

/// The same reading for `tokens` tokens of every request, which a step checks together: more arithmetic, no more bytes.
#[inline]
#[must_use]
pub fn checking(op: Op, tokens: f64) -> Op {
    let kernel = match op.kernel {
        Kernel::CacheRead(shape) => Kernel::CacheRead(DecodeShape { queries: tokens, ..shape }),
        Kernel::LatentCacheRead(shape) => Kernel::LatentCacheRead(LatentDecodeShape { queries: tokens, ..shape }),
        other => other,
    };
    Op { kernel, flops: op.flops * tokens, ..op }
}

/// Values that one token adds to the cache of one layer, over all devices of an unsplit model.
///
/// ```
/// # use llmsweep_model::work::decode::cached_values;
/// # use llmsweep_model::arch::*;
/// # let attention = SoftmaxAttention { heads: 64, kv_heads: 8, head_dim: 128, gate: false, window: None };
/// let llama2_70b_layer = cached_values(Some(Attention::Softmax(attention)), MixerKind::Full);
/// assert_eq!(80.0 * llama2_70b_layer * 2.0, 327_680.0);
/// ```
#[must_use]
pub fn cached_values(attention: Option<Attention>, mixer: MixerKind) -> f64 {
    match (mixer, attention) {
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Softmax(softmax))) => {
            2.0 * f64::from(softmax.kv_heads) * f64::from(softmax.head_dim)
        }
        (MixerKind::Full | MixerKind::Sliding, Some(Attention::Latent(latent))) => {
            f64::from(latent.kv_rank + latent.rope_dim)
                + latent.indexer.map_or(0.0, |indexer| f64::from(indexer.head_dim))
        }
        _ => 0.0,
    }
}
