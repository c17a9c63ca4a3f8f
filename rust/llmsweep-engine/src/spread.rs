//! Intervals around predictions: how far published measurements of the same class lie from theirs.
use llmsweep_model::phase::inference::ServingMode;

use crate::axes::Phase;
use crate::catalog::intervals::{Intervals, Prediction};

/// 90 % quantile of the normal distribution: of ten measurements eight lie between p10 and p90.
const Z: f64 = 1.2816;

/// Logarithmic spreads of a setup's predictions; zero for those that its phase does not make.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Of the step's time.
    pub step_time: f64,
    /// Of the peak memory in training.
    pub memory: f64,
    /// Of the time to the first token.
    pub ttft: f64,
    /// Of the time per output token.
    pub tpot: f64,
    /// Of a request's whole time.
    pub e2e: f64,
    /// Of tokens per second in inference.
    pub rate: f64,
}

impl Spread {
    /// Of a phase, and of inference a mode, for models with or without experts on some software.
    #[must_use]
    pub fn of(intervals: &Intervals, phase: Phase, mode: ServingMode, experts: bool, software: Option<&str>) -> Self {
        let sigma = |kind, quantity| intervals.sigma(&Prediction { kind, quantity, experts, software });
        if phase == Phase::Training {
            return Self {
                step_time: sigma("training", "step_time_s"),
                memory: sigma("memory", "peak_memory_bytes"),
                ..Self::default()
            };
        }
        let kind = if mode == ServingMode::Static { "inference" } else { "serving" };
        Self {
            ttft: sigma(kind, "ttft_s"),
            tpot: sigma(kind, "tpot_s"),
            e2e: sigma(kind, "e2e_s"),
            rate: sigma(kind, "output_tokens_per_s"),
            ..Self::default()
        }
    }
}

/// The value that one measurement in ten lies below.
///
/// ```
/// # use llmsweep_engine::spread::{p10, p90};
/// assert!((p10(10.0, 0.1) - 8.797).abs() < 1e-3);
/// assert!((p90(10.0, 0.1) - 11.367).abs() < 1e-3);
/// ```
#[must_use]
pub fn p10(value: f64, sigma: f64) -> f64 {
    value * (-Z * sigma).exp()
}

/// The value that one measurement in ten lies above.
#[must_use]
pub fn p90(value: f64, sigma: f64) -> f64 {
    value * (Z * sigma).exp()
}
