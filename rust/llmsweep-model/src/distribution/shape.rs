//! What a time of given cumulants is taken for.
use super::Cumulants;
use super::normal::{Share, normal, tail_and_density};

/// Below this skewness a time is taken as normal: the lognormal's shift would lose its digits.
const SYMMETRIC: f64 = 1e-4;

/// Coefficient of variation beyond which a lognormal that is shifted below zero would have its median there: it is not shifted then.
const WIDE: f64 = 2.0;

/// A distribution with given cumulants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Always the same.
    Point(f64),
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        deviation: f64,
    },
    /// What is beyond a shift is lognormal.
    Lognormal {
        /// The shift.
        shift: f64,
        /// Mean of the logarithm.
        log_mean: f64,
        /// Standard deviation of the logarithm.
        log_deviation: f64,
    },
}

/// What of a distribution is beyond a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beyond {
    /// Share that is longer.
    pub(super) tail: f64,
    /// Density at the time.
    pub(super) density: f64,
    /// Derivative of the density there.
    pub(super) slope: f64,
}

impl Shape {
    /// With c = deviation / (mean − shift) the skewness is c³ + 3c = γ, which c = u − 1/u solves, u³ = γ/2 + √(1 + γ²/4) (Cardano).
    pub(super) fn of(cumulants: &Cumulants) -> Self {
        let Cumulants { mean, variance, third } = *cumulants;
        let deviation = variance.sqrt();
        if deviation <= mean.abs() * 1e-9 {
            return Self::Point(mean);
        }
        let skewness = third / (variance * deviation);
        if skewness < SYMMETRIC {
            return Self::Normal { mean, deviation };
        }
        let half = skewness / 2.0;
        let root = (half + (1.0 + half * half).sqrt()).cbrt();
        let (mut ratio, mut above) = (root - 1.0 / root, deviation / (root - 1.0 / root));
        if mean > 0.0 && above > mean && deviation > WIDE * mean {
            (ratio, above) = (deviation / mean, mean);
        }
        let log_variance = (ratio * ratio).ln_1p();
        Self::Lognormal {
            shift: mean - above,
            log_mean: above.ln() - log_variance / 2.0,
            log_deviation: log_variance.sqrt(),
        }
    }

    /// The share that is at most `time`.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        match *self {
            Self::Point(point) => f64::from(u8::from(time >= point)),
            Self::Normal { mean, deviation } => normal((time - mean) / deviation),
            Self::Lognormal { shift, .. } if time <= shift => 0.0,
            Self::Lognormal { shift, log_mean, log_deviation } => {
                normal(((time - shift).ln() - log_mean) / log_deviation)
            }
        }
    }

    /// Of what is longer than `time`.
    #[inline]
    pub(super) fn beyond(&self, time: f64) -> Beyond {
        match *self {
            Self::Point(point) => Beyond { tail: f64::from(u8::from(time < point)), ..Beyond::default() },
            Self::Normal { mean, deviation } => {
                let z = (time - mean) / deviation;
                let (tail, density) = tail_and_density(z);
                let density = density / deviation;
                Beyond { tail, density, slope: -density * z / deviation }
            }
            Self::Lognormal { shift, .. } if time <= shift => Beyond { tail: 1.0, ..Beyond::default() },
            Self::Lognormal { shift, log_mean, log_deviation } => {
                let above = time - shift;
                let z = (above.ln() - log_mean) / log_deviation;
                let (tail, density) = tail_and_density(z);
                let density = density / (log_deviation * above);
                Beyond { tail, density, slope: -density * (1.0 + z / log_deviation) / above }
            }
        }
    }

    /// The time that a share of requests keeps within.
    #[must_use]
    pub fn quantile(&self, share: Share) -> f64 {
        self.at(share.z)
    }

    /// The quantile where the standard normal's is `z`.
    pub(super) fn at(&self, z: f64) -> f64 {
        match *self {
            Self::Point(point) => point,
            Self::Normal { mean, deviation } => mean + deviation * z,
            Self::Lognormal { shift, log_mean, log_deviation } => shift + (log_mean + log_deviation * z).exp(),
        }
    }
}
