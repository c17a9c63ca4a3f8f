//! Inference, level row: room for the cache, batching, time to the first and between later tokens.
pub mod allocator;
mod arrivals;
mod bounds;
pub mod closed_loop;
pub mod disaggregated;
pub mod experts;
mod first_token;
mod handoff;
pub mod ideal;
pub mod in_step;
pub mod lengths;
pub mod offload;
pub mod prefix;
pub mod queue;
mod request;
mod room;
pub mod speculation;
mod steady;
mod step;
pub mod times;
pub mod two_batch;
mod varied;

use crate::arch::ModelShape;
use crate::distribution::{Cumulants, Mixture};
use crate::parallel::pipeline::StageClass;
use crate::phase::share::Bottleneck;
use crate::quantity::Seconds;
use crate::reject::Reject;
use crate::system::ServingEngine;
use allocator::KvAllocator;
use arrivals::open_loop;
use bounds::decode_bound;
pub use bounds::{PromptBound, TokenBound};
pub use disaggregated::{Pools, PrefillPool};
pub use handoff::Handoff;
use lengths::Prompt;
use offload::HostShare;
use prefix::Prefix;
pub use request::{Admission, Request};
pub use room::Room;
use speculation::{Drafter, Guess};
use steady::closed_loop;
pub use step::TokenTerms;
use step::bottleneck;
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
    /// Tokens of a prompt, on average.
    pub input_tokens: f64,
    /// Tokens of an answer, on average.
    pub output_tokens: f64,
    /// Coefficient of variation of prompts.
    pub input_cv: f64,
    /// Coefficient of variation of answers.
    pub output_cv: f64,
    /// Correlation of the logarithms of both.
    pub length_correlation: f64,
    /// Pipeline stages.
    pub pipeline: u32,
    /// Replicas; 0 where the fleet is too small for one.
    pub data: u32,
    /// Mode.
    pub mode: ServingMode,
    /// Requests in flight over all replicas; of no effect where they arrive at a rate.
    pub concurrency: f64,
    /// Requests that an engine runs together on one replica, whatever its room; infinite where it has no such limit.
    pub max_batch: f64,
    /// Workers of the decode pool, each of `data` replicas.
    pub decode_workers: f64,
    /// Whether a batch is worked on in two halves, so that messages to experts run beside kernels.
    pub two_batch_overlap: bool,
    /// Decode steps between two looks at the queue of new requests.
    pub admission_interval: f64,
    /// Decode steps that prompts wait at most until all attention replicas that share experts have one; 0: none.
    pub attention_dp_wait_steps: f64,
    /// Requests that arrive per second over all replicas; 0 for a closed loop at `concurrency`. \[1/s\]
    pub arrival_rate: f64,
    /// Time to the first token that is promised; 0 for none.
    pub slo_ttft: Seconds,
    /// Time between tokens that is promised; 0 for none.
    pub slo_tpot: Seconds,
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
    pub fn model_length(&self) -> f64 {
        if self.max_model_len > 0.0 { self.max_model_len } else { self.longest() }
    }

    /// Tokens of a prompt that are not known from earlier ones.
    #[must_use]
    pub fn fresh_tokens(&self) -> f64 {
        self.input_tokens - self.prefix.cached(self.input_tokens)
    }

    /// Tokens that all requests have in the cache together: what is set aside in one piece can't be shared.
    #[must_use]
    pub fn shared_tokens(&self) -> f64 {
        // Where long answers follow short prompts those that run have less in common.
        let prompt = self.input_tokens.min(self.held_prompt());
        if self.allocator == KvAllocator::Paged { self.prefix.shared(prompt) } else { 0.0 }
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

impl Replica<'_> {
    /// Devices of so many stages.
    #[must_use]
    pub fn devices(&self, pipeline: u32) -> f64 {
        self.work.split.tensor * self.work.split.context * f64::from(pipeline)
    }

    /// Whether experts spread wider than attention's tensor group fill whole groups of so many replicas.
    fn experts_divide(&self, replicas: f64) -> bool {
        let split = &self.work.split;
        split.expert <= split.tensor || (self.devices(1) * replicas % split.expert).eq(&0.0)
    }
}

/// Results of one setup.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InferenceRow {
    /// Accelerators of all replicas.
    pub devices: f64,
    /// Replicas.
    pub replicas: f64,
    /// Memory.
    pub room: Room,
    /// Requests that decode together on one replica.
    pub running: f64,
    /// Whether requests wait for room, or because the engine runs no more at once.
    pub saturated: bool,
    /// Prefill of one request (of the whole batch in static mode).
    pub prefill: Seconds,
    /// Time between tokens, by term.
    pub terms: TokenTerms,
    /// Time to the first token.
    pub ttft: Seconds,
    /// Time to the first token below which physics does not go.
    pub ttft_bound: PromptBound,
    /// Time between tokens.
    pub tpot: Seconds,
    /// Time between tokens below which physics does not go.
    pub tpot_bound: TokenBound,
    /// Request to last token.
    pub e2e: Seconds,
    /// Answered tokens per second of all replicas.
    pub tokens_per_s: f64,
    /// Requests finished per second of all replicas.
    pub requests_per_s: f64,
    /// How the time to the first token varies from request to request.
    pub ttft_times: Mixture,
    /// How an answer of mean length varies with those around it; without mean.
    pub noise: Cumulants,
    /// How long one prefill holds up a stage.
    pub stall: Prompt,
    /// Requests per second that arrivals may not reach, over all replicas; NaN in a closed loop.
    pub max_requests_per_s: f64,
    /// What holds requests back before any term of the time between tokens does.
    pub limited: Option<Bottleneck>,
    /// The two pools of disaggregated serving.
    pub pools: Option<Pools>,
}

