//! The time to the first token.
use super::step::TokenTerms;
use super::{InferenceSetup, ServingMode};
use crate::quantity::Seconds;
use crate::system::ServingEngine;

/// Time to the first token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FirstToken {
    /// Without the wait for other requests.
    pub(super) alone: Seconds,
    /// With the opening burst and queueing for steps.
    pub(super) contended: Seconds,
}

/// `P + h + (n + w_i·(i − 1))·TPOT + (R − 1)/2·P/10 + w_q·ρ/(1 − ρ)·P/2`, with `ρ = (R − 1)·P/e2e`.
///
/// A request passes n decode steps on its way through the engine, and waits for the engine's next look at its queue where that comes every
/// i steps. A closed loop opens with a burst of `R` prefills, of which each request sees half, spread over ten requests per slot. A static
/// batch is timed inside the engine: the server's fixed time and the wait for others are not in it.
pub(super) fn first_token(
    engine: &ServingEngine,
    terms: &TokenTerms,
    prefill: Seconds,
    setup: &InferenceSetup,
    running: f64,
) -> FirstToken {
    if setup.mode == ServingMode::Static {
        let alone = prefill + terms.step();
        return FirstToken { alone, contended: alone };
    }
    let steps = engine.first_token_steps + engine.admission_share * (setup.admission_interval - 1.0);
    let alone = prefill + engine.first_token + terms.total() * steps;
    let others = prefill * (running - 1.0).max(0.0);
    let busy = others / (prefill + terms.undisturbed() * setup.output_tokens + others);
    let burst = others * (0.5 / engine.burst_requests);
    let queue = prefill * (engine.queue_weight * busy / (1.0 - busy) / 2.0);
    FirstToken { alone, contended: alone + burst + queue }
}
