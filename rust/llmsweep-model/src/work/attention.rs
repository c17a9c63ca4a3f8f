//! Attention of many queries at once: training and prefill.
use super::names::{QUERY_KEY_VALUE, QUERY_LATENT_DOWN};
use super::{Kernel, Op, Part, Scores, Split, Tokens, Widths, Work, launches};
use crate::arch::{LatentAttention, SoftmaxAttention};
use crate::law::LatentWidths;
use crate::parallel::context::ContextExchange;
use crate::quantity::{Bytes, Flops};

/// How the scores are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionKernel {
    /// The score matrix stays on chip (FlashAttention, arXiv:2205.14135).
    Flash,
    /// The score matrix is written to memory and read again.
    Unfused,
}

impl AttentionKernel {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 2] = [("flash", Self::Flash), ("unfused", Self::Unfused)];
}

/// Multi-head, grouped-query or multi-query attention: `4·T·h·d·(a + g)` FLOPs in the projections and `4·d·a` per query-key pair.
///
/// # Source
/// Korthikanti et al. 2022, arXiv:2205.05198, appendix A; Ainslie et al. 2023, arXiv:2305.13245 for `g < a`.
#[allow(clippy::too_many_arguments, reason = "what a layer is, what it works on, and how it is spread")]
pub fn softmax(
    work: &mut Work,
    attention: &SoftmaxAttention,
    hidden: f64,
    window: Option<f64>,
    kernel: AttentionKernel,
    tokens: &Tokens,
    split: &Split,
    widths: &Widths,
) {
    let d = f64::from(attention.head_dim);
    let heads = f64::from(attention.heads) / split.tensor;
    let kv_heads = split.kv_heads(attention.kv_heads);
    let gate = if attention.gate { heads } else { 0.0 };
    work.gemm(QUERY_KEY_VALUE, tokens.rows, (heads + gate + 2.0 * kv_heads) * d, hidden, widths);
    work.operand_from(Part::Norm);
    work.ops.push(Op::memory("rotary", 2.0 * tokens.rows * (heads + kv_heads) * d * widths.activation, 1.0));
    let heads_of = Layout { heads, kv_heads, query_dim: d, value_dim: d, latent: None };
    work.ops.push(heads_of.op(window, kernel, tokens, split, widths));
    work.gemm("attention output", tokens.rows, hidden, heads * d, widths);
}

/// Multi-head latent attention with keys and values expanded from the latent.
///
/// # Source
/// DeepSeek-AI 2024, arXiv:2405.04434, section 2.1, equations 9–19; sparse indexer: DeepSeek-V3.2 report, section 2.
pub fn latent(
    work: &mut Work,
    attention: &LatentAttention,
    hidden: f64,
    kernel: AttentionKernel,
    tokens: &Tokens,
    split: &Split,
    widths: &Widths,
) {
    let heads = f64::from(attention.heads) / split.tensor;
    let query_dim = f64::from(attention.nope_dim + attention.rope_dim);
    let value_dim = f64::from(attention.value_dim);
    project_latent(work, attention, hidden, tokens.rows, split, widths);
    let kv_rank = f64::from(attention.kv_rank);
    let expanded = heads * (f64::from(attention.nope_dim) + value_dim);
    work.mark(Part::Mixer);
    // The latents of earlier tokens are expanded again.
    let cached = tokens.sequences * tokens.past / split.context;
    work.gemm("key, value up", tokens.rows + cached, expanded, kv_rank, widths);
    work.ops.push(Op::memory("rotary", 2.0 * tokens.rows * heads * query_dim * widths.activation, 1.0));
    work.mark(Part::LatentUp);
    let window = attention.indexer.map(|indexer| f64::from(indexer.top_k));
    let heads_of = Layout { heads, kv_heads: heads, query_dim, value_dim, latent: Some(widths_of(attention)) };
    work.ops.push(heads_of.op(window, kernel, tokens, split, widths));
    if let Some(indexer) = attention.indexer {
        let pairs = tokens.causal_pairs(None, split.context);
        let (heads, dim) = (f64::from(indexer.heads), f64::from(indexer.head_dim));
        let flops = 2.0 * pairs * heads * dim;
        let scores = Scores {
            sequences: tokens.sequences,
            queries: tokens.rows,
            pairs,
            keys: tokens.keys(None),
            longest: tokens.keys(None),
            heads,
            kv_heads: 1.0,
            query_dim: dim,
            value_dim: 0.0,
        };
        work.ops.push(Op {
            name: "sparse indexer scores",
            kernel: Kernel::Attention(scores),
            count: 1.0,
            flops: Flops(flops),
            bytes: Bytes(tokens.rows * f64::from(indexer.head_dim) * widths.activation),
            launches: launches::SPARSE_SCORES,
            part: Part::Scores,
        });
    }
    work.gemm("attention output", tokens.rows, hidden, heads * value_dim, widths);
}

