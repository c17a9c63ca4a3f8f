//! Inference, level row: room for the cache, batching, time to the first and between later tokens.
mod bounds;
pub mod closed_loop;
pub mod disaggregated;
pub mod experts;
mod first_token;
mod handoff;
mod room;
mod step;
pub mod times;
pub mod two_batch;

use crate::arch::ModelShape;
use crate::parallel::pipeline::StageClass;
use crate::phase::share::Bottleneck;
use crate::quantity::Seconds;
use crate::reject::Reject;
use crate::system::ServingEngine;
use bounds::{decode_bound, prefill_bound};
pub use disaggregated::{Pools, PrefillPool};
use first_token::first_token;
pub use handoff::Handoff;
pub use room::Room;
pub use step::TokenTerms;
use step::{bottleneck, token_terms};
use times::{InferenceDevice, InferenceWork, PassTime};

/// How requests share the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingMode {
    /// Requests join and leave at every step; as many wait as the cache has no room for.
    Continuous,
    /// One batch is prefilled and decoded to its end before the next.
    Static,
    /// One pool of devices prefills, another decodes ([`disaggregated`]).
    Disaggregated,
}

impl ServingMode {
    /// Every mode with its name in specifications.
    pub const ALL: [(&'static str, Self); 3] =
        [("continuous", Self::Continuous), ("static", Self::Static), ("disaggregated", Self::Disaggregated)];
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
    /// Requests that an engine runs together on one replica, whatever its room; infinite where it has no such limit.
    pub max_batch: f64,
    /// Workers of the decode pool, each of `data` replicas.
    pub decode_workers: f64,
    /// Whether a batch is worked on in two halves, so that messages to experts run beside kernels.
    pub two_batch_overlap: bool,
}

/// One replica: a model on its devices under an engine, cut into stages.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    /// The model.
    pub shape: &'a ModelShape,
    /// How it is spread.
    pub work: &'a InferenceWork,
    /// Times of one device.
    pub device: &'a InferenceDevice,
    /// The engine.
    pub engine: &'a ServingEngine,
    /// Stages of the setup's pipeline.
    pub stages: &'a [StageClass],
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
    /// The two pools of disaggregated serving.
    pub pools: Option<Pools>,
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

/// Results of a setup on one pool, or why it can't run; [`disaggregated::row`] is that of two.
pub fn row(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup) -> Result<InferenceRow, Reject> {
    let Replica { shape, work, .. } = *replica;
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
    let room = Room::of(replica, setup)?;
    let running = match setup.mode {
        ServingMode::Continuous | ServingMode::Disaggregated => offered.min(room.requests()).min(setup.max_batch),
        ServingMode::Static if offered > room.full_requests() => return Err(Reject::BatchDoesNotFit),
        ServingMode::Static => offered,
    };
    let (terms, prefill) = token_terms(replica, tables, setup, running);
    let tpot = terms.total();
    let answer = tpot * (setup.output_tokens - 1.0);
    let first = first_token(replica, &terms, prefill, setup, running);
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
        ttft_bound: prefill_bound(replica, tables, setup),
        tpot,
        tpot_bound: decode_bound(replica, setup, running),
        e2e: ttft + answer,
        tokens_per_s: requests_per_s * setup.output_tokens,
        requests_per_s,
        bottleneck: bottleneck(&terms, offered > running),
        pools: None,
    })
}
