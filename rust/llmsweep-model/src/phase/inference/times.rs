//! Inference, levels shape to time: weights and cache of a device, prefill of a prompt, one decode step.
use crate::arch::{LayerKind, MixerKind, ModelShape};
use crate::kernel::Pass;
use crate::memory::cache::{CacheGrowth, LayerCache};
use crate::memory::chunk;
use crate::memory::state::table_parameters;
use crate::parallel::context::{ContextExchange, ring_exposed};
use crate::parallel::divide;
use crate::parallel::pipeline::{MAX_KINDS, StageClass};
use crate::phase::Device;
use crate::phase::share::KernelTime;
use crate::phase::training_messages::{self, ring_of};
use crate::phase::training_traffic::sent;
use crate::precision::{KvPrecision, Precision, Quantised};
use crate::quantity::Seconds;
use crate::reject::Reject;
use crate::system::ServingEngine;
use crate::work::attention::AttentionKernel;
use crate::work::experts::Routing;
use crate::work::forward::{self, ForwardInput};
use crate::work::{Collective, Group, Message, Split, Tokens, Widths, Work, context, decode};

/// Level *work*: the model on the devices of one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceWork {
    /// How it is spread.
    pub split: Split,
    /// Bytes per value.
    pub widths: Widths,
    /// Bytes of a cached value.
    pub kv_bytes: f64,
    /// Kinds of layers, with how many there are.
    pub kinds: Vec<(LayerKind, f64)>,
    /// Weights of one layer of each kind on one device. \[B\]
    pub layer_weights: [f64; MAX_KINDS],
    /// Weights of the embedding on one device. \[B\]
    pub embedding_weights: f64,
    /// Weights of the LM head on one device. \[B\]
    pub head_weights: f64,
    /// Cache of one layer of each kind on one device.
    pub caches: [LayerCache; MAX_KINDS],
    /// Weights that any decode step must read, all matrices of the layers quantised, over all devices of a stage group. \[B\]
    pub least_weights: f64,
    /// Cache of one token over all devices. \[B\]
    pub kv_bytes_per_token: f64,
    /// Parameters whose arithmetic one token needs: all it meets but the input table.
    pub active_parameters: f64,
    /// Bytes that one device sends for each token of a pass, prompt or answer. \[B\]
    pub sent_bytes_per_token: f64,
    /// Activations of a pass over prompts, per token, on one device. \[B\]
    pub chunk_bytes_per_token: f64,
}

impl InferenceWork {
    /// Spreads a model over `tensor` devices, its experts over `expert`.
    ///
    /// Experts may be spread wider than attention: `expert` devices then serve `expert / tensor` attention replicas, and tokens travel to
    /// their experts by all-to-all. Otherwise an expert is split over `tensor / expert` devices. `context` times as many devices hold the
    /// same weights, and a part of the tokens of every request each.
    pub fn count(
        shape: &ModelShape,
        precision: &Precision,
        quantised: Quantised,
        kv: &KvPrecision,
        (tensor, expert, context): (u32, u32, u32),
    ) -> Result<Self, Reject> {
        let expert_tensor = if expert >= tensor { 1 } else { tensor / expert };
        if shape.moe.is_some() && !tensor.max(expert).is_multiple_of(tensor.min(expert)) {
            return Err(Reject::ExpertParallelRanks);
        }
        divide::layer(shape, tensor, expert, if shape.moe.is_some() { expert_tensor } else { 1 })?;
        let split = Split {
            tensor: f64::from(tensor),
            sequence_parallel: false,
            context: f64::from(context),
            context_exchange: ContextExchange::Ring,
            expert: f64::from(expert),
            expert_tensor: f64::from(expert_tensor),
        };
        let only_experts = quantised.only_experts(precision, shape.moe.is_some());
        let widths = Widths { only_experts, ..Widths::of(precision) };
        let kv_bytes = kv.bytes();
        let mut layer_weights = [0.0; MAX_KINDS];
        let mut caches =
            [LayerCache { bytes_per_token: 0.0, window_tokens: f64::INFINITY, state_bytes: 0.0 }; MAX_KINDS];
        let mut least_weights = 0.0;
        let mut kv_bytes_per_token = 0.0;
        let kinds: Vec<(LayerKind, f64)> =
            shape.kinds().into_iter().map(|(kind, count)| (kind, f64::from(count))).collect();
        let owners = split.expert * split.expert_tensor;
        for (index, &(kind, count)) in kinds.iter().enumerate() {
            let layer = shape.layer_parameters(kind);
            layer_weights[index] = layer.tensor_sharded / split.tensor * widths.dense_weight()
                + layer.experts / owners * widths.weight
                + layer.replicated * widths.plain_weight;
            caches[index] = LayerCache::of(shape, kind, kv_bytes, &split);
            least_weights +=
                count * (layer.tensor_sharded / split.tensor + layer.active_experts / owners) * widths.weight;
            kv_bytes_per_token += count * decode::cached_values(shape.attention, kind.mixer) * kv_bytes;
        }
        let head = if shape.tied_embeddings { table_parameters(shape) } else { shape.head_parameters() };
        let head_weights = head / split.tensor * widths.plain_weight;
        Ok(Self {
            split,
            widths,
            kv_bytes,
            kinds,
            layer_weights,
            embedding_weights: shape.embedding_parameters() / split.tensor * widths.plain_weight,
            head_weights,
            caches,
            least_weights: least_weights + head_weights,
            kv_bytes_per_token,
            sent_bytes_per_token: sent_bytes_per_token(shape, &split, &widths),
            active_parameters: shape.active_parameters().without_input_embedding,
            chunk_bytes_per_token: chunk::bytes_per_token(shape, &split, &widths) / split.context,
        })
    }

