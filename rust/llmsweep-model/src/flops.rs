//! FLOPs of one step in the three conventions that publications mix. Counted on the unsplit model: no layout changes them.
use crate::arch::ModelShape;
use crate::precision::Precision;
use crate::work::attention::AttentionKernel;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::{Kernel, Scores, Split, Tokens, Widths, causal_pairs};

/// FLOPs of the forward pass of one sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForwardFlops {
    /// Matrix multiplications with weights in the layers.
    pub layers: f64,
    /// Attention scores, every query seeing only its past.
    pub attention_causal: f64,
    /// Attention scores over the full square of the sequence.
    pub attention_full: f64,
    /// Logits.
    pub head: f64,
}

impl ForwardFlops {
    /// Counts one sequence.
    ///
    /// A dense layer: `4·s·h·d·(a + g) + 2·s·h·f·(3 gated | 2 plain)`, scores `2·a·d·s²` causal and twice that in full, logits `2·s·h·V`
    /// (Narayanan et al. 2021, arXiv:2104.04473, appendix). Llama-2-7B at 4,096 tokens: 53.1 TFLOP in matrices, 4.4 in causal scores, 1.1 in
    /// logits.
    #[must_use]
    pub fn of_sequence(shape: &ModelShape, sequence_length: f64) -> Self {
        let precision = &Precision::ALL[0];
        let input = ForwardInput {
            tokens: Tokens::of_sequences(1.0, sequence_length, 1.0),
            split: Split::NONE,
            widths: Widths::of(precision),
            kernel: AttentionKernel::Flash,
            routing: Routing { independence: 1.0, imbalance: 1.0 },
        };
        let mut sum = Self::default();
        for (kind, count) in shape.kinds() {
            let count = f64::from(count);
            for op in forward::layer(shape, kind, &input).ops {
                let flops = count * op.flops.0;
                match op.kernel {
                    Kernel::Attention(Scores { longest, .. }) | Kernel::LatentAttention(Scores { longest, .. }, _) => {
                        let causal = causal_pairs(sequence_length, Some(longest));
                        sum.attention_causal += flops;
                        sum.attention_full += flops * sequence_length * longest / causal;
                    }
                    _ => sum.layers += flops,
                }
            }
        }
        sum.head = 2.0 * sequence_length * f64::from(shape.hidden) * f64::from(shape.vocab);
        sum
    }

    /// Counts what the multi-token-prediction layers add to one sequence: each a layer like the last, a projection `2h × h`, and logits
    /// (DeepSeek-AI 2024, arXiv:2412.19437, section 2.2). Nothing where the model has none.
    #[must_use]
    pub fn of_prediction(shape: &ModelShape, sequence_length: f64) -> Self {
        let Some(&last) = shape.sequence.last() else { return Self::default() };
        let count = f64::from(shape.mtp_layers);
        let hidden = f64::from(shape.hidden);
        let one = Self::of_sequence(&ModelShape { sequence: vec![last], ..shape.clone() }, sequence_length);
        Self {
            layers: count * (one.layers + 4.0 * sequence_length * hidden * hidden),
            attention_causal: count * one.attention_causal,
            attention_full: count * one.attention_full,
            head: count * one.head,
        }
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            layers: self.layers + other.layers,
            attention_causal: self.attention_causal + other.attention_causal,
            attention_full: self.attention_full + other.attention_full,
            head: self.head + other.head,
        }
    }

    /// Forward FLOPs with causal attention.
    #[must_use]
    pub fn causal(&self) -> f64 {
        self.layers + self.attention_causal + self.head
    }

    /// FLOPs of prefill, the logits left out: only the last token's are needed.
    #[must_use]
    pub fn prompt(&self) -> f64 {
        self.layers + self.attention_causal
    }

    /// Forward FLOPs with attention over the full square.
    #[must_use]
    pub fn full(&self) -> f64 {
        self.layers + self.attention_full + self.head
    }
}

/// `6·N·D`: the training FLOPs of `N` active parameters on `D` tokens (Kaplan et al. 2020, arXiv:2001.08361, section 2.1).
///
/// ```
/// # use llmsweep_model::flops::six_n_d;
/// assert!((six_n_d(175e9, 300e9) / 3.15e23 - 1.0).abs() < 1e-3);
/// ```
#[must_use]
pub fn six_n_d(parameters: f64, tokens: f64) -> f64 {
    6.0 * parameters * tokens
}
