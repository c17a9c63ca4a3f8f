//! Inference, level row: room for the cache, batching, time to the first and between later tokens.
use super::inference_times::{InferenceDevice, InferenceWork, PassTime};
use super::share::{Bottleneck, KernelTime};
use crate::arch::ModelShape;
use crate::bound::least_time;
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Flops, Seconds};
use crate::reject::Reject;
use crate::system::ServingEngine;

/// How requests share the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingMode {
    /// Requests join and leave at every step; as many wait as the cache has no room for.
    Continuous,
    /// One batch is prefilled and decoded to its end before the next.
    Static,
}

impl ServingMode {
    /// Every mode with its name in specifications.
    pub const ALL: [(&'static str, Self); 2] = [("continuous", Self::Continuous), ("static", Self::Static)];
}

/// The axes of the row level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InferenceSetup {
    /// Tokens of a prompt.
    pub input_tokens: f64,
    /// Tokens of an answer.
    pub output_tokens: f64,
    /// Pipeline stages.
    pub pipeline: u32,
    /// Replicas.
    pub data: u32,
    /// Mode.
    pub mode: ServingMode,
    /// Requests in flight over all replicas.
    pub concurrency: f64,
}

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
    pub fn of(
        shape: &ModelShape,
        work: &InferenceWork,
        stages: &[StageClass],
        memory: Bytes,
        engine: &ServingEngine,
        setup: &InferenceSetup,
    ) -> Result<Self, Reject> {
        let full_context = setup.input_tokens + setup.output_tokens;
        let half_block = (engine.block_tokens - 1.0) / 2.0;
        let reserved = setup.input_tokens + engine.output_reserved * setup.output_tokens;
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
            if room.full_request > room.cache {
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

/// The terms of the time between two tokens; they add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenTerms {
    /// Kernels but the reading of the cache.
    pub kernels: KernelTime,
    /// The reading of the cache.
    pub cache: KernelTime,
    /// Tensor-parallel messages.
    pub tensor: Seconds,
    /// Expert messages.
    pub expert: Seconds,
    /// Messages between stages.
    pub pipeline: Seconds,
    /// The host's work per step.
    pub host: Seconds,
    /// Waiting for other requests' prefills.
    pub prefill: Seconds,
}

impl TokenTerms {
    /// One decode step, undisturbed.
    #[must_use]
    pub fn step(&self) -> Seconds {
        self.kernels.total() + self.cache.total() + self.tensor + self.expert + self.pipeline + self.host
    }

    /// Time between two tokens.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.step() + self.prefill
    }
}

/// Results of one setup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InferenceRow {
    /// Accelerators of all replicas.
    pub devices: f64,
    /// Memory.
    pub room: Room,
    /// Memory used at the running batch. \[B\]
    pub peak_memory: f64,
    /// Requests that decode together on one replica.
    pub running: f64,
    /// Requests of full length that all replicas hold.
    pub max_concurrency: f64,
    /// Tokens that the cache of one replica holds.
    pub kv_tokens: f64,
    /// Whether requests wait for room.
    pub saturated: bool,
    /// Prefill of one request (of the whole batch in static mode).
    pub prefill: Seconds,
    /// Time between tokens, by term.
    pub terms: TokenTerms,
    /// Time to the first token.
    pub ttft: Seconds,
    /// Time to the first token below which physics does not go.
    pub ttft_bound: Seconds,
    /// Time between tokens.
    pub tpot: Seconds,
    /// Time between tokens below which physics does not go.
    pub tpot_bound: Seconds,
    /// Request to last token.
    pub e2e: Seconds,
    /// Answered tokens per second of all replicas.
    pub tokens_per_s: f64,
    /// Requests finished per second of all replicas.
    pub requests_per_s: f64,
    /// What takes most.
    pub bottleneck: Bottleneck,
}

/// What one cell of the plan keeps between its rows: times that do not depend on all of a row's axes.
pub trait Tables {
    /// [`InferenceDevice::prefill`].
    fn prefill(&mut self, sequences: f64, input_tokens: f64) -> PassTime;
    /// [`InferenceDevice::decode`].
    fn decode(&mut self, requests: f64) -> PassTime;
    /// FLOPs of the layers for one prompt, causal, on the unsplit model: [`crate::flops::ForwardFlops::prompt`].
    fn prefill_flops(&mut self, input_tokens: f64) -> f64;
}

/// Results of a setup, or why it can't run. `stages` are those of the setup's pipeline, or why the model has none.
pub fn row(
    shape: &ModelShape,
    work: &InferenceWork,
    device: &InferenceDevice,
    engine: &ServingEngine,
    stages: Result<&[StageClass], Reject>,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    let stages = stages?;
    if setup.input_tokens + setup.output_tokens > f64::from(shape.max_context) {
        return Err(Reject::ContextTooLong);
    }
    let replicas = f64::from(setup.data);
    if work.split.expert > work.split.tensor && !(work.split.tensor * replicas % work.split.expert).eq(&0.0) {
        return Err(Reject::ExpertParallelRanks);
    }
    let offered = setup.concurrency / replicas;
    if offered < 1.0 {
        return Err(Reject::ConcurrencyBelowReplicas);
    }
    let room = Room::of(shape, work, stages, device.device.accelerator.memory, engine, setup)?;
    let running = match setup.mode {
        ServingMode::Continuous => offered.min(room.requests()),
        ServingMode::Static if offered > room.full_requests() => return Err(Reject::BatchDoesNotFit),
        ServingMode::Static => offered,
    };
    let (terms, prefill) = token_terms(shape, work, device, engine, tables, setup, running);
    let tpot = terms.total();
    let answer = tpot * (setup.output_tokens - 1.0);
    let first = first_token(shape, work, engine, &terms, prefill, setup, running);
    let active = first.alone + answer;
    let waiting = active * (offered / running - 1.0);
    let ttft = first.contended + waiting;
    let requests_per_s = replicas * running / active.0;
    let devices = work.split.tensor * f64::from(setup.pipeline) * replicas;
    Ok(InferenceRow {
        devices,
        room,
        peak_memory: room.weights + room.reserve + running * room.full_request.min(room.cache / running),
        running,
        max_concurrency: replicas * room.full_requests(),
        kv_tokens: room.full_requests() * (setup.input_tokens + setup.output_tokens),
        saturated: offered > running,
        prefill,
        terms,
        ttft,
        ttft_bound: prefill_bound(work, device, tables, setup),
        tpot,
        tpot_bound: decode_bound(shape, work, device, setup, running),
        e2e: ttft + answer,
        tokens_per_s: requests_per_s * setup.output_tokens,
        requests_per_s,
        bottleneck: bottleneck(&terms, offered > running),
    })
}

