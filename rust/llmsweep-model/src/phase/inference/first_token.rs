//! The time to the first token.
use super::step::{Pace, TokenTerms};
use super::{InferenceSetup, ServingMode};
use crate::distribution::{Cumulants, Mixture};
use crate::quantity::Seconds;
use crate::system::ServingEngine;

/// Time to the first token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FirstToken {
    /// Without the wait for other requests.
    pub(super) alone: Seconds,
    /// With the opening burst and queueing for steps.
    pub(super) contended: Seconds,
    /// How it varies.
    pub(super) times: Mixture,
}

/// `P + h + (n + w_i·(i − 1))·TPOT`: a request passes n decode steps on its way through the engine, and waits for the engine's next look at its
/// queue where that comes every i steps. A static batch is timed inside the engine: its prefill gives the first token.
pub(super) fn unhindered(
    engine: &ServingEngine,
    terms: &TokenTerms,
    prefill: Seconds,
    setup: &InferenceSetup,
) -> Seconds {
    match setup.mode {
        ServingMode::Static => prefill + terms.host * terms.tokens,
        ServingMode::Continuous | ServingMode::Disaggregated => {
            let steps = engine.first_token_steps + engine.admission_share * (setup.admission_interval - 1.0);
            prefill + engine.first_token + terms.total() * steps
        }
    }
}

/// That, `+ (R − 1)/2·P/n + w_q·ρ/(1 − ρ)·P/2`, with `ρ = (R − 1)·P/(P + t·s_out + (R − 1)·P)`, n the engine's `burst_requests`.
///
/// A closed loop opens with a burst of `R` prefills, of which each request sees half, spread over n requests per slot.
///
/// From request to request: one in n is of the burst, and waits for any number of its prefills alike; of the others a share ρ queues, for
/// an exponential time.
pub(super) fn first_token(engine: &ServingEngine, pace: &Pace, setup: &InferenceSetup, running: f64) -> FirstToken {
    let Pace { terms, prompt, .. } = pace;
    let prefill = pace.prefill;
    let alone = unhindered(engine, terms, prefill, setup) + pace.gathering;
    if setup.mode == ServingMode::Static {
        return FirstToken { alone, contended: alone, times: Mixture::certain(alone.0) };
    }
    let base = Cumulants { mean: alone.0, ..prompt.cumulants() };
    let others = prefill * (running - 1.0).max(0.0);
    if others <= Seconds::ZERO {
        return FirstToken { alone, contended: alone, times: Mixture { base, ..Mixture::default() } };
    }
    let [first, second, _, _] = prompt.moments();
    let busy = others / (prefill + terms.undisturbed() * setup.output_tokens + others);
    let burst = others * (0.5 / engine.burst_requests);
    let queue = prefill * (engine.queue_weight * busy / (1.0 - busy) / 2.0) * (second / (first * first));
    let opening = (1.0 / engine.burst_requests).min(1.0);
    let late = (1.0 - opening) * busy;
    let waits = [
        (opening, Cumulants::uniform(2.0 * burst.0 / opening)),
        (late, Cumulants::exponential(if late > 0.0 { queue.0 / late } else { 0.0 })),
    ];
    FirstToken { alone, contended: alone + burst + queue, times: Mixture { base, waits } }
}