/// The down- and up-projections of queries, the down-projection of the latent and the indexer's projections: the same in prefill and
/// decode. Down-projections are small and held by every tensor-parallel rank.
pub fn project_latent(
    work: &mut Work,
    attention: &LatentAttention,
    hidden: f64,
    rows: f64,
    split: &Split,
    widths: &Widths,
) {
    let heads = f64::from(attention.heads) / split.tensor;
    let query = heads * f64::from(attention.nope_dim + attention.rope_dim);
    let latent = f64::from(attention.kv_rank + attention.rope_dim);
    let query_rank = f64::from(attention.query_rank);
    if attention.query_rank > 0 {
        work.gemm(QUERY_LATENT_DOWN, rows, query_rank + latent, hidden, widths);
        work.operand_from(Part::Norm);
        work.mark(Part::Mixer);
        work.gemm("query up", rows, query, query_rank, widths);
        work.mark(Part::LatentUp);
    } else {
        work.gemm(QUERY_LATENT_DOWN, rows, query + latent, hidden, widths);
        work.operand_from(Part::Norm);
    }
    if let Some(indexer) = attention.indexer {
        let index = f64::from(indexer.heads * indexer.head_dim);
        let source = if attention.query_rank > 0 { query_rank } else { hidden };
        work.gemm("indexer query", rows, index, source, widths);
        work.gemm("indexer key, weight", rows, f64::from(indexer.head_dim + indexer.heads), hidden, widths);
    }
}

#[derive(Clone, Copy)]
struct Layout {
    heads: f64,
    kv_heads: f64,
    query_dim: f64,
    value_dim: f64,
    latent: Option<LatentWidths>,
}

/// Widths of latent attention as its laws take them.
pub(super) fn widths_of(attention: &LatentAttention) -> LatentWidths {
    LatentWidths {
        latent: f64::from(attention.kv_rank),
        rotated: f64::from(attention.rope_dim),
        unrotated: f64::from(attention.nope_dim),
        value: f64::from(attention.value_dim),
    }
}

impl Layout {
    /// The layout as one rank's kernel sees it, with its queries: an exchange of heads leaves each rank with all tokens of its heads. A
    /// ring works on block after block, but on two streams, so that the end of one overlaps with the start of the next (Transformer Engine)
    /// and all of them take what one kernel takes.
    fn placed(&self, tokens: &Tokens, split: &Split) -> (Self, f64) {
        match split.context_exchange {
            ContextExchange::Ring | ContextExchange::AllGather => (*self, tokens.rows),
            ContextExchange::AllToAll => {
                let heads = self.heads / split.context;
                (
                    Self { heads, kv_heads: (self.kv_heads / split.context).max(1.0), ..*self },
                    tokens.rows * split.context,
                )
            }
        }
    }

    fn op(&self, window: Option<f64>, kernel: AttentionKernel, tokens: &Tokens, split: &Split, widths: &Widths) -> Op {
        let fused = kernel == AttentionKernel::Flash;
        let (layout, rows) = self.placed(tokens, split);
        let keys = tokens.keys(window);
        let Self { heads, kv_heads, query_dim, value_dim, latent } = layout;
        // Causal work is even over ranks. An unfused kernel computes the masked half too.
        let causal = tokens.causal_pairs(window, split.context) * (self.heads / heads);
        let pairs = if fused { causal } else { rows * keys };
        let key_rows = tokens.rows * split.context + tokens.sequences * (keys - tokens.sequence_length);
        let values = (rows * heads + key_rows * kv_heads) * (query_dim + value_dim);
        let score_passes = if fused { 0.0 } else { UNFUSED_SCORE_PASSES };
        let scores = Scores {
            sequences: tokens.sequences,
            queries: rows,
            pairs,
            keys,
            longest: window.map_or(keys, |window| window.min(keys)),
            heads,
            kv_heads,
            query_dim,
            value_dim,
        };
        Op {
            name: "attention scores",
            kernel: match (fused, latent) {
                (true, Some(widths)) => Kernel::LatentAttention(scores, widths),
                (true, None) => Kernel::Attention(scores),
                (false, _) => Kernel::UnfusedAttention(scores),
            },
            count: 1.0,
            flops: Flops(2.0 * pairs * heads * (query_dim + value_dim)),
            bytes: Bytes((values + score_passes * rows * keys * heads) * widths.activation),
            launches: if fused { 1.0 } else { launches::UNFUSED_ATTENTION },
            part: Part::Scores,
        }
    }
}

/// Passes over the score matrix of unfused attention in the forward pass: scores written, softmax with scale and mask (read, write: one
/// kernel since Megatron-LM of 2020), dropout (read, write), read for the product with the values.
const UNFUSED_SCORE_PASSES: f64 = 6.0;
