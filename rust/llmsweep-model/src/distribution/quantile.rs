//! Quantiles of a mixture.
use super::Shape;
use super::normal::{Share, rough_quantile};

/// The distributions of a mixture, each with its share of the requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shapes(pub(super) [(f64, Shape); 3]);

/// Steps of the search: two or three where the tail is smooth, and halving where it is not.
const STEPS: usize = 60;
/// How far off, in parts of the requests that take longer, a time may be from which one step more is enough: it squares what is left.
const PRECISION: f64 = 1e-3;
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

    /// The share of requests that take longer than a time, and their density there.
    fn beyond(&self, time: f64) -> (f64, f64) {
        self.met().fold((0.0, 0.0), |(tails, densities), (share, shape)| {
            let (tail, density) = shape.beyond(time);
            (tails + share * tail, densities + share * density)
        })
    }

    /// The time that a share of requests keeps within.
    ///
    /// Newton's method on the logarithm of the share that takes longer, which is all but straight in a tail. It starts where that share would be
    /// that of the slowest distribution alone, which is hardly too late, and stays between the distributions' own quantiles.
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
        let longer = 1.0 - share.share;
        let (mut low, mut high, mut time) = (f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (part, shape) in self.met() {
            let own = shape.at(share.z);
            (low, high) = (low.min(own), high.max(own));
            if *part > longer {
                time = time.max(shape.at(rough_quantile(1.0 - longer / part)));
            }
        }
        low = low.max(least);
        time = time.clamp(low.min(high), high);
        for _ in 0..STEPS {
            if high - low <= WIDTH * high.abs() {
                return high;
            }
            let (tail, density) = self.beyond(time);
            let missed = (tail / longer).ln();
            if missed > 0.0 {
                low = time;
            } else {
                high = time;
            }
            let next = time + missed * tail / density;
            let inside = low <= next && next <= high;
            if missed.abs() <= PRECISION {
                return if inside { next } else { time };
            }
            time = if inside { next } else { f64::midpoint(low, high) };
        }
        high
    }
}
