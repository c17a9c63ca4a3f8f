//! What is known of a prompt from earlier ones: their keys and values are in the cache, and only the rest is computed.

/// The cached prefix of a prompt.
///
/// # Source
/// Zheng et al. 2024, SGLang, arXiv:2312.07104, section 3 (`RadixAttention`); vLLM's automatic prefix caching.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prefix {
    /// Share of the prompt's tokens found in the cache, 0 to 1.
    pub hit_rate: f64,
    /// Whether the prefix is the same for all requests, so that its cache needs room once.
    pub shared: bool,
}

impl Prefix {
    /// Nothing is known.
    pub const NONE: Self = Self { hit_rate: 0.0, shared: false };

    /// Tokens found in the cache. The last token of a prompt is always computed: its logits give the first token of the answer.
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::prefix::Prefix;
    /// let half = Prefix { hit_rate: 0.5, shared: false };
    /// assert_eq!((half.cached(1000.0), half.cached(1.0)), (500.0, 0.0));
    /// assert_eq!(Prefix { hit_rate: 1.0, shared: false }.cached(1000.0), 999.0);
    /// ```
    #[must_use]
    pub fn cached(&self, input_tokens: f64) -> f64 {
        (self.hit_rate * input_tokens).min(input_tokens - 1.0)
    }

    /// Tokens that all requests have in the cache together.
    #[must_use]
    pub fn shared(&self, input_tokens: f64) -> f64 {
        if self.shared { self.cached(input_tokens) } else { 0.0 }
    }
}
