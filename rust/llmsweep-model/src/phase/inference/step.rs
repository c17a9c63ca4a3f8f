//! The time between two tokens, term by term.
use super::in_step::InStep;
use super::lengths::Prompt;
use super::speculation::Guess;
use super::times::PassTime;
use super::two_batch::overlapped;
use super::{InferenceSetup, Replica, Request, ServingMode, Tables};
use crate::phase::share::{Bottleneck, KernelTime};
use crate::quantity::{Bytes, Seconds};

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
    /// Messages of context parallelism.
    pub context: Seconds,
    /// Messages between stages.
    pub pipeline: Seconds,
    /// The host's work per step.
    pub host: Seconds,
    /// Waiting for other requests' prefills.
    pub prefill: Seconds,
    /// Guessing tokens ahead.
    pub draft: Seconds,
    /// Waiting for weights and caches from the host's memory.
    pub host_transfer: Seconds,
    /// Tokens that a step gives each request.
    pub tokens: f64,
}

impl TokenTerms {
    /// A token's part of decode steps, undisturbed.
    #[must_use]
    pub fn undisturbed(&self) -> Seconds {
        self.kernels.total()
            + self.cache.total()
            + self.tensor
            + self.expert
            + self.context
            + self.pipeline
            + self.host
            + self.draft
            + self.host_transfer
    }

    /// One decode step, undisturbed.
    #[must_use]
    pub fn step(&self) -> Seconds {
        self.undisturbed() * self.tokens
    }

    /// Time between two tokens.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.undisturbed() + self.prefill
    }

    /// The terms a share of the way to others.
    pub(super) fn towards(&self, other: &Self, share: f64) -> Self {
        let rest = 1.0 - share;
        let between = |one: Seconds, other: Seconds| one * rest + other * share;
        Self {
            kernels: self.kernels.times(rest).plus(other.kernels.times(share)),
            cache: self.cache.times(rest).plus(other.cache.times(share)),
            tensor: between(self.tensor, other.tensor),
            expert: between(self.expert, other.expert),
            context: between(self.context, other.context),
            pipeline: between(self.pipeline, other.pipeline),
            host: between(self.host, other.host),
            prefill: between(self.prefill, other.prefill),
            draft: between(self.draft, other.draft),
            host_transfer: between(self.host_transfer, other.host_transfer),
            tokens: self.tokens,
        }
    }
}

/// A replica that decodes and prefills.
pub(super) struct Pace {
    /// Time between tokens.
    pub(super) terms: TokenTerms,
    /// Prefill of one prompt by itself (of the whole batch in static mode), with its way through the stages.
    pub(super) prefill: Seconds,
    /// Kernels of that prefill over the lengths of prompts.
    pub(super) prompt: Prompt,
    /// How long one prompt holds up a stage.
    pub(super) stall: Prompt,
    /// How long a prompt waits for those of other replicas.
    pub(super) gathering: Seconds,
}

/// Time between tokens: `t_decode + (R − 1/κ)/s_out · κ·P_k/(k·p)`: during one answer every other slot prefills one request, k at a time, and
/// replicas that share experts wait for each other's, κ times as many ([`InStep`]).
#[inline]
pub(super) fn pace(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    request: &Request,
    running: f64,
) -> Pace {
    let (prompt, prefill) = if setup.mode == ServingMode::Static {
        let prompt = Prompt::of(setup, |input| exposed_prefill(replica, tables, setup, (running, input)));
        (prompt, through_stages(replica, tables, setup, running, prompt.mean()))
    } else {
        (request.prompt, request.prefill)
    };
    let together = in_step(replica, setup, running);
    let held_up = together.map_or(1.0, |others| others.held_up());
    let stall = prompt.part(f64::from(setup.pipeline) / (packed(replica, tables, setup, running) * held_up));
    let mut terms = decode_terms(replica, tables, setup, running);
    if setup.mode == ServingMode::Continuous {
        terms.prefill = (stall.mean() * ((running - 1.0 / held_up) / setup.output_tokens)).max(Seconds::ZERO);
    }
    let gathering = together.map_or(Seconds::ZERO, |others| terms.total() * others.gathering_steps());
    Pace { terms, prefill, prompt, stall, gathering }
}

/// Prompts of a replica and of those that step with it; `None` where it steps alone, or nothing is prefilled between steps.
#[inline]
fn in_step(replica: &Replica, setup: &InferenceSetup, running: f64) -> Option<InStep> {
    let replicas = replica.work.split.replicas_in_step();
    if replicas <= 1.0 || setup.mode != ServingMode::Continuous {
        return None;
    }
    Some(InStep {
        replicas,
        prompts: running / setup.output_tokens,
        chunks: setup.fresh_tokens() / replica.engine.max_batched_tokens,
        independence: replica.engine.prompt_independence,
        patience: setup.attention_dp_wait_steps,
    })
}

