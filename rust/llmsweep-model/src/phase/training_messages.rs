//! Training, level time: what the messages of one layer leave exposed.
use super::Device;
use super::training_times::{TrainingLayout, TrainingWork};
use crate::collective::Ring;
use crate::kernel::Pass;
use crate::memory::activations::Recompute;
use crate::parallel::context::{ContextExchange, ring_exposed};
use crate::quantity::Seconds;
use crate::system::TrainingSystem;
use crate::work::{Collective, Group, Kernel, Message, Op, Split, Work};

/// Exposed messages of one layer, both passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Exposed {
    pub(super) tensor: Seconds,
    pub(super) expert: Seconds,
    pub(super) context: Seconds,
    /// What they, exposed or not, take of the link to the network.
    pub(super) network: Seconds,
}

/// What the messages of a layer, the embedding or the LM head leave exposed.
pub(super) fn exposed(
    block: &Work,
    layout: &TrainingLayout,
    work: &TrainingWork,
    device: &Device,
    system: &TrainingSystem,
) -> Exposed {
    let passes = if layout.recompute == Recompute::Full { 3.0 } else { 2.0 };
    let exposed = if work.split.sequence_parallel { system.tensor_exposed_overlapped } else { system.tensor_exposed };
    let split = &work.split;
    let time = |group| group_time(block, group, split, device);
    let tensor = time(Group::Tensor) * passes;
    let expert = time(Group::Expert) * (passes / system.expert_all_to_all_ratio);
    let expert_tensor = time(Group::ExpertTensor) * passes;
    let once = time(Group::Context);
    // Backward, keys and values travel again with their gradients; an exchange of heads is its own reverse.
    let (context, all) = match split.context_exchange {
        ContextExchange::Ring => {
            let attention = attention_time(block, Pass::Forward, device);
            let backward = attention_time(block, Pass::Backward, device);
            let ring =
                |messages, attention| ring_exposed(messages, attention, split.context, system.overlap_compute_slowdown);
            (ring(once, attention) * (passes - 1.0) + ring(once * 2.0, backward), once * (passes + 1.0))
        }
        ContextExchange::AllGather => (once * (passes + 1.0), once * (passes + 1.0)),
        ContextExchange::AllToAll => (once * passes, once * passes),
    };
    let node = device.accelerator.fabric.node_devices();
    let leaving = |group, time: Seconds| if ring_of(group, split).leaves(node) { time } else { Seconds::ZERO };
    Exposed {
        tensor: tensor * exposed,
        expert: expert + expert_tensor,
        context,
        network: leaving(Group::Tensor, tensor)
            + leaving(Group::Expert, expert)
            + leaving(Group::ExpertTensor, expert_tensor)
            + leaving(Group::Context, all),
    }
}

fn attention_time(block: &Work, pass: Pass, device: &Device) -> Seconds {
    let scores = block.ops.iter().filter(|op| {
        matches!(op.kernel, Kernel::Attention(_) | Kernel::LatentAttention(..) | Kernel::UnfusedAttention(_))
    });
    let time = |op: &Op| match pass {
        Pass::Forward => device.kernels.busy_time(op, pass),
        Pass::Backward => device.kernels.busy_time(&op.backward(), pass),
    };
    scores.map(time).sum()
}

/// The ranks of a group as one layer sees them.
#[must_use]
pub fn ring_of(group: Group, split: &Split) -> Ring {
    match group {
        Group::Tensor => Ring::new(split.tensor, 1.0),
        Group::Context => Ring::new(split.context, split.tensor),
        Group::Expert => Ring::new(split.expert, split.expert_tensor),
        Group::ExpertTensor => Ring::new(split.expert_tensor, 1.0),
        Group::Pipeline | Group::Data => Ring::new(1.0, 1.0),
    }
}

/// Time of a message of one layer.
#[must_use]
pub fn message_time(message: &Message, split: &Split, device: &Device) -> Seconds {
    let ring = ring_of(message.group, split);
    let fabric = &device.accelerator.fabric;
    if message.collective == Collective::PointToPoint {
        // The slowest hop of a ring sets the pace.
        let reach = if ring.leaves(fabric.node_devices()) { ring.stride * (ring.size - 1.0) } else { ring.stride };
        return device.collectives.point_to_point(message.bytes, reach, fabric) * message.count;
    }
    device.collectives.time(message.collective, message.bytes, ring, fabric) * message.count
}

fn group_time(block: &Work, group: Group, split: &Split, device: &Device) -> Seconds {
    let messages = block.messages.iter().filter(|message| message.group == group);
    messages.map(|message| message_time(message, split, device)).sum()
}
