//! What no software can beat: bounds from peak arithmetic and bandwidth alone.
use crate::quantity::{Bytes, BytesPerSec, Flops, FlopsPerSec, Seconds};

/// The part of a bound that rounding may take, where its sums are made in another order than those that they bound.
pub const ROUNDING: f64 = 1e-9;

/// Time below which `flops` can't be done, nor `bytes` read, by `devices` together.
///
/// A 70B model in 4 bits on one B200 of 8 TB/s: `35e9 / 8e12 = 4.4 ms` per token.
///
/// ```
/// # use llmsweep_model::{bound::least_time, quantity::*};
/// let bound = least_time(Flops(0.0), FlopsPerSec(9e15), Bytes(35e9), BytesPerSec(8e12), 1.0);
/// assert!((bound.0 - 4.375e-3).abs() < 1e-9);
/// ```
#[must_use]
pub fn least_time(flops: Flops, peak: FlopsPerSec, bytes: Bytes, bandwidth: BytesPerSec, devices: f64) -> Seconds {
    (flops / (peak * devices)).max(bytes / (bandwidth * devices))
}