/// Time between tokens where nothing is prefilled meanwhile.
///
/// Where tokens are guessed ahead, a step checks γ + 1 of each request and gives it E: every term is divided by E.
///
/// With a pipeline the running requests are cut into one group per stage; a token passes all stages in turn.
pub(super) fn decode_terms(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    running: f64,
) -> TokenTerms {
    let Replica { shape, work, device, .. } = *replica;
    let group = (running / f64::from(setup.pipeline)).max(1.0);
    let context = setup.context(running);
    let guess = replica.drafter.map_or(Guess::NONE, |_| setup.guess);
    let checked = 1.0 + guess.tokens;
    let tokens = guess.accepted();
    let share = 1.0 / tokens;
    let (step, read) = if halved(setup, group) {
        let read = device.cache_check(shape, work, (group / 2.0, checked), context).times(2.0);
        (overlapped(tables.decode(group / 2.0 * checked), read.total()), read)
    } else {
        (tables.decode(group * checked), device.cache_check(shape, work, (group, checked), context))
    };
    let draft = replica.drafter.map_or(Seconds::ZERO, |drafter| {
        (tables.guess(group).total() + drafter.cache_read(device, group, context)) * guess.tokens
    });
    let busy = step.total() + read.total();
    let host_transfer = setup.host.exposed(work, device, (group, context), busy);
    TokenTerms {
        kernels: step.kernels.times(share),
        cache: read.times(share),
        tensor: step.tensor * share,
        expert: step.expert * share,
        context: step.context * share,
        pipeline: between_stages(replica, setup, group * checked) * share,
        host: host(replica, setup, running) * share,
        prefill: Seconds::ZERO,
        draft: draft * share,
        host_transfer: host_transfer * share,
        tokens,
    }
}

/// Whether a group of requests is worked on in two halves; a half of one request is none.
pub(super) fn halved(setup: &InferenceSetup, group: f64) -> bool {
    setup.two_batch_overlap && group >= 2.0
}

/// Messages of so many tokens from the first to the last stage.
pub(super) fn between_stages(replica: &Replica, setup: &InferenceSetup, tokens: f64) -> Seconds {
    let Replica { shape, work, device, .. } = *replica;
    let bytes = Bytes(work.rows(tokens) * f64::from(shape.hidden) * work.widths.activation);
    let fabric = &device.device.accelerator.fabric;
    device.device.collectives.point_to_point(bytes, replica.devices(1), fabric) * (f64::from(setup.pipeline) - 1.0)
}

/// A prefill on its way through the stages of a pipeline, its chunks one behind the other and the last one the longest:
/// `Σᵢ cᵢ/p + (p − 1)/p · c_last`.
pub(super) fn through_stages(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    sequences: f64,
    prefill: Seconds,
) -> Seconds {
    if setup.pipeline == 1 {
        return prefill;
    }
    let alone = 1.0 / f64::from(setup.pipeline);
    let fresh = setup.fresh_tokens();
    let last = replica.engine.max_batched_tokens / sequences;
    let chunk = if last < fresh {
        chunk_pass(tables, setup, sequences, (last, setup.input_tokens - last)).total().min(prefill)
    } else {
        prefill
    };
    prefill * alone + chunk * (1.0 - alone) + between_stages(replica, setup, sequences * fresh)
}

/// A prompt's part in a step that several join, over its prefill by itself: of R requests `R/s_out` end in each step and as many begin, as far
/// as the step has room for their tokens.
fn packed(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup, running: f64) -> f64 {
    if setup.mode != ServingMode::Continuous {
        return 1.0;
    }
    let fresh = setup.fresh_tokens();
    let together = (running / setup.output_tokens).min(replica.engine.max_batched_tokens / fresh);
    if together <= 1.0 {
        return 1.0;
    }
    let mut prefill = |sequences| exposed_prefill(replica, tables, setup, (sequences, setup.input_tokens)).0;
    prefill(together) / together / prefill(1.0)
}

/// Prefill of some prompts, and what the link to the host's memory does not bring over meanwhile.
pub(super) fn exposed_prefill(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    (sequences, input): (f64, f64),
) -> Seconds {
    let pass = prefill_pass(tables, setup, sequences, input).total();
    let fresh = input - setup.prefix.cached(input);
    pass + setup.host.exposed(replica.work, replica.device, (sequences, fresh), pass)
}

/// Prefill of some prompts less what is cached of them.
fn prefill_pass(tables: &mut impl Tables, setup: &InferenceSetup, sequences: f64, input: f64) -> PassTime {
    let cached = setup.prefix.cached(input);
    chunk_pass(tables, setup, sequences, (input - cached, cached))
}

/// Some tokens of each of some prompts after others, in two halves where the setup says so: a prompt too can be cut.
fn chunk_pass(
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    sequences: f64,
    (tokens, past): (f64, f64),
) -> PassTime {
    if setup.two_batch_overlap {
        overlapped(tables.prefill_chunk(sequences / 2.0, tokens, past), Seconds::ZERO)
    } else {
        tables.prefill_chunk(sequences, tokens, past)
    }
}

/// The host's work for a step: fixed, more where other devices' processes are told, per request, and per token of their tables of blocks.
pub(super) fn host(replica: &Replica, setup: &InferenceSetup, running: f64) -> Seconds {
    let Replica { work, engine, .. } = *replica;
    let stages = engine.host_stage * (f64::from(setup.pipeline) - 1.0);
    let group = if work.split.tensor > 1.0 { engine.host_group } else { Seconds::ZERO };
    engine.host_step + group + stages + (engine.host_request + engine.host_token * setup.context(running)) * running
}

/// What takes most of the time between tokens.
pub(super) fn bottleneck(terms: &TokenTerms) -> Bottleneck {
    Bottleneck::largest(&[
        (Bottleneck::Compute, terms.kernels.compute + terms.cache.compute),
        (Bottleneck::MemoryBandwidth, terms.kernels.memory + terms.cache.memory),
        (Bottleneck::Host, terms.kernels.launch + terms.cache.launch + terms.host),
        (Bottleneck::TensorCommunication, terms.tensor),
        (Bottleneck::ExpertCommunication, terms.expert),
        (Bottleneck::ContextCommunication, terms.context),
        (Bottleneck::PipelineCommunication, terms.pipeline),
        (Bottleneck::Prefill, terms.prefill),
        (Bottleneck::Draft, terms.draft),
        (Bottleneck::HostTransfer, terms.host_transfer),
    ])
}
