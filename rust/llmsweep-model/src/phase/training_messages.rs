//! Training, level time: what the messages of one layer leave exposed.
use super::Device;
use super::training_times::TrainingWork;
use crate::collective::Ring;
use crate::kernel::Pass;
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
    /// Time that these messages, exposed or not, hold the link to the network.
    pub(super) network: Seconds,
}

/// What the messages of a layer, the embedding or the LM head leave exposed.
pub(super) fn exposed(
    block: &Work,
    backward: &[Op],
    again: &Work,
    work: &TrainingWork,
    device: &Device,
    system: &TrainingSystem,
) -> Exposed {
    let share = if work.split.sequence_parallel { system.tensor_exposed_overlapped } else { system.tensor_exposed };
    let split = &work.split;
    // Every message travels forward, backward and, where its module runs again, once more.
    let all = |group: Group| group_time(block, group, split, device) * 2.0 + group_time(again, group, split, device);
    let (tensor, expert_tensor) = (all(Group::Tensor), all(Group::ExpertTensor));
    // Beside kernels, the exchange of tokens is slower than alone.
    let expert = all(Group::Expert) / system.expert_all_to_all_ratio;
    let once = group_time(block, Group::Context, split, device);
    let repeated = group_time(again, Group::Context, split, device);
    // Backward, keys and values travel again with their gradients; an exchange of heads is its own reverse.
    let (context, around) = match split.context_exchange {
        ContextExchange::Ring => {
            let ring =
                |messages, attention| ring_exposed(messages, attention, split.context, system.overlap_compute_slowdown);
            let exposed = ring(once, attention_time(&block.ops, Pass::Forward, device))
                + ring(repeated, attention_time(&again.ops, Pass::Forward, device))
                + ring(once * 2.0, attention_time(backward, Pass::Backward, device));
            (exposed, once * 3.0 + repeated)
        }
        ContextExchange::AllGather => (once * 3.0 + repeated, once * 3.0 + repeated),
        ContextExchange::AllToAll => (once * 2.0 + repeated, once * 2.0 + repeated),
    };
    let node = device.accelerator.fabric.node_devices();
    let leaving = |group, time: Seconds| if ring_of(group, split).leaves(node) { time } else { Seconds::ZERO };
    Exposed {
        tensor: tensor * share,
        expert: expert * system.expert_exposed + expert_tensor,
        context,
        network: leaving(Group::Tensor, tensor)
            + leaving(Group::Expert, expert)
            + leaving(Group::ExpertTensor, expert_tensor)
            + leaving(Group::Context, around),
    }
}

/// Time of the scores among operations.
pub(super) fn attention_time(ops: &[Op], pass: Pass, device: &Device) -> Seconds {
    let scores = ops.iter().filter(|op| {
        matches!(op.kernel, Kernel::Attention(_) | Kernel::LatentAttention(..) | Kernel::UnfusedAttention(_))
    });
    scores.map(|op| device.kernels.busy_time(op, pass)).sum()
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

/// Time of a message of one layer, nothing beside it. Tokens travel to their experts and back by the library's all-to-all, or by kernels made
/// for it where those are faster.
#[must_use]
pub fn message_time(message: &Message, split: &Split, device: &Device) -> Seconds {
    let ring = ring_of(message.group, split);
    let fabric = &device.accelerator.fabric;
    let collectives = &device.collectives;
    if message.collective == Collective::PointToPoint {
        // The slowest hop of a ring sets the pace.
        let reach = if ring.leaves(fabric.node_devices()) { ring.stride * (ring.size - 1.0) } else { ring.stride };
        return collectives.point_to_point(message.bytes, reach, fabric) * message.count;
    }
    let library = collectives.time(message.collective, message.bytes, ring, fabric);
    let once = match &message.routed {
        Some(routed) => library.min(collectives.exchange(routed, message.bytes, ring, fabric)),
        None => library,
    };
    once * message.count
}

fn group_time(block: &Work, group: Group, split: &Split, device: &Device) -> Seconds {
    let messages = block.messages.iter().filter(|message| message.group == group);
    messages.map(|message| message_time(message, split, device)).sum()
}
