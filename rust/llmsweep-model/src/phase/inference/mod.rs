//! Inference, level row: room for the cache, batching, time to the first and between later tokens.
pub mod allocator;
mod bounds;
mod first_token;
pub mod offload;
pub mod prefix;
mod room;
pub mod speculation;
mod step;
pub mod times;

use crate::arch::ModelShape;
use crate::parallel::pipeline::StageClass;
use crate::phase::share::Bottleneck;
use crate::quantity::Seconds;
use crate::reject::Reject;
use crate::system::ServingEngine;
use allocator::KvAllocator;
use bounds::{decode_bound, prefill_bound};
use first_token::first_token;
use offload::HostShare;
use prefix::Prefix;
pub use room::Room;
use speculation::{Drafter, Guess};
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
    /// What is known of prompts from earlier ones.
    pub prefix: Prefix,
    /// How far ahead is guessed, where something guesses.
    pub guess: Guess,
    /// How room for the cache is set aside.
    pub allocator: KvAllocator,
    /// Longest request that the engine takes; 0 for these ones' length. \[tokens\]
    pub max_model_len: f64,
    /// What lives in the host's memory.
    pub host: HostShare,
}

impl InferenceSetup {
    /// Longest request that the engine takes. \[tokens\]
    #[must_use]
    pub fn longest(&self) -> f64 {
        if self.max_model_len > 0.0 { self.max_model_len } else { self.input_tokens + self.output_tokens }
    }

    /// Tokens that all requests have in the cache together: what is set aside in one piece can't be shared.
    #[must_use]
    pub fn shared_tokens(&self) -> f64 {
        if self.allocator == KvAllocator::Paged { self.prefix.shared(self.input_tokens) } else { 0.0 }
    }
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
    /// What guesses tokens ahead.
    pub drafter: Option<&'a Drafter>,
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
    /// Tokens that a step gives each request.
    pub accepted: f64,
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
    /// [`InferenceDevice::prefill_chunk`], with what guesses, which must have seen the prompt too.
    fn prefill_chunk(&mut self, sequences: f64, tokens: f64, past: f64) -> PassTime;
    /// [`InferenceDevice::prefill`].
    fn prefill(&mut self, sequences: f64, input_tokens: f64) -> PassTime {
        self.prefill_chunk(sequences, input_tokens, 0.0)
    }
    /// [`Drafter::guess`]; not asked for where there is none.
    fn guess(&mut self, requests: f64) -> PassTime;
    /// [`InferenceDevice::decode`].
    fn decode(&mut self, requests: f64) -> PassTime;
    /// FLOPs of the layers for one prompt, causal, on the unsplit model: [`crate::flops::ForwardFlops::prompt`].
    fn prefill_flops(&mut self, input_tokens: f64) -> f64;
}

/// Results of a setup, or why it can't run.
pub fn row(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup) -> Result<InferenceRow, Reject> {
    let Replica { shape, work, .. } = *replica;
    let longest = replica.drafter.map_or(f64::INFINITY, Drafter::max_context).min(f64::from(shape.max_context));
    if setup.input_tokens + setup.output_tokens > longest.min(setup.longest()) {
        return Err(Reject::ContextTooLong);
    }
    let replicas = f64::from(setup.data);
    let ranks = work.split.tensor * work.split.context;
    if work.split.expert > work.split.tensor && !(ranks * replicas % work.split.expert).eq(&0.0) {
        return Err(Reject::ExpertParallelRanks);
    }
    let offered = setup.concurrency / replicas;
    if offered < 1.0 {
        return Err(Reject::ConcurrencyBelowReplicas);
    }
    let room = Room::of(replica, setup)?;
    let shared = setup.shared_tokens();
    let running = match setup.mode {
        ServingMode::Continuous => offered.min(room.requests()),
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
    let devices = ranks * f64::from(setup.pipeline) * replicas;
    Ok(InferenceRow {
        devices,
        room,
        peak_memory: room.used(running),
        running,
        max_concurrency: replicas * room.full_requests(),
        kv_tokens: room.full_requests() * (setup.input_tokens + setup.output_tokens - shared) + shared,
        saturated: offered > running,
        prefill,
        terms,
        ttft,
        ttft_bound: prefill_bound(replica, tables, setup),
        tpot,
        tpot_bound: decode_bound(replica, setup, running),
        accepted: terms.tokens,
        e2e: ttft + answer,
        tokens_per_s: requests_per_s * setup.output_tokens,
        requests_per_s,
        bottleneck: bottleneck(&terms, offered > running),
    })
}
