//! Room for requests beside the weights.
use super::speculation::Drafter;
use super::{InferenceSetup, Replica};
use crate::parallel::pipeline::StageClass;
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
    /// Of it, the activations of the largest chunk of prompts.
    pub activations: f64,
    /// What the engine may use of the device.
    pub usable: f64,
    /// Weights, and the cache that requests have in common, in the host's memory.
    pub host: f64,
    /// Cache of one request of full length in the host's memory.
    pub host_request: f64,
    /// Longest request that fits alone. \[tokens\]
    pub max_context: f64,
    /// Share of what is set aside for a request that holds no token, on average over its answer.
    pub waste: f64,
}

impl Room {
    /// Of the stage with the fewest requests.
    pub fn of(replica: &Replica, setup: &InferenceSetup) -> Result<Self, Reject> {
        let mut tightest: Option<Self> = None;
        for stage in replica.stages {
            let room = Self::of_stage(replica, setup, stage)?;
            if tightest.is_none_or(|other| room.requests() < other.requests()) {
                tightest = Some(room);
            }
        }
        let room = tightest.ok_or(Reject::PipelineTooDeep)?;
        Ok(Self { waste: Self::unused(replica, setup), ..room })
    }

    fn of_stage(replica: &Replica, setup: &InferenceSetup, stage: &StageClass) -> Result<Self, Reject> {
        let Replica { shape, work, device, engine, .. } = *replica;
        let memory: Bytes = device.device.accelerator.memory;
        let (allocator, block) = (setup.allocator, engine.block_tokens);
        let drafter = replica.drafter.filter(|_| stage.last);
        let all_weights = work.stage_weights(shape, stage) + drafter.map_or(0.0, Drafter::weights);
        let host_weights = if setup.host.weights > 0.0 { setup.host.weights * work.stage_layers(stage) } else { 0.0 };
        let weights = all_weights - host_weights;
        let activations = work.chunk_bytes_per_token * engine.max_batched_tokens;
        let reserve = engine.reserve.0.max(activations);
        let taken = engine.memory_fraction * memory.0;
        let cache = engine.cache_fraction * (taken - weights - reserve);
        if cache <= 0.0 {
            return Err(Reject::WeightsDoNotFit);
        }
        let usable = if engine.cache_fraction < 1.0 { weights + reserve + cache } else { taken };
        // What guesses keeps its cache on the device.
        let here = 1.0 - setup.host.cache;
        let guessing = |tokens| drafter.map_or(0.0, |drafter| drafter.cache(tokens));
        let shared_tokens = setup.shared_tokens();
        let (prompt, answer) = (setup.held_prompt() - shared_tokens, setup.held_answer());
        let full_context = prompt + answer;
        let reserved = prompt + engine.output_reserved * answer;
        let longest = setup.model_length();
        let at_first = allocator.tokens(reserved, full_context, longest, block);
        let at_last = allocator.tokens(full_context, full_context, longest, block);
        let full = work.stage_cache(stage, at_last);
        let prefix = if shared_tokens > 0.0 { work.stage_cache(stage, shared_tokens) } else { 0.0 };
        let room = Self {
            weights,
            cache,
            shared: prefix * here + if shared_tokens > 0.0 { guessing(shared_tokens) } else { 0.0 },
            request: work.stage_cache(stage, at_first) * here + guessing(at_first),
            full_request: full * here + guessing(at_last),
            reserve,
            activations,
            usable,
            host: host_weights + prefix * setup.host.cache,
            host_request: full * setup.host.cache,
            max_context: f64::INFINITY,
            waste: 0.0,
        };
        let long = if setup.varies() { work.stage_cache(stage, setup.longest() - shared_tokens) * here } else { 0.0 };
        if room.full_request.max(long) > room.own() {
            return Err(Reject::CacheDoesNotFit);
        }
        let own = work.growth(stage).times(here);
        let tokens = drafter.map_or(own, |drafter| own.plus(drafter.growth())).context(cache);
        let limit = f64::from(shape.max_context);
        let max_context = if tokens < f64::INFINITY { allocator.longest(tokens, block).min(limit) } else { limit };
        Ok(Self { max_context, ..room })
    }

    /// In slots for tokens: half of the answer is there on average. Nothing is set aside in vain where there are no slots.
    fn unused(replica: &Replica, setup: &InferenceSetup) -> f64 {
        let shared = setup.shared_tokens();
        let prompt = setup.held_prompt() - shared;
        let (mean, full) = (prompt + setup.held_answer() / 2.0, prompt + setup.held_answer());
        if replica.work.kv_bytes_per_token > 0.0 {
            1.0 - mean / setup.allocator.tokens(mean, full, setup.model_length(), replica.engine.block_tokens)
        } else {
            0.0
        }
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

    /// Tokens that the cache holds, those that all requests have in common once. \[tokens\]
    #[must_use]
    pub fn tokens(&self, setup: &InferenceSetup) -> f64 {
        let shared = setup.shared_tokens();
        self.full_requests() * (setup.held_prompt() + setup.held_answer() - shared) + shared
    }

    /// Memory of the host used by so many requests. \[B\]
    #[must_use]
    pub fn used_of_host(&self, running: f64) -> f64 {
        self.host + running * self.host_request
    }

    /// Memory used by so many requests. \[B\]
    #[must_use]
    pub fn used(&self, running: f64) -> f64 {
        self.weights + self.reserve + self.shared + running * self.full_request.min(self.own() / running)
    }
}

/// The whole part of a number of at least zero, without the call that `floor` is on old processors.
fn whole(number: f64) -> f64 {
    number as i64 as f64
}
