//! Quantiles of a mixture.
use super::Shape;
use super::normal::{Share, rough_quantile};
use super::shape::Beyond;

/// The distributions of a mixture, each with its share of the requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shapes(pub(super) [(f64, Shape); 3]);

/// Steps of the search: two or three where the tail is smooth; where it is not, every third one halves what is left.
const STEPS: usize = 120;
/// Precision of that search, in parts of the requests that take longer.
const PRECISION: f64 = 1e-4;
/// Relative width at which a time is found: narrower than any distribution that is not a point.
const WIDTH: f64 = 1e-10;

impl Shapes {
    /// The share of requests that keep within a time.
    #[must_use]
    pub fn within(&self, time: f64) -> f64 {
        self.0.iter().map(|(share, shape)| if *share > 0.0 { share * shape.within(time) } else { 0.0 }).sum()
    }

    fn met(&self) -> impl Iterator<Item = &(f64, Shape)> {
        self.0.iter().filter(|(share, _)| *share > 0.0)
    }

    /// Of the requests that take longer than a time.
    fn beyond(&self, time: f64) -> Beyond {
        self.met().fold(Beyond::default(), |sum, (share, shape)| {
            let own = shape.beyond(time);
            Beyond {
                tail: sum.tail + share * own.tail,
                density: sum.density + share * own.density,
                slope: sum.slope + share * own.slope,
            }
        })
    }

    /// The time that a share of requests keeps within.
    ///
    /// Halley's method on the logarithm of the share that takes longer, which is all but straight in a tail. It starts where that share would be
    /// that of the slowest distribution alone, which is hardly too late. Where it leads astray, halving goes on between the distributions' own
    /// quantiles.
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
        let least = match self.0[0] {
            // Requests that do not wait are the fastest, and take the same time.
            (at_once, Shape::Point(point)) if share.share <= at_once => return point,
            (_, Shape::Point(point)) => point,
            _ => f64::NEG_INFINITY,
        };
        if self.0[0].0 >= 1.0 {
            return self.0[0].1.at(share.z);
        }
        let longer = 1.0 - share.share;
        let alone = |&(part, shape): &(f64, Shape)| shape.at(rough_quantile(1.0 - longer / part));
        let slow = self.met().filter(|(part, _)| *part > longer).map(alone);
        let mut time = slow.fold(least, f64::max);
        let (mut low, mut high, mut bracketed) = (least, f64::INFINITY, false);
        if time == f64::NEG_INFINITY {
            (low, high) = self.bracket(share);
            (time, bracketed) = (high, true);
        }
        for step in 0..STEPS {
            let Beyond { tail, density, slope } = self.beyond(time);
            let missed = (tail / longer).ln();
            (low, high) = if missed > 0.0 { (time, high) } else { (low, time) };
            if missed.abs() <= PRECISION {
                return time;
            }
            let hazard = density / tail;
            let next = time + missed / (hazard + missed * (slope / density + hazard) / 2.0);
            if step % 3 < 2 && low < next && next < high {
                time = next;
                continue;
            }
            if !bracketed {
                let (least, most) = self.bracket(share);
                (low, high, bracketed) = (low.max(least), high.min(most), true);
            }
            if high - low <= WIDTH * high.abs() {
                return high;
            }
            time = f64::midpoint(low, high);
        }
        high
    }

    /// The least and the largest of the distributions' own quantiles: that of all together is not beyond either.
    fn bracket(&self, share: Share) -> (f64, f64) {
        self.met()
            .map(|(_, shape)| shape.at(share.z))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| (low.min(time), high.max(time)))
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
