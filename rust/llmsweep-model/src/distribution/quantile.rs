//! Quantiles of a mixture.
#![allow(clippy::inline_always, reason = "a call in a loop over lanes would take them one by one")]
#![allow(clippy::needless_bitwise_bool, reason = "no branch on one side of a condition alone")]
use super::normal::{Share, rough_quantile};
use super::shape::Beyond;
use super::{Mixture, Shape};
use crate::elementary::ln;

/// The distributions of a mixture, each with its share of the requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shapes(pub(super) [(f64, Shape); 3]);

/// Steps of the search: two or three where the tail is smooth. In each either what was missed or what is left gets half as much.
pub(super) const STEPS: usize = 120;
/// Precision of that search, in parts of the requests that take longer.
const PRECISION: f64 = 1e-4;
/// Relative width at which a time is found: narrower than any distribution that is not a point.
const WIDTH: f64 = 1e-10;

/// How far the search for a quantile is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    /// The quantile, once it is found.
    pub(super) time: f64,
    /// It is not below.
    pub(super) low: f64,
    /// It is not beyond.
    pub(super) high: f64,
    /// By how much the last time was missed: the logarithm of the requests that take longer, over those asked for.
    pub(super) missed: f64,
    /// Whether it is found.
    pub(super) found: bool,
}

/// Between what a quantile is.
#[derive(Clone, Copy)]
struct Bounds {
    /// The least of the distributions' own quantiles.
    low: f64,
    /// The largest of them: that of all together is not beyond either.
    high: f64,
    /// The latest time at which one distribution alone has as many requests that take longer.
    slowest: f64,
}

impl Bounds {
    /// With another distribution, and its part of the requests.
    #[inline(always)]
    fn with(self, (part, shape): (f64, Shape), share: Share) -> Self {
        let longer = 1.0 - share.share;
        let own = shape.at(share.z);
        let alone = shape.at(rough_quantile(1.0 - longer / part));
        Self {
            low: if (part > 0.0) & (own < self.low) { own } else { self.low },
            high: if (part > 0.0) & (own > self.high) { own } else { self.high },
            slowest: if (part > longer) & (alone > self.slowest) { alone } else { self.slowest },
        }
    }
}

