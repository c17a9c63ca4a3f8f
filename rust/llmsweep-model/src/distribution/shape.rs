//! What a time of given cumulants is taken for.
#![allow(clippy::inline_always, reason = "a call in a loop over lanes would take them one by one")]
#![allow(clippy::needless_bitwise_bool, reason = "no branch on one side of a condition alone")]
use super::Cumulants;
use super::normal::{Share, normal, tail_and_density};
use crate::elementary::{cbrt, exp, ln, ln_1p};

/// Below this skewness a time is taken as normal: the lognormal's shift would lose its digits.
const SYMMETRIC: f64 = 1e-4;

/// Coefficient of variation beyond which a lognormal that is shifted below zero would have its median there: it is not shifted then.
const WIDE: f64 = 2.0;

/// Relative deviation below which a time is always the same.
const CERTAIN: f64 = 1e-9;

/// A distribution with given cumulants: always the same time, a normal one, or one whose part beyond a shift is lognormal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// The time that is always the same, or that all others are beyond; zero of a normal one.
    pub(super) shift: f64,
    /// Mean of what is normal: the time, or the logarithm of what is beyond the shift.
    pub(super) centre: f64,
    /// Its standard deviation; zero of a time that is always the same.
    pub(super) deviation: f64,
    /// Whether the logarithm is what is normal.
    pub(super) lognormal: bool,
}

/// What of a distribution is beyond a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beyond {
    /// Share that is longer.
    pub(super) tail: f64,
    /// Density at the time.
    pub(super) density: f64,
    /// Derivative of the density there.
    pub(super) slope: f64,
}

impl Beyond {
    /// In a share of the requests.
    #[inline(always)]
    pub(super) fn times(self, share: f64) -> Self {
        Self { tail: share * self.tail, density: share * self.density, slope: share * self.slope }
    }

    /// In these and others.
    #[inline(always)]
    pub(super) fn plus(self, other: Self) -> Self {
        Self { tail: self.tail + other.tail, density: self.density + other.density, slope: self.slope + other.slope }
    }
}

impl Shape {
    /// With c = deviation / (mean − shift) the skewness is c³ + 3c = γ, which c = u − 1/u solves, u³ = γ/2 + √(1 + γ²/4) (Cardano).
    #[inline(always)]
    pub(super) fn of(cumulants: &Cumulants) -> Self {
        let Cumulants { mean, variance, third } = *cumulants;
        let deviation = variance.sqrt();
        let certain = deviation <= mean.abs() * CERTAIN;
        let skewness = third / (variance * deviation);
        let lognormal = !certain & (skewness >= SYMMETRIC);
        let half = skewness / 2.0;
        let root = cbrt(half + (1.0 + half * half).sqrt());
        let (ratio, above) = (root - 1.0 / root, deviation / (root - 1.0 / root));
        let unshifted = (mean > 0.0) & (above > mean) & (deviation > WIDE * mean);
        let above = if unshifted { mean } else { above };
        let ratio = if unshifted { deviation / mean } else { ratio };
        let log_variance = ln_1p(ratio * ratio);
        let shift = if lognormal { mean - above } else { 0.0 };
        let spread = if lognormal { log_variance.sqrt() } else { deviation };
        Self {
            shift: if certain { mean } else { shift },
            centre: if lognormal { ln(above) - log_variance / 2.0 } else { mean },
            deviation: if certain { 0.0 } else { spread },
            lognormal,
        }
    }

    /// Whether the time is always the same.
    #[inline(always)]
    pub(super) fn is_certain(&self) -> bool {
        self.deviation <= 0.0
    }

    /// The share that is at most `time`.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        let above = time - self.shift;
        match self.lognormal {
            _ if self.is_certain() => f64::from(u8::from(time >= self.shift)),
            true if above <= 0.0 => 0.0,
            true => normal((above.ln() - self.centre) / self.deviation),
            false => normal((time - self.centre) / self.deviation),
        }
    }

    /// Of what is longer than `time`.
    #[inline(always)]
    pub(super) fn beyond(&self, time: f64) -> Beyond {
        let above = time - self.shift;
        let normal = if self.lognormal { ln(above) } else { time };
        let z = (normal - self.centre) / self.deviation;
        let (tail, density) = tail_and_density(z);
        let per = if self.lognormal { above } else { 1.0 };
        let density = density / (self.deviation * per);
        let bend = if self.lognormal { 1.0 } else { 0.0 };
        let slope = -density * (bend + z / self.deviation) / per;
        let none = self.is_certain() | (self.lognormal & (above <= 0.0));
        let longer = if self.is_certain() { time < self.shift } else { true };
        let all = if longer { 1.0 } else { 0.0 };
        Beyond {
            tail: if none { all } else { tail },
            density: if none { 0.0 } else { density },
            slope: if none { 0.0 } else { slope },
        }
    }

    /// The time that a share of requests keeps within.
    #[must_use]
    pub fn quantile(&self, share: Share) -> f64 {
        self.at(share.z)
    }

    /// The quantile where the standard normal's is `z`.
    #[inline(always)]
    pub(super) fn at(&self, z: f64) -> f64 {
        let normal = self.centre + self.deviation * z;
        let time = self.shift + if self.lognormal { exp(normal) } else { normal };
        if self.is_certain() { self.shift } else { time }
    }
}
