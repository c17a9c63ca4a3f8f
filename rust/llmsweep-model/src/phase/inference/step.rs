//! The time between two tokens, term by term.
use super::{InferenceSetup, Replica, ServingMode, Tables};
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

/// Time between tokens: `t_decode + (R − 1)/s_out · P`: during one answer every other slot prefills one request.
///
/// With a pipeline the running requests are cut into one group per stage; a token passes all stages in turn.
pub(super) fn token_terms(
    replica: &Replica,
    tables: &mut impl Tables,
    setup: &InferenceSetup,
    running: f64,
) -> (TokenTerms, Seconds) {
    let Replica { shape, work, device, .. } = *replica;
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
        host: host(replica, setup, running),
        prefill: interference.max(Seconds::ZERO),
    };
    // The prompt too passes from stage to stage, its chunks one behind the other: (p + m − 1)/(p·m) of the time of all layers.
    if setup.pipeline == 1 {
        return (terms, prefill.total());
    }
    let chunks = (sequences * setup.input_tokens / replica.engine.max_batched_tokens).max(1.0);
    let overlapped = (pipeline + chunks - 1.0) / (pipeline * chunks);
    (terms, prefill.total() * overlapped + message(sequences * setup.input_tokens))
}

/// The host's work for a step: fixed, more where other devices' processes are told, per request, and per token of their tables of blocks.
fn host(replica: &Replica, setup: &InferenceSetup, running: f64) -> Seconds {
    let Replica { work, engine, .. } = *replica;
    let stages = engine.host_stage * (f64::from(setup.pipeline) - 1.0);
    let group = if work.split.tensor > 1.0 { engine.host_group } else { Seconds::ZERO };
    let context = setup.input_tokens + setup.output_tokens / 2.0;
    engine.host_step + group + stages + (engine.host_request + engine.host_token * context) * running
}

/// What takes most of the time between tokens.
pub(super) fn bottleneck(terms: &TokenTerms, cache_full: bool) -> Bottleneck {
    if cache_full {
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
