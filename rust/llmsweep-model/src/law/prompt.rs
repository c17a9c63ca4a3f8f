//! Which queries see which keys while a prompt is read.

/// Queries that one unit works on together.
pub(super) const TILE: f64 = 128.0;

/// Kernel time at which half of the slow-down of long kernels is felt. \[s\]
const LONG_S: f64 = 2e-3;

/// Compute time of a kernel that heats up: `C(1 + g·C/(C + 2 ms))`.
pub(super) fn slowed(compute_s: f64, slowdown: f64) -> f64 {
    compute_s * (1.0 + slowdown * compute_s / (compute_s + LONG_S))
}

/// Queries and keys of equal sequences that are read together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prompt {
    /// Sequences.
    pub batch: f64,
    /// New tokens of each.
    pub queries: f64,
    /// Tokens whose keys and values are read: the new ones and those that were there before.
    pub keys: f64,
    /// Pairs of query and key of one head of one sequence.
    pub pairs: f64,
    /// Keys that the query with the most of them sees.
    pub longest: f64,
}

impl Prompt {
    /// A whole prompt of `sequence` tokens, each of which sees itself and those before it.
    #[must_use]
    pub fn causal(batch: f64, sequence: f64) -> Self {
        let pairs = sequence * (sequence + 1.0) / 2.0;
        Self { batch, queries: sequence, keys: sequence, pairs, longest: sequence }
    }

    /// The same after `past` tokens, which every new token sees: a chunk of a long prompt, or a prompt with a cached prefix.
    #[must_use]
    pub fn after(self, past: f64) -> Self {
        let pairs = self.pairs + self.queries * past;
        Self { keys: self.keys + past, pairs, longest: self.longest + past, ..self }
    }

    /// The same where a token sees only itself and the `window - 1` tokens before it.
    ///
    /// ```
    /// # use llmsweep_model::law::Prompt;
    /// let whole = Prompt::causal(1.0, 4096.0);
    /// assert_eq!(whole.within(4096.0), whole);
    /// assert_eq!(whole.within(1024.0).pairs, 1024.0 * 1025.0 / 2.0 + 3072.0 * 1024.0);
    /// assert_eq!(whole.after(2048.0).within(1024.0).pairs, 4096.0 * 1024.0);
    /// ```
    #[must_use]
    pub fn within(self, window: f64) -> Self {
        if window >= self.longest {
            return self;
        }
        let past = self.keys - self.queries;
        // The first queries may see fewer keys than the window holds.
        let short = (window - past).clamp(0.0, self.queries);
        let pairs = short * past + short * (short + 1.0) / 2.0 + (self.queries - short) * window;
        Self { keys: (self.queries + window).min(self.keys), pairs, longest: window, ..self }
    }
}