/// Time between tokens: `t_decode + (R − 1)/s_out · P`: during one answer every other slot prefills one request.
///
/// With a pipeline the running requests are cut into one group per stage; a token passes all stages in turn.
fn token_terms(
    shape: &ModelShape,
    work: &InferenceWork,
    device: &InferenceDevice,
    engine: &ServingEngine,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    running: f64,
) -> (TokenTerms, Seconds) {
    let pipeline = f64::from(setup.pipeline);
    let group = (running / pipeline).max(1.0);
    let context = setup.input_tokens + setup.output_tokens / 2.0;
    let step = tables.decode(group);
    let sequences = if setup.mode == ServingMode::Static { running } else { 1.0 };
    let prefill = tables.prefill(sequences, setup.input_tokens);
    let message = |rows: f64| {
        let bytes = Bytes(rows * f64::from(shape.hidden) * work.widths.activation);
        let fabric = &device.device.accelerator.fabric;
        device.device.collectives.point_to_point(bytes, work.split.tensor, fabric) * (pipeline - 1.0)
    };
    let interference = match setup.mode {
        ServingMode::Continuous => prefill.total() * ((running - 1.0) / setup.output_tokens / pipeline),
        ServingMode::Static => Seconds::ZERO,
    };
    let terms = TokenTerms {
        kernels: step.kernels,
        cache: device.cache_read(shape, work, group, context),
        tensor: step.tensor,
        expert: step.expert,
        pipeline: message(group),
        host: engine.host_step + engine.host_request * running,
        prefill: interference.max(Seconds::ZERO),
    };
    // The prompt too passes from stage to stage; other requests' steps go on meanwhile.
    (terms, prefill.total() + message(sequences * setup.input_tokens))
}

/// Time to the first token.
#[derive(Clone, Copy, Debug, PartialEq)]
struct FirstToken {
    /// Without the wait for other requests.
    alone: Seconds,
    /// With the opening burst and queueing for steps.
    contended: Seconds,
}

/// `P + t_decode + h + h_l·L + w_b·(R − 1)/2·P/10 + w_q·ρ/(1 − ρ)·P/2`, with `ρ = (R − 1)·P/e2e`.
///
/// A closed loop opens with a burst of `R` prefills, of which each request sees half, spread over ten requests per slot. A static batch is
/// timed inside the engine: the server's fixed time and the wait for others are not in it.
fn first_token(
    shape: &ModelShape,
    work: &InferenceWork,
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

fn bottleneck(terms: &TokenTerms, saturated: bool) -> Bottleneck {
    if saturated {
        return Bottleneck::CacheCapacity;
    }
    Bottleneck::largest(&[
        (Bottleneck::Compute, terms.kernels.compute + terms.cache.compute),
        (Bottleneck::MemoryBandwidth, terms.kernels.memory + terms.cache.memory),
        (Bottleneck::Host, terms.kernels.launch + terms.cache.launch + terms.host),
        (Bottleneck::TensorCommunication, terms.tensor),
        (Bottleneck::ExpertCommunication, terms.expert),
        (Bottleneck::PipelineCommunication, terms.pipeline),
        (Bottleneck::Prefill, terms.prefill),
    ])
}

/// A token passes every stage in turn, and each reads its weights; cache and arithmetic of the groups overlap.
fn decode_bound(
    shape: &ModelShape,
    work: &InferenceWork,
    device: &InferenceDevice,
    setup: &InferenceSetup,
    running: f64,
) -> Seconds {
    let kernels = &device.device.kernels;
    let group = (running / f64::from(setup.pipeline)).max(1.0);
    let flops = Flops(2.0 * work.active_parameters * group / work.split.tensor);
    let context = setup.input_tokens + setup.output_tokens / 2.0;
    let cache: f64 = work
        .kinds
        .iter()
        .filter_map(|&(kind, count)| {
            crate::work::decode::cache_read(shape, kind, group, context, work.kv_bytes, &work.split)
                .map(|op| op.bytes.0 * count)
        })
        .sum();
    least_time(flops, kernels.peak.max(kernels.plain_peak), Bytes(work.least_weights + cache), kernels.bandwidth, 1.0)
}

/// The prompt's FLOPs at peak on every device that may work on it: with a pipeline in chunks, with wide expert parallelism those of other
/// replicas.
fn prefill_bound(
    work: &InferenceWork,
    device: &InferenceDevice,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
) -> Seconds {
    let kernels = &device.device.kernels;
    let flops = Flops(tables.prefill_flops(setup.input_tokens));
    let devices = work.split.tensor.max(work.split.expert) * f64::from(setup.pipeline);
    let peak = kernels.peak.max(kernels.plain_peak);
    least_time(flops, peak, Bytes::ZERO, kernels.bandwidth, devices)
}
