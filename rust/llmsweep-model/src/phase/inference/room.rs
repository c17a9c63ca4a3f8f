//! Room for requests beside the weights.
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
        let Replica { shape, work, device, engine, stages } = *replica;
        let memory: Bytes = device.device.accelerator.memory;
        let answer = setup.held_answer();
        let prompt = setup.held_prompt();
        let full_context = prompt + answer;
        let half_block = (engine.block_tokens - 1.0) / 2.0;
        let reserved = prompt + engine.output_reserved * answer;
        let mut tightest: Option<Self> = None;
        for stage in stages {
            let weights = work.stage_weights(shape, stage);
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
            let request = work.stage_cache(stage, reserved + half_block);
            let full_request = work.stage_cache(stage, full_context + half_block);
            let room = Self { weights, cache, request, full_request, reserve, usable };
            let longest = if setup.varies() { work.stage_cache(stage, setup.longest() + half_block) } else { 0.0 };
            if room.full_request.max(longest) > room.cache {
                return Err(Reject::CacheDoesNotFit);
            }
            if tightest.is_none_or(|other| room.requests() < other.requests()) {
                tightest = Some(room);
            }
        }
        tightest.ok_or(Reject::PipelineTooDeep)
    }

    /// Requests that the engine admits together.
    #[must_use]
    pub fn requests(&self) -> f64 {
        if self.request > 0.0 { whole(self.cache / self.request).max(1.0) } else { f64::INFINITY }
    }

    /// Requests of full length that fit together.
    #[must_use]
    pub fn full_requests(&self) -> f64 {
        if self.full_request > 0.0 { whole(self.cache / self.full_request) } else { f64::INFINITY }
    }
}

/// The whole part of a number of at least zero, without the call that `floor` is on old processors.
fn whole(number: f64) -> f64 {
    number as u64 as f64
}