    /// Rows of a device's multiplications in a step of so many tokens: context-parallel ranks share them.
    #[must_use]
    pub fn rows(&self, tokens: f64) -> f64 {
        (tokens / self.split.context).max(1.0)
    }

    /// Weights of the layers of one device of a stage. \[B\]
    #[must_use]
    pub fn stage_layers(&self, stage: &StageClass) -> f64 {
        self.layer_weights.iter().zip(stage.layers).map(|(weights, count)| weights * count).sum()
    }

    /// How one request's cache on one device of a stage grows with its context.
    #[must_use]
    pub fn growth(&self, stage: &StageClass) -> CacheGrowth {
        let layers = self.caches.iter().zip(stage.layers).filter(|(_, count)| *count > 0.0);
        layers.fold(CacheGrowth::default(), |sum, (cache, count)| sum.with(cache, count))
    }

    /// Weights of one device of a stage. \[B\]
    #[must_use]
    pub fn stage_weights(&self, shape: &ModelShape, stage: &StageClass) -> f64 {
        let layers = self.stage_layers(stage);
        let embedding = if stage.first { self.embedding_weights } else { 0.0 };
        let own_head = !(shape.tied_embeddings && stage.first);
        let head = if stage.last && own_head { self.head_weights } else { 0.0 };
        layers + embedding + head
    }

    /// Cache of one request at a context on one device of a stage. \[B\]
    #[must_use]
    pub fn stage_cache(&self, stage: &StageClass, context: f64) -> f64 {
        self.caches
            .iter()
            .zip(stage.layers)
            .map(|(cache, count)| if count > 0.0 { count * cache.request_bytes(context) } else { 0.0 })
            .sum()
    }
}

/// What one device sends of a token's pass: `2(t−1)/t · b·h` twice a layer in tensor parallelism (Shoeybi et al. 2019, arXiv:1909.08053,
/// section 3), and tokens to their experts and back.
fn sent_bytes_per_token(shape: &ModelShape, split: &Split, widths: &Widths) -> f64 {
    let routing = Routing { independence: 1.0, imbalance: 1.0 };
    let of_block = |block: &Work| {
        [Group::Tensor, Group::Expert, Group::ExpertTensor].map(|group| sent(block, group, split)).iter().sum::<f64>()
    };
    let layers = shape
        .kinds()
        .into_iter()
        .map(|(kind, count)| of_block(&decode::layer(shape, kind, 1.0, &routing, split, widths)) * f64::from(count));
    layers.sum::<f64>() + of_block(&forward::embedding(shape, 1.0, split, widths))
}

/// Time of a pass through the model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PassTime {
    /// Kernels.
    pub kernels: KernelTime,
    /// Tensor-parallel messages.
    pub tensor: Seconds,
    /// Expert messages.
    pub expert: Seconds,
    /// Messages of context parallelism that nothing hides.
    pub context: Seconds,
}

impl PassTime {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.kernels.total() + self.tensor + self.expert + self.context
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            kernels: self.kernels.plus(other.kernels),
            tensor: self.tensor + other.tensor,
            expert: self.expert + other.expert,
            context: self.context + other.context,
        }
    }

    /// `factor` times it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            kernels: self.kernels.times(factor),
            tensor: self.tensor * factor,
            expert: self.expert * factor,
            context: self.context * factor,
        }
    }
}

/// Times of one device for one engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InferenceDevice {
    /// Hardware, kernels, messages.
    pub device: Device,
    /// How tokens choose experts.
    pub routing: Routing,
    /// Bytes moved per logit.
    pub logit_bytes: f64,
}

impl InferenceDevice {
    /// A device as an engine uses it.
    #[must_use]
    pub fn of(device: &Device, engine: &ServingEngine) -> Self {
        Self {
            device: *device,
            routing: Routing { independence: engine.routing_independence, imbalance: 1.0 },
            logit_bytes: engine.logit_bytes,
        }
    }

