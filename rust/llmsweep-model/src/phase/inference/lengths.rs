//! Lengths of prompts and answers: means, lognormal around them, and what running requests have of them.
use super::{InferenceSetup, ServingMode};
use crate::distribution::{Cumulants, normal};
use crate::quantity::Seconds;

/// Requests whose prompt and answer together are longer than the model's context or the cache: one in a hundred.
const LONGEST: f64 = 0.99;
/// Points of the quadrature over the longest of many answers.
const POINTS: u32 = 96;

impl InferenceSetup {
    /// Whether requests differ in length.
    #[must_use]
    pub fn varies(&self) -> bool {
        self.input_cv > 0.0 || self.output_cv > 0.0
    }

    /// Prompt and answer of a long request: one in a hundred is longer. \[tokens\]
    #[must_use]
    pub fn longest(&self) -> f64 {
        if !self.varies() {
            return self.input_tokens + self.output_tokens;
        }
        let both = Cumulants::lognormal(self.input_tokens, self.input_cv).plus(self.answer());
        let shared = 2.0 * self.input_tokens * self.output_tokens * (self.drawn_together() - 1.0);
        Cumulants { variance: (both.variance + shared).max(0.0), ..both }.quantile(LONGEST)
    }

    /// `E[prompt · answer]` over the product of their means, `e^{ρσσ'}` of two lognormals.
    fn drawn_together(&self) -> f64 {
        if self.length_correlation == 0.0 {
            return 1.0;
        }
        let logarithmic = |cv: f64| (cv * cv).ln_1p().sqrt();
        (self.length_correlation * logarithmic(self.input_cv) * logarithmic(self.output_cv)).exp()
    }

    /// The prompt of a request that is running: those with long answers are met more often. \[tokens\]
    #[must_use]
    pub fn held_prompt(&self) -> f64 {
        self.input_tokens * self.drawn_together()
    }

    /// The whole answer of a request that is running: long answers are met more often, `E[s²]/E[s]`. \[tokens\]
    #[must_use]
    pub fn held_answer(&self) -> f64 {
        self.output_tokens * (1.0 + self.output_cv * self.output_cv)
    }

    /// Decode steps of a request: its answer, or in a static batch the longest one of all. \[tokens\]
    #[must_use]
    pub fn steps(&self, running: f64) -> f64 {
        match self.mode {
            ServingMode::Static if self.output_cv > 0.0 => self.output_tokens * longest_of(running, self.output_cv),
            ServingMode::Static | ServingMode::Continuous | ServingMode::Disaggregated => self.output_tokens,
        }
    }

    /// Mean context of a decode step. A running request has half of its answer behind it, the residual life of renewal theory
    /// (Cox 1962, Renewal Theory, section 5.2). \[tokens\]
    #[must_use]
    pub fn context(&self, running: f64) -> f64 {
        match self.mode {
            ServingMode::Continuous | ServingMode::Disaggregated => self.held_prompt() + self.held_answer() / 2.0,
            ServingMode::Static => self.input_tokens + self.steps(running) / 2.0,
        }
    }

    /// Variation of an answer's length.
    pub(super) fn answer(&self) -> Cumulants {
        Cumulants::lognormal(self.output_tokens, self.output_cv)
    }
}

/// Mean of the longest of `count` lognormal lengths, over their mean: `∫ e^{σz − σ²/2} · n·φ(z)·Φ(z)^{n−1} dz`
/// (David and Nagaraja 2003, Order Statistics, section 3.1), by the trapezoidal rule.
///
/// ```
/// # use llmsweep_model::phase::inference::lengths::longest_of;
/// assert!((longest_of(1.0, 1.0) - 1.0).abs() < 1e-4);
/// // Of two: 2·Φ(σ/√2).
/// assert!((longest_of(2.0, 1.0) - 1.443_94).abs() < 1e-4);
/// ```
#[must_use]
pub fn longest_of(count: f64, cv: f64) -> f64 {
    let variance = (cv * cv).ln_1p();
    let deviation = variance.sqrt();
    let (from, to) = (-5.0, 7.0 + deviation);
    let width = (to - from) / f64::from(POINTS);
    let (mut sum, mut weight) = (0.0, 0.0);
    for point in 0..=POINTS {
        let z = from + width * f64::from(point);
        let density = (-z * z / 2.0).exp() * normal(z).powf(count - 1.0);
        weight += density;
        sum += density * (deviation * z).exp();
    }
    sum / weight * (-variance / 2.0).exp()
}

/// Time of a prefill over the lengths of prompts: two points with the first three moments of the lognormal's length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prompt {
    /// Of a short prompt.
    pub short: Seconds,
    /// Of a long one.
    pub long: Seconds,
    /// Share of long ones.
    pub share: f64,
}

impl Prompt {
    /// Of what takes so long for a prompt of so many tokens.
    ///
    /// The points are those of Gauss's quadrature (Golub and Welsch 1969, doi:10.1090/S0025-5718-69-99647-1): they see the square of the
    /// length in attention. With skewness γ they lie γ/2 ± √(1 + γ²/4) deviations from the mean.
    pub(super) fn of(setup: &InferenceSetup, mut time: impl FnMut(f64) -> Seconds) -> Self {
        let mean = setup.input_tokens;
        let cv = setup.input_cv;
        if cv <= 0.0 {
            let time = time(mean);
            return Self { short: time, long: time, share: 0.0 };
        }
        let half = cv * (cv * cv + 3.0) / 2.0;
        let root = (1.0 + half * half).sqrt();
        let mut away = |deviations: f64| time(mean * (1.0 + cv * deviations));
        Self { short: away(half - root), long: away(half + root), share: (1.0 - half / root) / 2.0 }
    }

    /// Mean.
    #[must_use]
    pub fn mean(&self) -> Seconds {
        self.short + (self.long - self.short) * self.share
    }

    /// A share of the way to another of the same lengths.
    pub(super) fn towards(&self, other: &Self, share: f64) -> Self {
        let between = |one: Seconds, other: Seconds| one * (1.0 - share) + other * share;
        Self { short: between(self.short, other.short), long: between(self.long, other.long), ..*self }
    }

    /// One of as many equal parts.
    pub(super) fn part(&self, parts: f64) -> Self {
        Self { short: self.short / parts, long: self.long / parts, ..*self }
    }

    /// The first four moments. \[s, s², s³, s⁴\]
    #[must_use]
    pub fn moments(&self) -> [f64; 4] {
        [1, 2, 3, 4].map(|power| {
            let short = self.short.0.powi(power);
            short + (self.long.0.powi(power) - short) * self.share
        })
    }

    /// Variation of the time.
    pub(super) fn cumulants(&self) -> Cumulants {
        let [first, second, third, _] = self.moments();
        if self.share > 0.0 { Cumulants::of_moments(first, second, third) } else { Cumulants::certain(first) }
    }
}