impl InferenceRow {
    /// Memory used at the running batch. \[B\]
    #[must_use]
    pub fn peak_memory(&self) -> f64 {
        self.room.used(self.running)
    }

    /// Requests of full length that all replicas hold.
    #[must_use]
    pub fn max_concurrency(&self) -> f64 {
        self.replicas * self.room.full_requests()
    }

    /// Tokens that the cache of one replica holds.
    #[must_use]
    pub fn kv_tokens(&self, setup: &InferenceSetup) -> f64 {
        self.room.tokens(setup)
    }

    /// Share of the memory's bandwidth that decode steps use for what they must read, weights and cache (model-bandwidth utilisation). Other
    /// requests' prefills between steps are left out.
    ///
    /// # Source
    /// Agarwal et al. 2023, "LLM inference performance engineering: best practices" (Databricks), section "Model bandwidth utilization".
    #[must_use]
    pub fn mbu(&self) -> f64 {
        self.tpot_bound.memory / self.terms.undisturbed()
    }

    /// Share of peak that the arithmetic of decode steps, two FLOPs per active parameter and token, takes.
    #[must_use]
    pub fn decode_mfu(&self) -> f64 {
        self.tpot_bound.compute / self.terms.undisturbed()
    }

    /// Share of peak that a prompt's arithmetic takes on the replica's own devices while it is prefilled alone.
    #[must_use]
    pub fn prefill_mfu(&self, setup: &InferenceSetup) -> f64 {
        let together = if setup.mode == ServingMode::Static { self.running } else { 1.0 };
        self.ttft_bound.own * together / self.prefill
    }

    /// What takes most.
    #[must_use]
    pub fn bottleneck(&self) -> Bottleneck {
        self.limited.unwrap_or_else(|| bottleneck(&self.terms))
    }
}

/// What one cell of the plan keeps between its rows: times that do not depend on all of a row's axes.
pub trait Tables {
    /// [`InferenceDevice::prefill_chunk`], with what guesses, which must have seen the prompt too.
    fn prefill_chunk(&mut self, sequences: f64, tokens: f64, past: f64) -> PassTime;
    /// [`Drafter::guess`]; not asked for where there is none.
    fn guess(&mut self, requests: f64) -> PassTime;
    /// [`InferenceDevice::decode`].
    fn decode(&mut self, requests: f64) -> PassTime;
    /// FLOPs of the layers for one prompt, causal, on the unsplit model: [`crate::flops::ForwardFlops::prompt`].
    fn prefill_flops(&mut self, input_tokens: f64) -> f64;
}

/// Results of a setup on one pool, or why it can't run; [`disaggregated::row`] is that of two. `request` is the setup's own.
#[inline]
pub fn row(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    request: &Request,
) -> Result<InferenceRow, Reject> {
    let room = admits(replica, setup, &request.admission)?;
    let replicas = f64::from(setup.data);
    if setup.arrival_rate <= 0.0 && setup.concurrency < replicas {
        return Err(Reject::ConcurrencyBelowReplicas);
    }
    let steady = if setup.arrival_rate > 0.0 {
        open_loop(replica, tables, setup, (request, &room))?
    } else {
        closed_loop(replica, tables, setup, (request, &room))?
    };
    let (running, terms) = (steady.running, steady.terms);
    let tpot = terms.total();
    let answer = tpot * (setup.steps(running) - 1.0);
    let requests_per_s = steady.requests_per_s;
    let devices = replica.devices(setup.pipeline) * replicas;
    Ok(InferenceRow {
        devices,
        replicas,
        room,
        running,
        saturated: steady.saturated,
        prefill: steady.prefill,
        terms,
        ttft: steady.ttft,
        ttft_bound: request.ttft_bound,
        tpot,
        tpot_bound: decode_bound(replica, setup, running),
        e2e: steady.ttft + answer,
        tokens_per_s: requests_per_s * setup.output_tokens,
        requests_per_s,
        ttft_times: steady.times,
        noise: steady.noise,
        stall: steady.stall,
        max_requests_per_s: replicas * steady.capacity,
        limited: (steady.saturated && room.requests() <= running).then_some(Bottleneck::CacheCapacity),
        pools: None,
    })
}

/// The room of a replica on one pool, whatever its traffic, or why it takes no request.
#[inline]
pub fn admits(replica: &Replica, setup: &InferenceSetup, admission: &Admission) -> Result<Room, Reject> {
    admissible(replica, setup, admission.longest)?;
    if !replica.experts_divide(f64::from(setup.data)) {
        return Err(Reject::ExpertParallelRanks);
    }
    admission.room
}

/// Whether there is a replica at all, and one that takes requests of these lengths.
fn admissible(replica: &Replica, setup: &InferenceSetup, longest: f64) -> Result<(), Reject> {
    if setup.data == 0 {
        return Err(Reject::FleetTooSmall);
    }
    let allowed = replica.drafter.map_or(f64::INFINITY, Drafter::max_context);
    let own = if setup.max_model_len > 0.0 { setup.max_model_len } else { longest };
    let allowed = allowed.min(f64::from(replica.shape.max_context)).min(own);
    if longest > allowed { Err(Reject::ContextTooLong) } else { Ok(()) }
}
