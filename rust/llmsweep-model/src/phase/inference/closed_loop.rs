//! Requests that go round between prefill ranks and decode slots, as many at any time.
use crate::quantity::Seconds;

/// Rounds of the fixed point; each halves the error, and what is left is below a thousandth of the wait.
const ROUNDS: usize = 24;

/// A closed network of two stations: prefill ranks, each with a queue of its own, and everything else, where nobody waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosedLoop {
    /// Requests in the loop.
    pub requests: f64,
    /// Ranks among which they are spread.
    pub ranks: f64,
    /// Ranks of one worker: they start their steps together, since they share experts.
    pub lockstep: f64,
    /// Time that a rank is busy with one request.
    pub service: Seconds,
    /// Time that a request spends outside the queue and the service.
    pub rest: Seconds,
}

impl ClosedLoop {
    /// Mean wait for a prefill rank.
    ///
    /// Mean value analysis (Reiser and Lavenberg, J. ACM 27, 1980) with Schweitzer's estimate of what an arriving request sees, the
    /// queue of the same loop scaled by `(N − 1)/N`, and the residual service of a server whose times do not vary, half of one:
    /// `W = S·(Q − U)·(N − 1)/N + b·S/2`, `X = N/(S + W + rest)`, `Q = X·(S + W)/k`, `U = X·S/k`. `b` is the probability that the
    /// worker is amid a step, `1 − (1 − U)^lockstep`. The wait is never below that of the bottleneck, `N·S/k − S − rest` (Denning and
    /// Buzen 1978).
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::closed_loop::ClosedLoop;
    /// # use llmsweep_model::quantity::Seconds;
    /// let full = ClosedLoop { requests: 100.0, ranks: 1.0, lockstep: 1.0, service: Seconds(1.0), rest: Seconds(19.0) };
    /// assert_eq!(full.wait(), Seconds(80.0));
    /// let idle = ClosedLoop { requests: 1.0, ..full };
    /// assert_eq!(idle.wait(), Seconds(0.0));
    /// ```
    #[must_use]
    pub fn wait(&self) -> Seconds {
        let Self { requests, ranks, lockstep, service, rest } = *self;
        let seen = (requests - 1.0).max(0.0) / requests;
        if seen <= 0.0 || service.0 <= 0.0 {
            return Seconds::ZERO;
        }
        let (mut queue, mut busy, mut wait) = (0.0_f64, 0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            let stepping = if lockstep > 1.0 { 1.0 - (1.0 - busy * seen).powf(lockstep) } else { busy * seen };
            wait = service.0 * ((queue - busy).max(0.0) * seen + stepping / 2.0);
            let rate = (requests / (service.0 + wait + rest.0)).min(ranks / service.0);
            queue = queue.midpoint(rate * (service.0 + wait) / ranks);
            busy = busy.midpoint(rate * service.0 / ranks);
        }
        let bottleneck = requests * service.0 / ranks - service.0 - rest.0;
        Seconds(wait.max(bottleneck))
    }
}
