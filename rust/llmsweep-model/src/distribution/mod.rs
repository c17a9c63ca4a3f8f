//! Random times: what is known of a sum of them, and the share of requests that stay below a limit.
//!
//! Independent times add by their cumulants. A time is then given the three-parameter lognormal with its mean, variance and third cumulant
//! (Aitchison and Brown 1957, The Lognormal Distribution, chapter 6): exact for lognormal times, and within 3 % of the tail of an exponential.
#![allow(clippy::inline_always, reason = "a call in a loop over lanes would take them one by one")]
mod normal;
mod quantile;
mod run;
mod shape;

pub use normal::{Share, normal, normal_quantile};
pub use quantile::Shapes;
pub use run::{RUN, ShapeRun, ShapesRun};
pub use shape::Shape;

/// Mean, variance and third central moment of a random time: each adds over independent times. \[s, s², s³\]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cumulants {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
    /// Third central moment.
    pub third: f64,
}

impl Cumulants {
    /// A time that never varies.
    #[must_use]
    pub const fn certain(mean: f64) -> Self {
        Self { mean, variance: 0.0, third: 0.0 }
    }

    /// Exponential.
    #[must_use]
    pub fn exponential(mean: f64) -> Self {
        Self::gamma(mean, 1.0)
    }

    /// Gamma: of a whole `shape` the sum of as many exponential times (Erlang).
    #[must_use]
    pub fn gamma(mean: f64, shape: f64) -> Self {
        Self { mean, variance: mean * mean / shape, third: 2.0 * mean * mean * mean / (shape * shape) }
    }

    /// Uniform from nothing to `longest`.
    #[must_use]
    pub fn uniform(longest: f64) -> Self {
        Self { mean: longest / 2.0, variance: longest * longest / 12.0, third: 0.0 }
    }

    /// Lognormal of a coefficient of variation, whose skewness is `cv³ + 3·cv`.
    #[must_use]
    pub fn lognormal(mean: f64, cv: f64) -> Self {
        let deviation = mean * cv;
        let cube = deviation * deviation * deviation;
        Self { mean, variance: deviation * deviation, third: cube * cv * (cv * cv + 3.0) }
    }

    /// Of the first three moments about zero.
    #[must_use]
    pub fn of_moments(first: f64, second: f64, third: f64) -> Self {
        Self {
            mean: first,
            variance: (second - first * first).max(0.0),
            third: third - 3.0 * first * second + 2.0 * first * first * first,
        }
    }

    /// Of a number `factor` times as large.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            variance: self.variance * factor * factor,
            third: self.third * factor * factor * factor,
        }
    }

    /// The sum of independent times.
    #[must_use]
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Self { mean: self.mean + other.mean, variance: self.variance + other.variance, third: self.third + other.third }
    }

    /// The time that `share` of requests keep within.
    ///
    /// ```
    /// # use llmsweep_model::distribution::Cumulants;
    /// let tail = Cumulants::exponential(1.0).quantile(0.99);
    /// assert!((tail / 4.605 - 1.0).abs() < 0.02);
    /// ```
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        self.shape().quantile(Share::of(share))
    }

    /// The distribution, for several questions about it.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape::of(self)
    }

    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        Shape::of(self).within(time)
    }
}

/// A time that some requests pay more of than others: `base`, and with each probability what it says beside it, never two at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mixture {
    /// What every request takes.
    pub base: Cumulants,
    /// Probability of a wait, and the wait.
    pub waits: [(f64, Cumulants); 2],
}

impl Mixture {
    /// A time that never varies.
    #[must_use]
    pub fn certain(mean: f64) -> Self {
        Self { base: Cumulants::certain(mean), ..Self::default() }
    }

    /// With another independent time after it.
    #[must_use]
    pub fn then(self, other: Cumulants) -> Self {
        Self { base: self.base.plus(other), ..self }
    }

    /// Everything that a request may take, with its probability: nothing where that is nought.
    #[inline(always)]
    fn parts(&self) -> [(f64, Cumulants); 3] {
        let [one, other] = self.waits;
        let at_once = 1.0 - one.0 - other.0;
        let waiting = |(share, wait): (f64, Cumulants)| {
            (share, if share > 0.0 { self.base.plus(wait) } else { Cumulants::default() })
        };
        [(if at_once > 0.0 { at_once } else { 0.0 }, self.base), waiting(one), waiting(other)]
    }

    /// Mean of all requests.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.base.mean + self.waits.iter().map(|(share, wait)| share * wait.mean).sum::<f64>()
    }

    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        self.shapes().within(time)
    }

    /// The time that `share` of requests keep within.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        self.shapes().quantile(Share::of(share))
    }

    /// The distributions that it is made of, for several questions about it.
    #[must_use]
    pub fn shapes(&self) -> Shapes {
        Shapes::of(self)
    }
}
