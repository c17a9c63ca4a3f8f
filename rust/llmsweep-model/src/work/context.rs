//! What context-parallel ranks send each other in one layer's forward pass.
use super::{Collective, Group, Split, Widths, Work};
use crate::arch::{Attention, ModelShape};
use crate::parallel::context::ContextExchange;

/// Messages of one layer of attention, `rows` tokens on each rank.
///
/// A ring passes every rank's keys and values on c − 1 times, a gather gives all of them to all, for latent attention the latents. An
/// exchange of heads sends queries, keys, values and results, `4·s·b·h/c` values per rank where there are as many key-value heads as
/// queries (Jacobs et al. 2023, arXiv:2309.14509, section 3.2), latent attention's keys and values expanded. Ranks beyond the key-value
/// heads get copies.
pub fn messages(work: &mut Work, shape: &ModelShape, rows: f64, split: &Split, widths: &Widths) {
    let Some(attention) = shape.attention else { return };
    let keys_and_values = match attention {
        Attention::Softmax(softmax) => 2.0 * split.kv_heads(softmax.kv_heads) * f64::from(softmax.head_dim),
        Attention::Latent(latent) => f64::from(latent.kv_rank + latent.rope_dim),
    };
    let own = rows * keys_and_values * widths.activation;
    match split.context_exchange {
        ContextExchange::Ring => {
            work.message("keys and values", Collective::PointToPoint, Group::Context, own);
            if let Some(message) = work.messages.last_mut() {
                message.count = split.context - 1.0;
            }
        }
        ContextExchange::AllGather => {
            work.message("keys and values", Collective::AllGather, Group::Context, own * split.context);
        }
        ContextExchange::AllToAll => {
            let (heads, kv_heads, query_dim, value_dim) = match attention {
                Attention::Softmax(softmax) => {
                    let width = f64::from(softmax.head_dim);
                    let kv_heads = split.kv_heads(softmax.kv_heads).max(split.context);
                    (f64::from(softmax.heads) / split.tensor, kv_heads, width, width)
                }
                Attention::Latent(latent) => {
                    let heads = f64::from(latent.heads) / split.tensor;
                    (heads, heads, f64::from(latent.nope_dim + latent.rope_dim), f64::from(latent.value_dim))
                }
            };
            let mut send = |name, width: f64| {
                work.message(name, Collective::AllToAll, Group::Context, rows * width * widths.activation);
            };
            send("queries", heads * query_dim);
            send("keys", kv_heads * query_dim);
            send("values", kv_heads * value_dim);
            send("attention result", heads * value_dim);
        }
    }
}

/// Messages of one layer of a decode step that checks `tokens` tokens over caches split between the ranks: every rank gets all queries, and
/// sends back what its part of the cache gives for them, with the sum that its softmax was divided by.
///
/// # Source
/// Yang et al. 2024, arXiv:2411.01783, section 3.6 (queries passed, partial results exchanged); vLLM's decode context parallelism.
pub fn decode_messages(work: &mut Work, shape: &ModelShape, tokens: f64, split: &Split, widths: &Widths) {
    let Some(attention) = shape.attention else { return };
    let (heads, query, result) = match attention {
        Attention::Softmax(softmax) => (softmax.heads, softmax.head_dim, softmax.head_dim),
        Attention::Latent(latent) => (latent.heads, latent.kv_rank + latent.rope_dim, latent.kv_rank),
    };
    let heads = tokens * f64::from(heads) / split.tensor;
    work.message("queries", Collective::AllGather, Group::Context, heads * f64::from(query) * widths.activation);
    let parts = heads * (f64::from(result) * widths.activation + SOFTMAX_SUM_BYTES);
    work.message("partial results", Collective::AllToAll, Group::Context, parts);
}

/// The logarithm of a softmax's sum, in single precision.
const SOFTMAX_SUM_BYTES: f64 = 4.0;
