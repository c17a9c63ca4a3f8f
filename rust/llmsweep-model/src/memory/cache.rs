//! The key-value cache of one device.
use crate::arch::{Attention, LayerKind, MixerKind, ModelShape};
use crate::work::Split;
use crate::work::decode::cached_values;
use crate::work::linear::LinearShape;

/// What one request of one layer holds on one device: so much per token, up to a window, and a state of constant size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerCache {
    /// Bytes per token of context.
    pub bytes_per_token: f64,
    /// Tokens beyond which nothing more is held.
    pub window_tokens: f64,
    /// Bytes that do not grow with context.
    pub state_bytes: f64,
}

impl LayerCache {
    /// Of one layer. Key-value heads are split over tensor parallelism down to one per device; a latent cache is held whole by every rank.
    #[must_use]
    pub fn of(shape: &ModelShape, kind: LayerKind, kv_bytes: f64, split: &Split) -> Self {
        let values = cached_values(shape.attention, kind.mixer);
        let share = match shape.attention {
            Some(Attention::Softmax(softmax)) => split.kv_heads(softmax.kv_heads) / f64::from(softmax.kv_heads),
            Some(Attention::Latent(_)) | None => 1.0,
        };
        let window_tokens = match (kind.mixer, shape.attention) {
            (MixerKind::Sliding, Some(Attention::Softmax(softmax))) => softmax.window.map_or(f64::INFINITY, f64::from),
            _ => f64::INFINITY,
        };
        let state_bytes = match (kind.mixer, &shape.linear) {
            (MixerKind::Linear, Some(mixer)) => LinearShape::of(mixer).state_bytes(2.0, split.tensor),
            _ => 0.0,
        };
        Self { bytes_per_token: values * share * kv_bytes, window_tokens, state_bytes }
    }

    /// Bytes of one request at a context.
    ///
    /// ```
    /// # use llmsweep_model::memory::cache::LayerCache;
    /// let gemma3 = LayerCache { bytes_per_token: 4096.0, window_tokens: 1024.0, state_bytes: 0.0 };
    /// assert_eq!(gemma3.request_bytes(100_000.0), 1024.0 * 4096.0);
    /// ```
    #[must_use]
    pub fn request_bytes(&self, context: f64) -> f64 {
        self.bytes_per_token * context.min(self.window_tokens) + self.state_bytes
    }
}
