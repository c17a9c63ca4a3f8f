//! The time to the first token.
use super::step::TokenTerms;
use super::{InferenceSetup, Replica, ServingMode};
use crate::quantity::Seconds;

/// Time to the first token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FirstToken {
    /// Without the wait for other requests.
    pub(super) alone: Seconds,
    /// With the opening burst and queueing for steps.
    pub(super) contended: Seconds,
}

/// `P + t_decode + h + h_l·L + w_b·(R − 1)/2·P/10 + w_q·ρ/(1 − ρ)·P/2`, with `ρ = (R − 1)·P/e2e`.
///
/// A closed loop opens with a burst of `R` prefills, of which each request sees half, spread over ten requests per slot. A static batch is
/// timed inside the engine: its prefill gives the first token; the server's fixed time and the wait for others are not in it.
pub(super) fn first_token(
    replica: &Replica,
    terms: &TokenTerms,
    prefill: Seconds,
    setup: &InferenceSetup,
    running: f64,
) -> FirstToken {
    let Replica { shape, work, engine, .. } = *replica;
    if setup.mode == ServingMode::Static {
        let alone = prefill + terms.host;
        return FirstToken { alone, contended: alone };
    }
    let layers = f64::from(shape.layers());
    let fixed =
        engine.first_token + engine.first_token_layer * layers + engine.first_token_expert_layer * work.expert_layers;
    let alone = prefill + terms.step() + fixed;
    let others = prefill * (running - 1.0).max(0.0);
    let busy = others / (prefill + terms.step() * setup.output_tokens + others);
    let burst = others * (engine.burst_weight / 2.0 / engine.burst_requests);
    let queue = prefill * (engine.queue_weight * busy / (1.0 - busy) / 2.0);
    FirstToken { alone, contended: alone + burst + queue }
}
