//! Room for requests beside the weights.
use super::speculation::Drafter;
use super::{InferenceSetup, Replica};
use crate::quantity::Bytes;
use crate::reject::Reject;

/// Room on the fullest device. \[B\]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Room {
    /// Weights.
    pub weights: f64,
    /// What the engine sets aside for the cache.
    pub cache: f64,
    /// Of it, what all requests have in common: their cached prefix.
    pub shared: f64,
    /// Cache of one request as the engine admits it.
    pub request: f64,
    /// Cache of one request of full length.
    pub full_request: f64,
    /// Activations, graphs, buffers.
    pub reserve: f64,
    /// What the engine may use of the device.
    pub usable: f64,
}

impl Room {
    /// Of the stage with the fewest requests.
    pub fn of(replica: &Replica, setup: &InferenceSetup) -> Result<Self, Reject> {
        let Replica { shape, work, device, engine, stages, .. } = *replica;
        let memory: Bytes = device.device.accelerator.memory;
        let full_context = setup.input_tokens + setup.output_tokens;
        let half_block = (engine.block_tokens - 1.0) / 2.0;
        let reserved = setup.input_tokens + engine.output_reserved * setup.output_tokens;
        let shared_tokens = setup.prefix.shared(setup.input_tokens);
        let mut tightest: Option<Self> = None;
        for stage in stages {
            let drafter = replica.drafter.filter(|_| stage.last);
            let weights = work.stage_weights(shape, stage) + drafter.map_or(0.0, Drafter::weights);
            let held = |tokens| work.stage_cache(stage, tokens) + drafter.map_or(0.0, |drafter| drafter.cache(tokens));
            let reserve = engine.reserve.0;
            let (cache, usable) = if engine.fraction_of_free {
                let free = memory.0 - weights - reserve;
                (engine.memory_fraction * free, weights + reserve + engine.memory_fraction * free.max(0.0))
            } else {
                let usable = engine.memory_fraction * memory.0;
                (usable - weights - reserve, usable)
            };
            if cache <= 0.0 {
                return Err(Reject::WeightsDoNotFit);
            }
            let request = held(reserved - shared_tokens + half_block);
            let full_request = held(full_context - shared_tokens + half_block);
            let shared = if shared_tokens > 0.0 { held(shared_tokens) } else { 0.0 };
            let room = Self { weights, cache, shared, request, full_request, reserve, usable };
            if room.full_request > room.own() {
                return Err(Reject::CacheDoesNotFit);
            }
            if tightest.is_none_or(|other| room.requests() < other.requests()) {
                tightest = Some(room);
            }
        }
        tightest.ok_or(Reject::PipelineTooDeep)
    }

    /// Room for what requests do not have in common. \[B\]
    #[must_use]
    pub fn own(&self) -> f64 {
        self.cache - self.shared
    }

    /// Requests that the engine admits together.
    #[must_use]
    pub fn requests(&self) -> f64 {
        if self.request > 0.0 { whole(self.own() / self.request).max(1.0) } else { f64::INFINITY }
    }

    /// Requests of full length that fit together.
    #[must_use]
    pub fn full_requests(&self) -> f64 {
        if self.full_request > 0.0 { whole(self.own() / self.full_request) } else { f64::INFINITY }
    }

    /// Memory used by so many requests. \[B\]
    #[must_use]
    pub fn used(&self, running: f64) -> f64 {
        self.weights + self.reserve + self.shared + running * self.full_request.min(self.own() / running)
    }
}

/// The whole part of a number of at least zero, without the call that `floor` is on old processors.
fn whole(number: f64) -> f64 {
    number as u64 as f64
}
