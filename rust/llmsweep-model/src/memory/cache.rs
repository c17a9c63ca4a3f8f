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
    /// Context-parallel ranks have a part of the tokens each; states are held by all of them.
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
        Self { bytes_per_token: values * share * kv_bytes / split.context, window_tokens, state_bytes }
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

/// How the cache of one request grows with its context in several layers: at one rate up to the window that some of them have, at a lower
/// one beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CacheGrowth {
    /// Bytes per token of layers without a window.
    pub growing: f64,
    /// Bytes per token of layers with one.
    pub windowed: f64,
    /// The window. \[tokens\]
    pub window: f64,
    /// Bytes that do not grow.
    pub fixed: f64,
}

impl CacheGrowth {
    /// With `count` layers more.
    #[must_use]
    pub fn with(self, cache: &LayerCache, count: f64) -> Self {
        let (bytes, fixed) = (count * cache.bytes_per_token, self.fixed + count * cache.state_bytes);
        if cache.window_tokens < f64::INFINITY {
            Self { windowed: self.windowed + bytes, window: self.window.max(cache.window_tokens), fixed, ..self }
        } else {
            Self { growing: self.growing + bytes, fixed, ..self }
        }
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            growing: self.growing + other.growing,
            windowed: self.windowed + other.windowed,
            window: self.window.max(other.window),
            fixed: self.fixed + other.fixed,
        }
    }

    /// `factor` times it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let Self { growing, windowed, window, fixed } = self;
        Self { growing: growing * factor, windowed: windowed * factor, window, fixed: fixed * factor }
    }

    /// The context whose cache takes so many bytes; infinite where it never does.
    ///
    /// ```
    /// # use llmsweep_model::memory::cache::CacheGrowth;
    /// let gemma3 = CacheGrowth { growing: 5.0 * 4096.0, windowed: 29.0 * 4096.0, window: 1024.0, fixed: 0.0 };
    /// assert_eq!(gemma3.context(34.0 * 4096.0 * 500.0), 500.0);
    /// assert_eq!(gemma3.context(34.0 * 4096.0 * 1024.0 + 5.0 * 4096.0 * 3000.0), 4024.0);
    /// ```
    #[must_use]
    pub fn context(&self, bytes: f64) -> f64 {
        let left = bytes - self.fixed;
        let full = left - self.windowed * self.window;
        if full < self.growing * self.window {
            return left / (self.growing + self.windowed);
        }
        if self.growing > 0.0 { full / self.growing } else { f64::INFINITY }
    }
}
