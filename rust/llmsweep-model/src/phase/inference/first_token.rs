//! The time to the first token.
use super::lengths::Prompt;
use super::step::TokenTerms;
use super::{InferenceSetup, Replica, ServingMode};
use crate::distribution::{Cumulants, Mixture};
use crate::quantity::Seconds;

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

impl Replica<'_> {
    /// What the engine takes before the first token beside kernels.
    pub(super) fn first_token(&self) -> Seconds {
        let layers = f64::from(self.shape.layers());
        let engine = self.engine;
        engine.first_token
            + engine.first_token_layer * layers
            + engine.first_token_expert_layer * self.work.expert_layers
    }
}

/// `P + t_decode + h + h_l·L + w_b·(R − 1)/2·P/10 + w_q·ρ/(1 − ρ)·P/2`, with `ρ = (R − 1)·P/e2e`.
///
/// A closed loop opens with a burst of `R` prefills, of which each request sees half, spread over ten requests per slot. A static batch is
/// timed inside the engine: the server's fixed time and the wait for others are not in it.
///
/// From request to request: one in ten is of the burst, and waits for any number of its prefills alike; of the others a share ρ queues, for
/// an exponential time.
pub(super) fn first_token(
    replica: &Replica,
    terms: &TokenTerms,
    prefill: Seconds,
    prompt: &Prompt,
    setup: &InferenceSetup,
    running: f64,
) -> FirstToken {
    let engine = replica.engine;
    if setup.mode == ServingMode::Static {
        let alone = prefill + terms.step();
        return FirstToken { alone, contended: alone, times: Mixture::certain(alone.0) };
    }
    let alone = prefill + terms.step() + replica.first_token();
    let base = Cumulants { mean: alone.0, ..prompt.cumulants() };
    let others = prefill * (running - 1.0).max(0.0);
    if others <= Seconds::ZERO {
        return FirstToken { alone, contended: alone, times: Mixture { base, ..Mixture::default() } };
    }
    let [first, second, _, _] = prompt.moments();
    let busy = others / (prefill + terms.step() * setup.output_tokens + others);
    let burst = others * (engine.burst_weight / 2.0 / engine.burst_requests);
    let queue = prefill * (engine.queue_weight * busy / (1.0 - busy) / 2.0) * (second / (first * first));
    let opening = (1.0 / engine.burst_requests).min(1.0);
    let late = (1.0 - opening) * busy;
    let waits = [
        (opening, Cumulants::uniform(2.0 * burst.0 / opening)),
        (late, Cumulants::exponential(if late > 0.0 { queue.0 / late } else { 0.0 })),
    ];
    FirstToken { alone, contended: alone + burst + queue, times: Mixture { base, waits } }
}
