//! Which queries see which keys while a prompt is read.

/// Queries that one unit works on together.
const TILE: f64 = 128.0;

/// Kernel time at which half of the slow-down of long kernels is felt. \[s\]
const LONG_S: f64 = 2e-3;

/// What fused kernels over a prompt have in common, whatever the widths of their heads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tiling {
    /// How much longer very long kernels take, `g`.
    pub slowdown: f64,
    /// Share of the longest tile that nothing overlaps, `φ`.
    pub tail_tiles: f64,
    /// Time that a unit needs to begin a head of a sequence, `c`. \[s\]
    pub head: f64,
    /// Cost of a tile of queries against that of a head, `q`.
    pub tile_ratio: f64,
}

impl Tiling {
    /// Arithmetic that heats up, the tail of the longest tile, and beginning heads and tiles:
    /// `C(1 + g·C/(C + 2 ms)) + φ·p·128·longest·SM + c·b·h·√(1 + (q·queries/128)²)/SM` with `p` seconds per pair and `C = p·b·h·pairs`.
    pub(super) fn seconds(&self, prompt: &Prompt, heads: f64, seconds_per_pair: f64, units: f64) -> f64 {
        let &Prompt { batch, queries, pairs, longest, .. } = prompt;
        let compute = seconds_per_pair * batch * heads * pairs;
        let slowed = compute * (1.0 + self.slowdown * compute / (compute + LONG_S));
        let tail = seconds_per_pair * self.tail_tiles * TILE * longest * units;
        let tiles = self.tile_ratio * queries / TILE;
        let begin = self.head * batch * heads * (1.0 + tiles * tiles).sqrt() / units;
        slowed + tail + begin
    }
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
