//! A replica under steady traffic: what runs, what a request waits for, and how much that varies.
use super::first_token::first_token;
use super::lengths::Prompt;
use super::step::{Pace, TokenTerms, pace};
use super::{InferenceSetup, Replica, Request, Room, ServingMode, Tables};
use crate::distribution::{Cumulants, Mixture};
use crate::quantity::Seconds;
use crate::reject::Reject;

/// One replica under its share of the traffic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steady {
    /// Requests that decode together.
    pub(super) running: f64,
    /// Whether requests wait for room.
    pub(super) saturated: bool,
    /// Time between tokens.
    pub(super) terms: TokenTerms,
    /// Prefill of one request, through all stages.
    pub(super) prefill: Seconds,
    /// How long one prefill holds up a stage.
    pub(super) stall: Prompt,
    /// First token of a request that waits for nothing.
    pub(super) own: Seconds,
    /// Time to the first token.
    pub(super) ttft: Seconds,
    /// How it varies.
    pub(super) times: Mixture,
    /// How an answer of mean length varies with those around it; without mean.
    pub(super) noise: Cumulants,
    /// Requests finished per second by all replicas.
    pub(super) requests_per_s: f64,
    /// Requests per second of this replica with all room taken; NaN where it is not asked for.
    pub(super) capacity: f64,
}

/// A closed loop: as many requests as are finished start anew.
pub(super) fn closed_loop(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    (request, room): (&Request, &Room),
) -> Result<Steady, Reject> {
    let offered = setup.concurrency / f64::from(setup.data);
    let running = match setup.mode {
        ServingMode::Continuous | ServingMode::Disaggregated => offered.min(room.requests()).min(setup.max_batch),
        ServingMode::Static if offered > room.full_requests() => return Err(Reject::BatchDoesNotFit),
        ServingMode::Static => offered,
    };
    let pace = pace(replica, tables, setup, request, running);
    let first = first_token(replica.engine, &pace, setup, running);
    let Pace { terms, prefill, stall, .. } = pace;
    let answer = terms.total() * (setup.steps(running) - 1.0);
    let active = first.alone + answer;
    let waiting = active * (offered / running - 1.0);
    let times = if offered > running {
        // Those before a request leave one by one.
        first.times.then(Cumulants::gamma(waiting.0, (offered - running).max(1.0)))
    } else {
        first.times
    };
    Ok(Steady {
        running,
        saturated: offered > running,
        terms,
        prefill,
        stall,
        own: first.alone,
        ttft: first.contended + waiting,
        times,
        noise: interruptions(&terms, &stall, setup.output_tokens - 1.0),
        requests_per_s: f64::from(setup.data) * running / active.0,
        capacity: f64::NAN,
    })
}

/// The prefills that fall into an answer, as a compound Poisson sum: its cumulants are its rate times the moments of what it sums
/// (Feller 1968, volume I, chapter XII).
fn interruptions(terms: &TokenTerms, stall: &Prompt, steps: f64) -> Cumulants {
    let [first, second, third, _] = stall.moments();
    let often = if first > 0.0 { terms.prefill.0 / first * steps } else { 0.0 };
    Cumulants { mean: 0.0, variance: often * second, third: often * third }
}
