//! Random times: what is known of a sum of them, and the share of requests that stay below a limit.
//!
//! Independent times add by their cumulants. A time is then given the three-parameter lognormal with its mean, variance and third cumulant
//! (Aitchison and Brown 1957, The Lognormal Distribution, chapter 6): exact for lognormal times, and within 3 % of the tail of an exponential.
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Below this skewness a time is taken as normal: the lognormal's shift would lose its digits.
const SYMMETRIC: f64 = 1e-4;

/// Coefficient of variation beyond which a lognormal that is shifted below zero would have its median there: it is not shifted then.
const WIDE: f64 = 2.0;

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
        Shape::of(self).at(normal_quantile(share))
    }

    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        Shape::of(self).within(time)
    }
}

/// A distribution with given cumulants.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Point(f64),
    Normal { mean: f64, deviation: f64 },
    Lognormal { shift: f64, log_mean: f64, log_deviation: f64 },
}

impl Shape {
    /// With c = deviation / (mean − shift) the skewness is c³ + 3c = γ, which c = u − 1/u solves, u³ = γ/2 + √(1 + γ²/4) (Cardano).
    fn of(cumulants: &Cumulants) -> Self {
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

    fn within(&self, time: f64) -> f64 {
        match *self {
            Self::Point(point) => f64::from(u8::from(time >= point)),
            Self::Normal { mean, deviation } => normal((time - mean) / deviation),
            Self::Lognormal { shift, .. } if time <= shift => 0.0,
            Self::Lognormal { shift, log_mean, log_deviation } => {
                normal(((time - shift).ln() - log_mean) / log_deviation)
            }
        }
    }

    /// The quantile where the standard normal's is `z`.
    fn at(&self, z: f64) -> f64 {
        match *self {
            Self::Point(point) => point,
            Self::Normal { mean, deviation } => mean + deviation * z,
            Self::Lognormal { shift, log_mean, log_deviation } => shift + (log_mean + log_deviation * z).exp(),
        }
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

/// Steps of the search for a quantile: each halves what is left at least every other time.
const STEPS: usize = 60;
/// Precision of that search, in parts of the requests that take longer.
const PRECISION: f64 = 1e-4;
/// Relative width at which a time is found: narrower than any distribution that is not a point.
const WIDTH: f64 = 1e-10;

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

    /// Mean of all requests.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.base.mean + self.waits.iter().map(|(share, wait)| share * wait.mean).sum::<f64>()
    }

    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        self.shapes().iter().map(|(share, shape)| if *share > 0.0 { share * shape.within(time) } else { 0.0 }).sum()
    }

    fn shapes(&self) -> [(f64, Shape); 3] {
        let [one, other] = self.waits;
        let at_once = (1.0 - one.0 - other.0).max(0.0);
        let waiting = |(share, wait): (f64, Cumulants)| {
            let shape = if share > 0.0 { Shape::of(&self.base.plus(wait)) } else { Shape::Point(0.0) };
            (share, shape)
        };
        [(at_once, Shape::of(&self.base)), waiting(one), waiting(other)]
    }

    /// The time that `share` of requests keep within.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let shapes = self.shapes();
        let least = match shapes[0] {
            // Requests that do not wait are the fastest, and take the same time.
            (at_once, Shape::Point(point)) if share <= at_once => return point,
            (_, Shape::Point(point)) => point,
            _ => f64::NEG_INFINITY,
        };
        let met = || shapes.iter().filter(|(share, _)| *share > 0.0);
        let within = |time: f64| met().map(|(share, shape)| share * shape.within(time)).sum::<f64>() - share;
        let z = normal_quantile(share);
        let precision = PRECISION * (1.0 - share);
        let (mut low, mut high) = met()
            .map(|(_, shape)| shape.at(z))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| (low.min(time), high.max(time)));
        low = low.max(least);
        let (mut below, mut above) = (within(low), within(high));
        // False position, the end that stays weighing half (Illinois; Dowell and Jarratt 1971, doi:10.1007/BF01934364).
        if below >= -precision {
            return low;
        }
        if above <= precision {
            return high;
        }
        for _ in 0..STEPS {
            if high - low <= WIDTH * high.abs() {
                return high;
            }
            let time = (low * above - high * below) / (above - below);
            let excess = within(time);
            if excess.abs() <= precision {
                return time;
            }
            if excess < 0.0 {
                (low, below, above) = (time, excess, above / 2.0);
            } else {
                (high, above, below) = (time, excess, below / 2.0);
            }
        }
        high
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

/// Complementary error function of a number of at least zero, to 1.2e-7 of itself (Press et al. 1992, Numerical Recipes in C, section 6.2).
fn complementary_error(x: f64) -> f64 {
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
    let t = 1.0 / (1.0 + x / 2.0);
    t * (SERIES.iter().fold(0.0, |sum, term| sum * t + term) - x * x).exp()
}

/// The standard normal quantile: Hastings' approximation (Abramowitz and Stegun 1964, 26.2.23) and one step of Newton.
///
/// ```
/// # use llmsweep_model::distribution::normal_quantile;
/// assert!((normal_quantile(0.99) - 2.326_348).abs() < 1e-5 && normal_quantile(0.5).abs() < 1e-6);
/// ```
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    let tail = share.min(1.0 - share).max(f64::MIN_POSITIVE);
    let t = (-2.0 * tail.ln()).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let z = if share < 0.5 { over / under - t } else { t - over / under };
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    z - (normal(z) - share) / density
}
