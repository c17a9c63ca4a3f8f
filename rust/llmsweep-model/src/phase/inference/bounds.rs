//! What no software can beat.
use super::speculation::Guess;
use super::{InferenceSetup, Replica, Tables};
use crate::quantity::{Bytes, Flops, Seconds};

/// What the time between two tokens can't be below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenBound {
    /// Its arithmetic at peak.
    pub compute: Seconds,
    /// Weights and cache at the memory's bandwidth.
    pub memory: Seconds,
}

/// What the prefill of a prompt can't be below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptBound {
    /// Its arithmetic at peak on every device that may work on it.
    pub time: Seconds,
    /// The same on the devices of its own replica: what of it they do, where others' experts work for them and theirs for others.
    pub own: Seconds,
}

impl TokenBound {
    /// The longer of the two.
    #[must_use]
    pub fn time(&self) -> Seconds {
        self.compute.max(self.memory)
    }
}

/// A token passes every stage in turn, and each reads its weights; cache and arithmetic of the groups overlap. Of the tokens that a step
/// checks, guessing them left out, it gives the accepted ones.
pub(super) fn decode_bound(replica: &Replica, setup: &InferenceSetup, running: f64) -> TokenBound {
    let Replica { work, device, .. } = *replica;
    let kernels = &device.device.kernels;
    let group = (running / f64::from(setup.pipeline)).max(1.0);
    let guess = replica.drafter.map_or(Guess::NONE, |_| setup.guess);
    let checked = work.rows(group * (1.0 + guess.tokens));
    let flops = Flops(2.0 * work.active_parameters * checked / work.split.tensor);
    let bytes = Bytes(work.least_weights) + cache_bytes(replica, setup, running, group);
    let accepted = guess.accepted();
    TokenBound {
        compute: flops / kernels.peak.max(kernels.plain_peak) / accepted,
        memory: bytes / kernels.bandwidth / accepted,
    }
}

/// Cache that a step of one group of requests reads on a device of every stage in turn.
pub(super) fn cache_bytes(replica: &Replica, setup: &InferenceSetup, running: f64, group: f64) -> Bytes {
    let Replica { shape, work, .. } = *replica;
    let context = setup.context(running);
    let layers = work.kinds.iter().filter_map(|&(kind, count)| {
        let read = crate::work::decode::cache_read(shape, kind, group, context, work.kv_bytes, &work.split)?;
        Some(read.bytes.0 * count)
    });
    Bytes(layers.sum())
}

/// The prompt's FLOPs, less those of what is cached of it, at peak on every device that may work on it: with a pipeline in chunks, with
/// wide expert parallelism those of other replicas.
pub(super) fn prefill_bound(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup) -> PromptBound {
    let Replica { work, device, .. } = *replica;
    let kernels = &device.device.kernels;
    let cached = setup.prefix.cached(setup.input_tokens);
    let known = if cached > 0.0 { tables.prefill_flops(cached) } else { 0.0 };
    let flops = Flops(tables.prefill_flops(setup.input_tokens) - known);
    let own = work.split.tensor * work.split.context;
    let peak = kernels.peak.max(kernels.plain_peak);
    let on = |ranks: f64| flops / (peak * (ranks * f64::from(setup.pipeline)));
    PromptBound { time: on(own.max(work.split.expert)), own: on(own) }
}
