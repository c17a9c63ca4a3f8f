//! How context-parallel ranks, each with a part of every sequence, get at each other's keys and values.
use crate::arch::{Attention, ModelShape};
use crate::quantity::Seconds;
use crate::reject::Reject;

/// What context-parallel ranks send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextExchange {
    /// Keys and values go around, block by block, while attention works on the block at hand (Liu et al. 2023, arXiv:2310.01889). Each rank
    /// has two chunks of 2c, one from either end, so that causal work is even.
    Ring,
    /// All keys and values are gathered before attention starts (Llama Team 2024, arXiv:2407.21783, section 3.3.2).
    AllGather,
    /// Each rank exchanges its tokens of all heads for all tokens of its heads, and back (Jacobs et al. 2023, arXiv:2309.14509, section 3).
    AllToAll,
}

impl ContextExchange {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 3] =
        [("ring", Self::Ring), ("all_gather", Self::AllGather), ("all_to_all", Self::AllToAll)];

    /// Checks that the heads of attention can be spread over the tensor- and context-parallel ranks, where the exchange does that. Key-value
    /// heads need not divide: ranks share copies.
    pub fn divides(self, shape: &ModelShape, tensor: u32, context: u32) -> Result<(), Reject> {
        let heads = match shape.attention {
            Some(Attention::Softmax(softmax)) => softmax.heads,
            Some(Attention::Latent(latent)) => latent.heads,
            None => return Ok(()),
        };
        let ranks = u64::from(tensor) * u64::from(context);
        if self == Self::AllToAll && !u64::from(heads).is_multiple_of(ranks) {
            return Err(Reject::ContextParallelHeads);
        }
        Ok(())
    }
}

/// What a ring leaves exposed: of c blocks the first computes while the second's keys travel, and so on; each of the c − 1 messages runs
/// beside one block's attention.
///
/// ```
/// # use llmsweep_model::parallel::context::ring_exposed;
/// # use llmsweep_model::quantity::Seconds;
/// // Four ranks, 3 ms of messages, 8 ms of attention: 1 ms each beside 2 ms, all hidden; with 2 ms of attention half of them stick out.
/// assert_eq!(ring_exposed(Seconds(3e-3), Seconds(8e-3), 4.0, 0.0), Seconds(0.0));
/// assert!((ring_exposed(Seconds(3e-3), Seconds(2e-3), 4.0, 0.0).0 - 1.5e-3).abs() < 1e-12);
/// ```
#[must_use]
pub fn ring_exposed(messages: Seconds, attention: Seconds, ranks: f64, slowdown: f64) -> Seconds {
    crate::phase::overlap::beside(messages, attention * ((ranks - 1.0) / ranks), slowdown)
}