impl Shapes {
    /// Of a mixture.
    #[inline]
    pub(super) fn of(mixture: &Mixture) -> Self {
        Self(mixture.parts().map(|(share, times)| (share, Shape::of(&times))))
    }

    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        self.0.iter().map(|(share, shape)| if *share > 0.0 { share * shape.within(time) } else { 0.0 }).sum()
    }

    /// Of the requests that take longer than a time.
    #[inline(always)]
    fn beyond(&self, time: f64) -> Beyond {
        let [at_once, one, other] = self.0;
        let of = |(share, shape): (f64, Shape)| shape.beyond(time).times(share);
        of(at_once).plus(of(one)).plus(of(other))
    }

    /// The time that a share of requests keeps within.
    ///
    /// Halley's method on the logarithm of the share that takes longer, which is all but straight in a tail. It starts where that share would be
    /// that of the slowest distribution alone, which is hardly too late. Where it leads astray, the time between the bounds is halved; they begin as
    /// the distributions' own quantiles.
    ///
    /// ```
    /// # use llmsweep_model::distribution::{Cumulants, Mixture, Share};
    /// // Half of the requests wait for an exponential time: one in a hundred longer than ln 50.
    /// let waits = [(0.5, Cumulants::exponential(1.0)), (0.0, Cumulants::default())];
    /// let shapes = Mixture { base: Cumulants::certain(0.0), waits }.shapes();
    /// assert!((shapes.quantile(Share::of(0.99)) / 50.0_f64.ln() - 1.0).abs() < 0.04);
    /// assert_eq!(shapes.quantile(Share::of(0.4)), 0.0);
    /// ```
    #[must_use]
    pub fn quantile(&self, share: Share) -> f64 {
        let mut search = self.start(share);
        for step in 0..STEPS {
            if search.found {
                return search.time;
            }
            search = self.step(search, share, step);
        }
        search.time
    }

    /// Where to begin. All at once are the fastest and, where they take the same time, the least that anybody takes.
    #[inline(always)]
    pub(super) fn start(&self, share: Share) -> Search {
        let [(at_once, fastest), one, other] = self.0;
        let own = fastest.at(share.z);
        let least = if fastest.is_certain() { own } else { f64::NEG_INFINITY };
        let bounds = Bounds { low: f64::INFINITY, high: f64::NEG_INFINITY, slowest: least };
        let bounds = bounds.with((at_once, fastest), share).with(one, share).with(other, share);
        let low = if bounds.low > least { bounds.low } else { least };
        let late = if bounds.slowest > low { bounds.slowest } else { low };
        let known = (bounds.slowest > f64::NEG_INFINITY) & (late < bounds.high);
        let time = if known { late } else { bounds.high };
        let found = (fastest.is_certain() & (share.share <= at_once)) | (at_once >= 1.0);
        Search { time: if found { own } else { time }, low, high: bounds.high, missed: f64::INFINITY, found }
    }

    /// One step further, if it is not found yet. Without it in the last one, the upper bound is what is known.
    #[inline(always)]
    pub(super) fn step(&self, search: Search, share: Share, step: usize) -> Search {
        let longer = 1.0 - share.share;
        let Search { time, low, high, .. } = search;
        let Beyond { tail, density, slope } = self.beyond(time);
        let missed = ln(tail / longer);
        let low = if missed > 0.0 { time } else { low };
        let high = if missed > 0.0 { high } else { time };
        let hit = missed.abs() <= PRECISION;
        let hazard = density / tail;
        let next = time + missed / (hazard + missed * (slope / density + hazard) / 2.0);
        let straight = (missed.abs() <= search.missed.abs() / 2.0) & (low < next) & (next < high);
        let narrow = !straight & (high - low <= WIDTH * high.abs());
        let middle = 0.5 * (low + high);
        let halved = if narrow | (step + 1 == STEPS) { high } else { middle };
        let moved = if straight { next } else { halved };
        let done = search.found;
        Search { time: if hit | done { time } else { moved }, low, high, missed, found: hit | narrow | done }
    }
}

#[cfg(test)]
mod tests {
    use super::PRECISION;
    use crate::distribution::{Cumulants, Mixture};

    /// As many requests take longer as were asked for, but where a share falls on a time that many take.
    fn keeps_within(mixture: &Mixture) {
        for share in [0.01, 0.5, 0.9, 0.99, 0.9999] {
            let time = mixture.quantile(share);
            let beside = time.abs() * 1e-7 + 1e-12;
            let (before, after) = (mixture.within(time - beside), mixture.within(time + beside));
            let error = PRECISION * (1.0 - share) + 1e-6;
            // Requests that wait are never faster than those that all take the same time, whatever the normal distribution says.
            let least = mixture.base.variance <= 0.0 && time <= mixture.base.mean;
            assert!(
                (before <= share + error || least) && after >= share - error,
                "{mixture:?} keeps {before} to {after} within {time}, not {share}"
            );
        }
    }

    #[test]
    fn mixtures_of_every_sort_of_shape() {
        let shapes = [
            Cumulants::certain(0.0),
            Cumulants::certain(3.0),
            Cumulants::uniform(2.0),
            Cumulants::exponential(0.01),
            Cumulants::exponential(5.0),
            Cumulants::gamma(9.0, 40.0),
            Cumulants::lognormal(1.0, 2.0),
        ];
        let parts = [0.0, 1e-6, 0.01, 0.3, 0.5, 0.9];
        for base in shapes {
            for one in shapes {
                for other in shapes {
                    for first in parts {
                        for second in parts {
                            let waits = [(first, one), (second * (1.0 - first), other)];
                            keeps_within(&Mixture { base, waits });
                        }
                    }
                }
            }
        }
    }
}
