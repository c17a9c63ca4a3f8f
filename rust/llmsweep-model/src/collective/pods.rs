//! Networks with less than full bisection: what a group gets of its ports where it spans several pods.
use super::Ring;
use crate::hardware::{Fabric, Pods};
use crate::work::Collective;

/// Share of its network rate that a group has.
///
/// All groups of a pod send at once and share what leaves it, `1/oversubscription` of the ports of all its devices. A ring leaves a pod once,
/// however many of its ranks are inside, so that its one crossing has the part of all of them: only groups with few ranks in each pod feel
/// the oversubscription. In an all-to-all every rank sends to every pod.
///
/// # Source
/// Pods of 3,072 GPUs, oversubscribed 1:7 above: Llama Team 2024, arXiv:2407.21783, section 3.3.1.
///
/// ```
/// # use llmsweep_model::collective::{Ring, network_share};
/// # use llmsweep_model::hardware::Pods;
/// # use llmsweep_model::work::Collective;
/// let pods = Pods { devices: 3072, oversubscription: 7.0 };
/// let share = |size, stride| network_share(Collective::AllReduce, Ring::new(size, stride), 8, pods);
/// // 1,024 ranks eight devices apart, 384 of them in a pod: seven times less would still be enough for one crossing.
/// assert_eq!(share(1024.0, 8.0), 1.0);
/// // Eight ranks 2,048 devices apart, each in a pod of its own; and a group inside one pod.
/// assert_eq!(share(8.0, 2048.0), 1.0 / 7.0);
/// assert_eq!(share(8.0, 8.0), 1.0);
/// ```
#[must_use]
pub fn network_share(collective: Collective, ring: Ring, node_devices: u32, pods: Pods) -> f64 {
    let (in_node, in_pod) = (ring.inside(node_devices), ring.inside(pods.devices));
    if in_pod >= ring.size {
        return 1.0;
    }
    let crossing = match collective {
        Collective::AllToAll => (ring.size - in_node) / (ring.size - in_pod),
        _ => in_pod / in_node,
    };
    (crossing / pods.oversubscription).min(1.0)
}

/// The fabric as a group sees it.
pub(super) fn seen_by(collective: Collective, ring: Ring, fabric: &Fabric, pods: Pods) -> Fabric {
    fabric.with_network_times(network_share(collective, ring, fabric.node_devices(), pods))
}
