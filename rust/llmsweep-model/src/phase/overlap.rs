//! What messages cost that run beside kernels.
use crate::quantity::Seconds;
use crate::system::TrainingSystem;

/// How much longer kernels and a message beside them take than the kernels alone: `max(M − b, M·x/(1 + x))`.
///
/// While the message runs, the kernels take `1 + x` times as long, for the library holds some of the chip's units and memory bandwidth. The
/// message ends first, and has held back `M·x/(1 + x)` of kernels; or the kernels do, and what is left of it follows.
///
/// # Source
/// Lee et al. 2025, arXiv:2507.03114: kernels slow by 18.9 % on average, by 40 % at most (A100, H100, MI210, MI250). That messages slow
/// too is not counted: the paper has no number for it.
///
/// ```
/// # use llmsweep_model::phase::overlap::beside;
/// # use llmsweep_model::quantity::Seconds;
/// // A message of 10 ms beside 100 ms of kernels costs 1.6 ms; beside 4 ms what they do not cover.
/// assert!((beside(Seconds(10e-3), Seconds(100e-3), 0.189).0 - 1.590e-3).abs() < 1e-6);
/// assert!((beside(Seconds(10e-3), Seconds(4e-3), 0.189).0 - 6e-3).abs() < 1e-12);
/// ```
#[must_use]
pub fn beside(message: Seconds, kernels: Seconds, slowdown: f64) -> Seconds {
    (message - kernels).max(message * (slowdown / (1.0 + slowdown)))
}

/// What `units` equal messages of `whole` together leave exposed beside kernels: one of them, before the first kernel or after the last, and
/// of the others what [`beside`] says, each beside its part of the kernels.
///
/// ```
/// # use llmsweep_model::phase::overlap::in_units;
/// # use llmsweep_model::quantity::Seconds;
/// // Ten messages of 1 ms beside kernels of 50 ms: the last alone without slowdown, 9 · 0.159 ms more with it.
/// assert!((in_units(Seconds(10e-3), 10.0, Seconds(50e-3), 1.0, 0.0).0 - 1e-3).abs() < 1e-12);
/// assert!((in_units(Seconds(10e-3), 10.0, Seconds(50e-3), 1.0, 0.189).0 - 2.431e-3).abs() < 1e-6);
/// // A stack that overlaps nothing waits for all of them.
/// assert!((in_units(Seconds(10e-3), 10.0, Seconds(50e-3), 0.0, 0.189).0 - 10e-3).abs() < 1e-12);
/// ```
#[must_use]
pub fn in_units(whole: Seconds, units: f64, kernels: Seconds, share: f64, slowdown: f64) -> Seconds {
    let one = whole / units;
    let hidden = beside(one, kernels / units, slowdown);
    one + (hidden * share + one * (1.0 - share)) * (units - 1.0)
}

impl TrainingSystem {
    /// What data parallelism's messages leave exposed.
    #[must_use]
    pub(super) fn data_exposed(&self, whole: Seconds, units: f64, kernels: Seconds) -> Seconds {
        in_units(whole, units, kernels, self.data_overlap, self.overlap_compute_slowdown)
    }
}
