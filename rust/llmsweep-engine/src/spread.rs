//! Intervals around predictions: how far published measurements of the same class lie from theirs.
use llmsweep_model::phase::inference::ServingMode;

use crate::axes::Phase;
use crate::catalog::intervals::{Intervals, Prediction};

/// 90 % quantile of the normal distribution: of ten measurements eight lie between p10 and p90.
const Z: f64 = 1.2816;

/// Intervals of a setup's predictions; none around those that its phase does not make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Of the step's time.
    pub step_time: Interval,
    /// Of the peak memory in training.
    pub memory: Interval,
    /// Of the time to the first token.
    pub ttft: Interval,
    /// Of the time per output token.
    pub tpot: Interval,
    /// Of a request's whole time.
    pub e2e: Interval,
    /// Of tokens per second in inference.
    pub rate: Interval,
}

/// Where measurements lie around a prediction: the factor to what one in ten exceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    factor: f64,
}

impl Interval {
    /// Of a logarithmic spread.
    #[must_use]
    pub fn of(sigma: f64) -> Self {
        Self { factor: (Z * sigma).exp() }
    }

    /// The value that one measurement in ten lies below.
    ///
    /// ```
    /// # use llmsweep_engine::spread::Interval;
    /// let interval = Interval::of(0.1);
    /// assert!((interval.p10(10.0) - 8.797).abs() < 1e-3);
    /// assert!((interval.p90(10.0) - 11.367).abs() < 1e-3);
    /// ```
    #[must_use]
    #[inline]
    pub fn p10(self, value: f64) -> f64 {
        value / self.factor
    }

    /// The value that one measurement in ten lies above.
    #[must_use]
    #[inline]
    pub fn p90(self, value: f64) -> f64 {
        value * self.factor
    }
}

impl Spread {
    const EXACT: Interval = Interval { factor: 1.0 };

    /// Where nothing is predicted.
    pub const NONE: Self = Self {
        step_time: Self::EXACT,
        memory: Self::EXACT,
        ttft: Self::EXACT,
        tpot: Self::EXACT,
        e2e: Self::EXACT,
        rate: Self::EXACT,
    };

    /// Of a phase, and of inference a mode, for models with or without experts on some software.
    #[must_use]
    pub fn of(intervals: &Intervals, phase: Phase, mode: ServingMode, experts: bool, software: Option<&str>) -> Self {
        let interval =
            |kind, quantity| Interval::of(intervals.sigma(&Prediction { kind, quantity, experts, software }));
        if phase == Phase::Training {
            return Self {
                step_time: interval("training", "step_time_s"),
                memory: interval("memory", "peak_memory_bytes"),
                ..Self::NONE
            };
        }
        let kind = if mode == ServingMode::Static { "inference" } else { "serving" };
        Self {
            ttft: interval(kind, "ttft_s"),
            tpot: interval(kind, "tpot_s"),
            e2e: interval(kind, "e2e_s"),
            rate: interval(kind, "output_tokens_per_s"),
            ..Self::NONE
        }
    }
}
