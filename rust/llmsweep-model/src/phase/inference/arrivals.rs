//! Open loop: requests arrive at a rate, whatever runs.
use super::first_token::unhindered;
use super::lengths::Prompt;
use super::queue::{all_taken, settle, wait_for_place, wait_of_late};
use super::steady::Steady;
use super::step::{Pace, TokenTerms, pace};
use super::{InferenceSetup, Replica, Request, Room, ServingMode, Tables};
use crate::distribution::{Cumulants, Mixture};
use crate::quantity::Seconds;
use crate::reject::Reject;

/// Largest share of a disturbance that feeds back: beyond, the linear picture ends.
const MOST_FED_BACK: f64 = 0.9;

/// A replica in balance with its share of the arrivals; `overloaded` where there is no balance.
///
/// Prefills come first and in the order of arrival, decode steps take what they leave: with `ρ = λ·P/p` of the time for prefills a token
/// takes `t/(1 − ρ)`.
pub(super) fn open_loop(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    (request, room): (&Request, &Room),
) -> Result<Steady, Reject> {
    if setup.mode == ServingMode::Static {
        return Err(Reject::StaticArrivals);
    }
    let rate = setup.arrival_rate / f64::from(setup.data);
    let slots = room.requests().min(setup.max_batch);
    let full = pace(replica, tables, setup, request, slots);
    let work = full.stall.mean() + full.terms.undisturbed() * (setup.output_tokens / slots);
    let capacity = 1.0 / work.0;
    if rate >= capacity {
        return Err(Reject::Overloaded);
    }
    let batch = settle(slots, rate * setup.output_tokens, |running| {
        pace(replica, tables, setup, request, running).terms.total().0
    });
    let (low, high) =
        (pace(replica, tables, setup, request, batch.low), pace(replica, tables, setup, request, batch.high));
    let Pace { prefill, prompt, gathering, .. } = low;
    let gathering = gathering * (1.0 - batch.share) + high.gathering * batch.share;
    let stall = low.stall.towards(&high.stall, batch.share);
    let running = batch.batch();
    let (low, high) = (low.terms, high.terms);
    let terms = low.towards(&high, batch.share);
    let apart = batch.high - batch.low;
    let slope = if apart > 0.0 { (high.undisturbed() - low.undisturbed()).0 / apart } else { 0.0 };
    let load = rate / capacity;
    let alone = unhindered(replica.engine, &terms, prefill, setup) + gathering;
    let base = Cumulants { mean: alone.0, ..prompt.cumulants() };
    let waits = Waits { rate, capacity, load, slots, running };
    let times = waits.times(base, &terms, &stall, setup);
    Ok(Steady {
        running,
        saturated: running >= slots,
        own: alone,
        ttft: Seconds(times.mean()),
        times,
        noise: noise(rate, &stall, terms.undisturbed().0, slope, setup.output_tokens - 1.0),
        stall,
        terms,
        prefill,
        requests_per_s: setup.arrival_rate,
        capacity,
    })
}

/// What arrivals wait for.
struct Waits {
    rate: f64,
    capacity: f64,
    load: f64,
    slots: f64,
    running: f64,
}

impl Waits {
    /// The step that runs is finished first; then those that found a place wait for the prefills before theirs, the others for a place.
    ///
    /// Without the places this is a queue with two priorities that do not interrupt each other (Cobham 1954, doi:10.1287/opre.2.1.70). A step
    /// runs, where no prefill does, unless no request is there: `1 − e^{−(R − 1)}` of the time. One place has no other's prefill before it.
    fn times(&self, base: Cumulants, terms: &TokenTerms, stall: &Prompt, setup: &InferenceSetup) -> Mixture {
        let step = terms.step().0;
        let stepping = 1.0 - (1.0 - self.running).exp();
        let residual = Cumulants::of_moments(
            stepping * step / 2.0,
            stepping * step * step / 3.0,
            stepping * step * step * step / 4.0,
        );
        let moments = stall.moments();
        let held = base.mean + terms.total().0 * (setup.output_tokens - 1.0);
        let varied = base.variance + setup.answer().variance * terms.total().0 * terms.total().0;
        let crowded = all_taken(self.slots, self.load);
        let behind = (1.0 - crowded) * self.rate * moments[0] * (1.0 - 1.0 / self.slots);
        Mixture {
            base: base.plus(residual),
            waits: [
                (behind, wait_of_late(self.rate, moments)),
                (crowded, wait_for_place(self.capacity, self.load, varied / (held * held))),
            ],
        }
    }
}

/// How an answer's time varies with those that arrive around it.
///
/// Its steps and the prefills that come between them, and between those, are a delay busy period (Conway, Maxwell and Miller 1967, Theory of
/// Scheduling, section 8-4): of a delay `d` it has the variance `λ·E[P²]·d/(1 − ρ)³`. Arrivals slow the steps of those that run too: one that
/// overlaps with a share `1 − |x|` of the answer adds that share of `slope` to each step, and what steps last longer brings more of them, a
/// share ε of what brought it. Its own prefill and that come together: `∫(P + b·(1 − |x|))² = P² + P·b + ⅔·b²`.
fn noise(rate: f64, stall: &Prompt, step: f64, slope: f64, steps: f64) -> Cumulants {
    let [first, second, third, _] = stall.moments();
    let left = 1.0 - rate * first;
    let delay = steps * step;
    let others = rate * delay / left;
    let alone = rate * second * delay / (left * left * left);
    let skewed = delay * (rate * third + 3.0 * rate * rate * second * second / left) / (left * left * left * left);
    let bend = slope * steps;
    let fed_back = (others * slope / step).min(MOST_FED_BACK);
    let crowd = others / (left * left) * bend * (first + bend * (2.0 / 3.0)) / (1.0 - fed_back);
    let variance = alone + crowd;
    // The skewness of the busy period stands for both.
    let scale = if alone > 0.0 { (variance / alone).powf(1.5) } else { 0.0 };
    Cumulants { mean: 0.0, variance, third: skewed * scale }
}