    /// Prefill through all layers, logits of the last tokens only: of the next `tokens` of `sequences` prompts of which `past` tokens each are in the cache: of a chunk, or of what follows a
    /// cached prefix. Attention sees `c·p + c²/2` pairs, so that chunks have together the whole prompt's; weights and the cache are read
    /// again by each.
    #[must_use]
    pub fn prefill_chunk(
        &self,
        shape: &ModelShape,
        work: &InferenceWork,
        sequences: f64,
        (tokens, past): (f64, f64),
    ) -> PassTime {
        let tokens = Tokens::of_sequences(sequences, tokens, work.split.context).after(past);
        let tokens = Tokens { rows: tokens.rows.max(1.0), ..tokens };
        let input = ForwardInput {
            tokens,
            split: work.split,
            widths: work.widths,
            kernel: AttentionKernel::Flash,
            routing: self.routing,
        };
        let mut sum = PassTime::default();
        for &(kind, count) in &work.kinds {
            let layer = forward::layer(shape, kind, &input);
            sum = sum.plus(self.pass(&layer, &work.split).times(count));
        }
        let embedding = forward::embedding(shape, tokens.rows, &work.split, &work.widths);
        let head = forward::head(shape, sequences, self.logit_bytes, &work.split, &work.widths);
        sum.plus(self.pass(&embedding, &work.split)).plus(self.pass(&head, &work.split))
    }

    /// Work of one layer in a decode step of `requests`, all but the reading of the cache.
    #[must_use]
    pub fn decode_layer(&self, shape: &ModelShape, work: &InferenceWork, kind: LayerKind, requests: f64) -> Work {
        let mut layer = decode::layer(shape, kind, work.rows(requests), &self.routing, &work.split, &work.widths);
        if work.split.context > 1.0 && matches!(kind.mixer, MixerKind::Full | MixerKind::Sliding) {
            context::decode_messages(&mut layer, shape, requests, &work.split, &work.widths);
        }
        layer
    }

    /// A decode step of `requests` through all layers and the LM head, all but the reading of the cache.
    #[must_use]
    pub fn decode(&self, shape: &ModelShape, work: &InferenceWork, requests: f64) -> PassTime {
        let mut sum = PassTime::default();
        let rows = work.rows(requests);
        for &(kind, count) in &work.kinds {
            let layer = self.decode_layer(shape, work, kind, requests);
            sum = sum.plus(self.pass(&layer, &work.split).times(count));
        }
        let embedding = forward::embedding(shape, rows, &work.split, &work.widths);
        let head = forward::head(shape, rows, self.logit_bytes, &work.split, &work.widths);
        sum.plus(self.pass(&embedding, &work.split)).plus(self.pass(&head, &work.split))
    }

    /// The reading of the cache in a decode step of `requests` at a context.
    #[must_use]
    pub fn cache_read(&self, shape: &ModelShape, work: &InferenceWork, requests: f64, context: f64) -> KernelTime {
        self.cache_check(shape, work, (requests, 1.0), context)
    }

    /// The same where each request has several tokens to check: the cache is read once for all of them.
    #[must_use]
    pub fn cache_check(
        &self,
        shape: &ModelShape,
        work: &InferenceWork,
        (requests, tokens): (f64, f64),
        context: f64,
    ) -> KernelTime {
        let mut sum = KernelTime::default();
        for &(kind, count) in &work.kinds {
            if let Some(op) = decode::cache_read(shape, kind, requests, context, work.kv_bytes, &work.split) {
                let op = decode::checking(op, tokens);
                sum = sum.plus(KernelTime::of(&self.device.kernels, &op, Pass::Forward).times(count));
            }
        }
        sum
    }

    pub(super) fn pass(&self, block: &Work, split: &Split) -> PassTime {
        let kernels = &self.device.kernels;
        let mut time =
            PassTime { kernels: KernelTime::of_all(kernels, &block.ops, Pass::Forward), ..PassTime::default() };
        let mut around = Seconds::ZERO;
        for message in &block.messages {
            let seconds = self.message(message, split);
            match message.group {
                Group::Expert | Group::ExpertTensor => time.expert += seconds,
                Group::Context if message.collective == Collective::PointToPoint => around += seconds,
                Group::Context => time.context += seconds,
                Group::Tensor | Group::Pipeline | Group::Data => time.tensor += seconds,
            }
        }
        if around > Seconds::ZERO {
            let attention = training_messages::attention_time(&block.ops, Pass::Forward, &self.device);
            time.context += ring_exposed(around, attention, split.context, 0.0);
        }
        time
    }

    /// Time of a message; engines have kernels of their own that sum over tensor-parallel ranks and that send tokens to experts.
    #[must_use]
    pub fn message(&self, message: &Message, split: &Split) -> Seconds {
        if message.group == Group::Context {
            return training_messages::message_time(message, split, &self.device);
        }
        let ring = ring_of(message.group, split);
        let fabric = &self.device.accelerator.fabric;
        let collectives = &self.device.collectives;
        let once = match (&message.routed, message.collective) {
            (Some(routed), _) => collectives.exchange(routed, message.bytes, ring, fabric),
            (None, Collective::AllReduce) => collectives.engine_all_reduce(message.bytes, ring, fabric),
            (None, other) => collectives.time(other, message.bytes, ring, fabric),
        };
        once * message.count
    }
}
