//! Weights and caches that live in the host's memory and cross its link when they are needed.
use super::times::{InferenceDevice, InferenceWork};
use crate::quantity::{Bytes, Seconds};

/// What lives in the host's memory.
///
/// # Source
/// Sheng et al. 2023, `FlexGen`, arXiv:2303.06865, section 4: weights and cache split between memories by shares, moved layer by layer
/// while another layer computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostShare {
    /// Share of the layers' weights, which every pass brings over, 0 to 1.
    pub weights: f64,
    /// Share of the running requests' cache, which every step brings over, 0 to 1.
    pub cache: f64,
}

impl HostShare {
    /// Everything lives on the device.
    pub const NONE: Self = Self { weights: 0.0, cache: 0.0 };

    /// Whether anything lives in the host's memory.
    #[must_use]
    pub fn any(&self) -> bool {
        self.weights > 0.0 || self.cache > 0.0
    }

    /// Time that a pass waits for the link: what it brings over, or for a prompt takes away, beside `busy` of kernels and messages. All
    /// layers bring over the same share, so that sums over layers and stages can be compared.
    #[must_use]
    pub fn exposed(
        &self,
        work: &InferenceWork,
        device: &InferenceDevice,
        (requests, context): (f64, f64),
        busy: Seconds,
    ) -> Seconds {
        if !self.any() {
            return Seconds::ZERO;
        }
        let layers = work.kinds.iter().zip(work.layer_weights.iter().zip(&work.caches));
        let bytes: f64 = layers
            .map(|(&(_, count), (weights, cache))| {
                count * (self.weights * weights + self.cache * requests * cache.request_bytes(context))
            })
            .sum();
        (Bytes(bytes) / device.device.accelerator.host_bandwidth - busy).max(Seconds::ZERO)
    }
}
