//! Queues of requests that arrive at random (a Poisson process): for the prefill, and for a place among the running requests.
use crate::distribution::Cumulants;

/// Steps of batch between which the step's time is taken as linear, for each doubling.
const STEPS_PER_DOUBLING: f64 = 16.0;

/// Wait for a single server of those that find it busy, as they do with probability `rate · E[S]`: M/G/1 in the order of arrival.
///
/// `service` are the first four moments of the service time. Takács's recurrence (1962, Operations Research 10; Kleinrock 1975, Queueing
/// Systems I, section 5.7): `E[Wⁿ] = λ/(1 − ρ) · Σᵢ C(n, i)·E[Sⁱ⁺¹]/(i + 1)·E[Wⁿ⁻ⁱ]`, of which the mean is Pollaczek and Khinchine's
/// `λ·E[S²]/2/(1 − ρ)`.
///
/// ```
/// # use llmsweep_model::phase::inference::queue::wait_of_late;
/// // One second each, one request in two seconds: ρ/2/(1 − ρ) on average, over the half that waits.
/// let wait = wait_of_late(0.5, [1.0; 4]);
/// assert!((wait.mean * 0.5 - 0.5).abs() < 1e-12);
/// // Exponential service: the wait is exponential.
/// let wait = wait_of_late(0.5, [1.0, 2.0, 6.0, 24.0]);
/// assert!((wait.mean - 2.0).abs() < 1e-12 && (wait.variance - 4.0).abs() < 1e-12 && (wait.third - 16.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn wait_of_late(rate: f64, service: [f64; 4]) -> Cumulants {
    let busy = rate * service[0];
    if busy <= 0.0 {
        return Cumulants::default();
    }
    let factor = rate / (1.0 - busy);
    let first = factor * service[1] / 2.0;
    let second = factor * (service[1] * first + service[2] / 3.0);
    let third = factor * (1.5 * service[1] * second + service[2] * first + service[3] / 4.0);
    Cumulants::of_moments(first / busy, second / busy, third / busy)
}

/// Probability that all of `slots` places are taken at a load (arrivals over what the places can serve): Sakasegawa's closed form of Erlang C
/// (1977, An approximation formula L_q ≈ α·ρ^β/(1 − ρ), Annals of the Institute of Statistical Mathematics 29), exact for one place.
///
/// ```
/// # use llmsweep_model::phase::inference::queue::all_taken;
/// assert!((all_taken(1.0, 0.8) - 0.8).abs() < 1e-12);
/// // Erlang C of 10 servers at 0.8 is 0.409.
/// assert!((all_taken(10.0, 0.8) - 0.409).abs() < 0.05);
/// ```
#[must_use]
pub fn all_taken(slots: f64, load: f64) -> f64 {
    load.powf((2.0 * (slots + 1.0)).sqrt() - 1.0)
}

/// Wait for a place of those that find all taken: exponential (exact for M/M/c) with Allen and Cunneen's factor for other service times
/// (Allen 1990, Probability, Statistics and Queueing Theory, section 5.3.7). `capacity` is of all places together; `variation` the squared
/// coefficient of variation of the time that a place is held.
#[must_use]
pub fn wait_for_place(capacity: f64, load: f64, variation: f64) -> Cumulants {
    Cumulants::exponential(f64::midpoint(1.0, variation) / (capacity * (1.0 - load)))
}

/// A batch between two whole ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// The smaller batch.
    pub low: f64,
    /// The larger one.
    pub high: f64,
    /// How far from the one to the other.
    pub share: f64,
}

impl Between {
    /// The batch.
    #[must_use]
    pub fn batch(&self) -> f64 {
        self.low + (self.high - self.low) * self.share
    }
}

/// The batch that a request runs in: itself, and by Little's law (1961, doi:10.1287/opre.9.3.383) those that arrive while it runs,
/// `R = 1 + load·t(R)`, at most `limit`.
///
/// An arrival finds what a random moment finds (Wolff 1982, doi:10.1287/opre.30.2.223), so the others are not fewer for its being there.
/// Batches asked for are powers of two and sixteenths between them, the same for all rates.
///
/// ```
/// # use llmsweep_model::phase::inference::queue::settle;
/// // A step of 10 ms and 1 ms per request, 100 per unit of load: R = 1 + 100·(0.01 + 0.001·R).
/// let batch = settle(64.0, 100.0, |batch| 0.01 + 0.001 * batch).batch();
/// assert!((batch - 2.0 / 0.9).abs() < 1e-9);
/// ```
#[must_use]
pub fn settle(limit: f64, load: f64, mut step: impl FnMut(f64) -> f64) -> Between {
    let mut wants = |batch: f64| 1.0 + load * step(batch) - batch;
    let (mut low, mut more) = (1.0, wants(1.0));
    if limit <= 1.0 || more <= 0.0 {
        return Between { low, high: low, share: 0.0 };
    }
    let (mut high, mut less) = (2.0_f64.min(limit), wants(2.0_f64.min(limit)));
    while less > 0.0 && high < limit {
        (low, more) = (high, less);
        high = (2.0 * high).min(limit);
        less = wants(high);
    }
    if less > 0.0 {
        return Between { low: limit, high: limit, share: 0.0 };
    }
    while high - low > (low / STEPS_PER_DOUBLING).max(1.0) {
        let middle = f64::midpoint(low, high).floor();
        let excess = wants(middle);
        if excess > 0.0 {
            (low, more) = (middle, excess);
        } else {
            (high, less) = (middle, excess);
        }
    }
    Between { low, high, share: more / (more - less) }
}
