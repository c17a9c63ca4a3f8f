//! Training: bytes that a device sends in one step, by the ranks that it sends them to. Counted as work is: no hardware is asked.
use super::training::Counted;
use super::training_messages::ring_of;
use super::training_stage::TrainingStage;
use crate::collective::Ring;
use crate::law::bus_factor;
use crate::memory::state::DeviceParameters;
use crate::parallel::context::ContextExchange;
use crate::parallel::pipeline::MAX_KINDS;
use crate::work::backward::Backward;
use crate::work::recipe::Passes;
use crate::work::{Collective, Group, Split, Work};

/// Bytes that one device sends. \[B\]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// To its tensor-parallel ranks.
    pub tensor: f64,
    /// To experts and back.
    pub expert: f64,
    /// To its context-parallel ranks.
    pub context: f64,
    /// To neighbouring pipeline stages.
    pub pipeline: f64,
    /// To its data-parallel ranks: gradients and weights.
    pub data: f64,
}

impl Traffic {
    /// Of one block of layers for one micro-batch: forward, backward, and once more what runs again. Around a ring, and where they are
    /// gathered, keys and values travel forward, and backward with their gradients; an exchange of heads is its own reverse.
    #[must_use]
    pub fn of_block(block: &Work, again: &Work, split: &Split) -> Self {
        let passes = |group, passes: f64| sent(block, group, split) * passes + sent(again, group, split);
        let around = if split.context_exchange == ContextExchange::AllToAll { 2.0 } else { 3.0 };
        Self {
            tensor: passes(Group::Tensor, 2.0),
            expert: passes(Group::Expert, 2.0) + passes(Group::ExpertTensor, 2.0),
            context: passes(Group::Context, around),
            ..Self::default()
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.tensor + self.expert + self.context + self.pipeline + self.data
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tensor: self.tensor + other.tensor,
            expert: self.expert + other.expert,
            context: self.context + other.context,
            pipeline: self.pipeline + other.pipeline,
            data: self.data + other.data,
        }
    }

    /// `factor` times it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            tensor: self.tensor * factor,
            expert: self.expert * factor,
            context: self.context * factor,
            pipeline: self.pipeline * factor,
            data: self.data * factor,
        }
    }
}

/// What the blocks of a model send for one micro-batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlocksTraffic {
    /// One layer of each kind.
    pub layers: [Traffic; MAX_KINDS],
    /// The same where nothing is run again.
    pub plain: [Traffic; MAX_KINDS],
    /// The embedding.
    pub embedding: Traffic,
    /// The LM head.
    pub head: Traffic,
    /// All prediction layers, without their logits.
    pub prediction: Traffic,
}

impl BlocksTraffic {
    /// Of the layers of each kind, and of embedding, LM head and prediction layers.
    #[must_use]
    pub fn of(
        (layers, backward): (&[Work], &[Backward]),
        [embedding, head, prediction]: [&Passes; 3],
        split: &Split,
    ) -> Self {
        let nothing = Work::default();
        let once = |passes: &Passes| Traffic::of_block(&passes.forward, &passes.backward.again, split);
        let mut sum =
            Self { embedding: once(embedding), head: once(head), prediction: once(prediction), ..Self::default() };
        for (index, (layer, backward)) in layers.iter().zip(backward).enumerate() {
            sum.layers[index] = Traffic::of_block(layer, &backward.again, split);
            sum.plain[index] = Traffic::of_block(layer, &nothing, split);
        }
        sum
    }
}

/// What a device sends to a group in one pass of a block.
pub(in crate::phase) fn sent(block: &Work, group: Group, split: &Split) -> f64 {
    let messages = block.messages.iter().filter(|message| message.group == group);
    messages
        .map(|message| {
            bus_factor(message.collective, ring_of(group, split).size.max(1.0)) * message.bytes.0 * message.count
        })
        .sum()
}

impl Counted<'_> {
    /// What a device of the stage that sends most sends in one step.
    ///
    /// Gradients: `2(d−1)/d` of a shard of the model in one all-reduce, or in the scatter and gather that ZeRO makes of it. ZeRO-2 scatters
    /// after every micro-batch; ZeRO-3 also gathers weights for each pass (Rajbhandari et al. 2020, arXiv:1910.02054, section 7).
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let stages = self.stages.iter().map(|stage| self.sent_by(stage));
        stages.fold(Traffic::default(), |most, sent| if sent.total() > most.total() { sent } else { most })
    }

    fn sent_by(&self, stage: &TrainingStage) -> Traffic {
        let Self { work, setup, groups, .. } = *self;
        let (m, share) = (groups.micro_batches, 1.0 / setup.schedule.copies());
        let ends = f64::from(u8::from(stage.class.first) + u8::from(stage.class.last));
        // Each chunk sends its result on and its input's gradient back, but for what comes first and last.
        let hops = if setup.pipeline == 1 { 0.0 } else { 2.0 * f64::from(setup.virtual_pipeline) - ends * share };
        Traffic {
            pipeline: hops * work.stage_message.0 * m,
            data: self.exchanged(stage),
            ..stage.sent.times(share * m)
        }
    }

    fn exchanged(&self, stage: &TrainingStage) -> f64 {
        let Self { precision, system, setup, groups, bytes, .. } = *self;
        let (trained, held) = (&stage.parameters.trained, &stage.parameters.held);
        let (gradient, plain) = (system.gradient_message_bytes.min(bytes.gradient), precision.unquantised_bytes());
        let (dense, experts, m) = (&groups.dense, &groups.experts, groups.micro_batches);
        let of = |collective, parameters: &DeviceParameters, (dense, experts): (Ring, Ring), width: f64| {
            let one = |parameters: f64, ring: Ring| parameters * bus_factor(collective, ring.size);
            (one(parameters.dense, dense) + one(parameters.experts, experts)) * width
        };
        if setup.zero_stage == 0 {
            let rings = (groups.placement.data_ring(), groups.placement.expert_data_ring());
            return of(Collective::AllReduce, trained, rings, gradient);
        }
        let shards = (dense.shards, experts.shards);
        let part = DeviceParameters {
            dense: trained.dense / dense.shards.size,
            experts: trained.experts / experts.shards.size,
        };
        let sum = of(Collective::AllReduce, &part, (dense.copies, experts.copies), gradient);
        let scatter = of(Collective::ReduceScatter, trained, shards, gradient);
        let gather = |parameters: &DeviceParameters, width| of(Collective::AllGather, parameters, shards, width);
        match setup.zero_stage {
            1 => scatter + sum + gather(trained, plain),
            2 => scatter * m + sum + gather(trained, plain),
            _ => scatter * m + sum + gather(held, bytes.weight.min(plain)) * 2.0 * m,
        }
    }
}
