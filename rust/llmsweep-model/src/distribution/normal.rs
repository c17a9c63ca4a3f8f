//! The standard normal distribution.
#![allow(clippy::inline_always, reason = "a call in a loop over lanes would take them one by one")]
use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::elementary::{exp, ln};

/// `1/√(2π)`.
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;

/// A share of requests, with the standard normal's quantile there: what many distributions are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub(super) share: f64,
    pub(super) z: f64,
}

impl Share {
    /// A share between 0 and 1.
    #[must_use]
    pub fn of(share: f64) -> Self {
        Self { share, z: normal_quantile(share) }
    }
}

/// The standard normal distribution function.
///
/// ```
/// # use llmsweep_model::distribution::normal;
/// assert!((normal(1.2816) - 0.9).abs() < 1e-4);
/// ```
#[must_use]
pub fn normal(z: f64) -> f64 {
    let tail = complementary_error(z.abs() * FRAC_1_SQRT_2) / 2.0;
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The share of a standard normal beyond `z`, and the density there: [`normal`] with the exponential that both have in common.
#[inline(always)]
pub(super) fn tail_and_density(z: f64) -> (f64, f64) {
    let bell = exp(-z * z / 2.0);
    let t = 1.0 / (1.0 + z.abs() * (FRAC_1_SQRT_2 / 2.0));
    let tail = t * exp(series(t)) * bell / 2.0;
    (if z > 0.0 { tail } else { 1.0 - tail }, bell * DENSITY_AT_ZERO)
}

/// Complementary error function of a number of at least zero, to 1.2e-7 of itself (Press et al. 1992, Numerical Recipes in C, section 6.2).
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + x / 2.0);
    t * (series(t) - x * x).exp()
}

/// The polynomial of that approximation.
#[inline(always)]
fn series(t: f64) -> f64 {
    const SERIES: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    SERIES.iter().fold(0.0, |sum, term| sum * t + term)
}

/// The standard normal quantile: Hastings' approximation (Abramowitz and Stegun 1964, 26.2.23) and one step of Newton.
///
/// ```
/// # use llmsweep_model::distribution::normal_quantile;
/// assert!((normal_quantile(0.99) - 2.326_348).abs() < 1e-5 && normal_quantile(0.5).abs() < 1e-6);
/// ```
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    let z = rough_quantile(share);
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    z - (normal(z) - share) / density
}

/// The same without that step: to 4.5e-4.
#[inline(always)]
pub(super) fn rough_quantile(share: f64) -> f64 {
    let tail = if share < 0.5 { share } else { 1.0 - share };
    let t = (-2.0 * ln(tail)).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    if share < 0.5 { over / under - t } else { t - over / under }
}
