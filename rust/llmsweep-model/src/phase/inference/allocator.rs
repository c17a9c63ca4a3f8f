//! How an engine hands out room for keys and values.

/// How room for the cache of a request is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvAllocator {
    /// In blocks as the context grows (Kwon et al. 2023, arXiv:2309.06180, section 4): the last one is half empty on average.
    Paged,
    /// In one piece for the longest request that the engine takes (the systems before it; section 3.1 there).
    Contiguous,
    /// In one piece of a power of two that holds the whole request (a buddy allocator; section 6.1 there).
    PowerOfTwo,
}

impl KvAllocator {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 3] =
        [("paged", Self::Paged), ("contiguous", Self::Contiguous), ("power_of_two", Self::PowerOfTwo)];

    /// Tokens set aside for a request that has now `context` tokens and will have `full`, where the engine takes up to `longest`.
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::allocator::KvAllocator;
    /// let set_aside = |allocator: KvAllocator| allocator.tokens(300.0, 500.0, 2048.0, 16.0);
    /// assert_eq!(KvAllocator::ALL.map(|(_, allocator)| set_aside(allocator)), [307.5, 2048.0, 512.0]);
    /// ```
    #[inline]
    #[must_use]
    pub fn tokens(self, context: f64, full: f64, longest: f64, block: f64) -> f64 {
        match self {
            Self::Paged => context + (block - 1.0) / 2.0,
            Self::Contiguous => longest,
            Self::PowerOfTwo => (full.ceil() as u64).next_power_of_two() as f64,
        }
    }

    /// The longest request whose room is at most that of `tokens` tokens.
    #[must_use]
    pub fn longest(self, tokens: f64, block: f64) -> f64 {
        match self {
            Self::Paged => (tokens - (block - 1.0) / 2.0).floor(),
            Self::Contiguous => tokens.floor(),
            Self::PowerOfTwo if tokens >= 1.0 => tokens.log2().floor().exp2(),
            Self::PowerOfTwo => 0.0,
        }
    }
}
