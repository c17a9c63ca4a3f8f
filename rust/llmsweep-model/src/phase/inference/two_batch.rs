//! Two halves of a batch in turn: the tokens of one travel to their experts while the other is computed.
use super::times::PassTime;
use crate::quantity::Seconds;

/// Share of the messages that stays exposed: their kernels take 20 of an H800's 132 multiprocessors from the other half's (DeepSeek-V3,
/// arXiv:2412.19437, section 3.2.2).
const EXPOSED: f64 = 20.0 / 132.0;

/// A pass of two halves, each as `half`; `beside` is what else is computed in the time of both, such as the reading of the cache.
///
/// Weights are read twice. Of the messages what does not fit beside the rest is left, and at least [`EXPOSED`] of them.
///
/// ```
/// # use llmsweep_model::phase::inference::{times::PassTime, two_batch::overlapped};
/// # use llmsweep_model::quantity::Seconds;
/// let half = PassTime { tensor: Seconds(3.0), expert: Seconds(2.0), ..PassTime::default() };
/// let both = overlapped(half, Seconds(0.0));
/// assert!((both.total().0 - (6.0 + 4.0 * 20.0 / 132.0)).abs() < 1e-12);
/// assert_eq!(overlapped(PassTime { expert: Seconds(7.0), ..half }, Seconds(0.0)).total(), Seconds(14.0));
/// ```
#[must_use]
pub fn overlapped(half: PassTime, beside: Seconds) -> PassTime {
    let both = half.times(2.0);
    let computed = both.kernels.total() + both.tensor + both.context + beside;
    let left = Seconds((both.expert - computed).0);
    PassTime { expert: left.max(both.expert * EXPOSED), ..both }
}
