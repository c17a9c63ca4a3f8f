//! Messages.
use super::layouts::power;
use crate::common::hardware::{H100, Machine, tier};
use crate::common::software::collectives;
use llmsweep_model::collective::Ring;
use llmsweep_model::hardware::{Fabric, LinkKind, Pods};
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::work::Collective;
use proptest::prelude::*;
use proptest::sample::select;

fn collective() -> impl Strategy<Value = Collective> {
    use Collective::{AllGather, AllReduce, AllToAll, ReduceScatter};
    select(vec![AllReduce, AllGather, ReduceScatter, AllToAll])
}

fn time(machine: &Machine, collective: Collective, bytes: f64, ring: Ring) -> Seconds {
    machine.collectives().time(collective, Bytes(bytes), ring, &machine.fabric())
}

proptest! {
    #[test]
    fn more_bytes_take_longer(kind in collective(), n in power(9), stride in power(4), bytes in 1.0..1e11_f64, more in 1.0..100.0_f64) {
        let ring = Ring::new(f64::from(n), f64::from(stride));
        prop_assert!(time(&H100, kind, bytes * more, ring) >= time(&H100, kind, bytes, ring));
    }

    #[test]
    fn more_bandwidth_takes_no_longer(
        kind in collective(), n in power(9), stride in power(4), bytes in 1.0..1e11_f64, link in 1.0..4.0_f64, network in 1.0..4.0_f64,
    ) {
        let ring = Ring::new(f64::from(n), f64::from(stride));
        let faster = Machine { link: H100.link * link, network: H100.network * network, ..H100 };
        prop_assert!(time(&faster, kind, bytes, ring) <= time(&H100, kind, bytes, ring));
    }

    /// A rank sends and receives its share of the buffer through its links, all of them at once at best.
    #[test]
    fn links_are_never_outrun(kind in collective(), n in power(9), stride in power(4), bytes in 1.0..1e12_f64) {
        let ring = Ring::new(f64::from(n), f64::from(stride));
        // A sum in the switch takes the buffer once, and each rank's part of the sum once more.
        let share = if kind == Collective::AllReduce && ring.size > 1.0 { 1.0 } else { (ring.size - 1.0) / ring.size };
        prop_assert!(time(&H100, kind, bytes, ring).0 >= share * bytes / (H100.link + H100.network));
    }

    /// Where ranks sit on different nodes, the node's ports carry at least what leaves it.
    #[test]
    fn ports_are_never_outrun(kind in collective(), doublings in 1..7_u32, bytes in 1.0..1e12_f64) {
        let nodes = 1_u32 << doublings;
        let ring = Ring::new(8.0 * f64::from(nodes), 1.0);
        let others = (ring.size - 8.0) / ring.size;
        // A node receives what it lacks of the whole buffer; in an all-to-all each of its ranks sends what leaves.
        let leaves = if kind == Collective::AllToAll { 8.0 * bytes * others } else { bytes * (1.0 - 1.0 / f64::from(nodes)) };
        prop_assert!(time(&H100, kind, bytes, ring).0 >= leaves / (8.0 * H100.network));
    }

    #[test]
    fn one_domain_beats_two_islands(kind in collective(), bytes in 1.0..1e11_f64, outer in select(vec![LinkKind::Network, LinkKind::Pcie]), factor in 0.7..1.2_f64) {
        let model = collectives(factor, H100.switch_efficiency);
        let ring = Ring::new(8.0, 1.0);
        let network = tier(LinkKind::Network, u32::MAX, 50e9);
        let domain = Fabric::new(&[tier(LinkKind::Switched, 8, 450e9), network]);
        let span = if outer == LinkKind::Network { u32::MAX } else { 8 };
        let bridge = tier(outer, span, 50e9);
        let islands = Fabric::new(&[tier(LinkKind::Switched, 4, 450e9), bridge]);
        prop_assert!(model.time(kind, Bytes(bytes), ring, &islands) > model.time(kind, Bytes(bytes), ring, &domain));
        prop_assert!(model.engine_all_reduce(Bytes(bytes), ring, &islands) > model.engine_all_reduce(Bytes(bytes), ring, &domain));
    }

    /// A network with less than full bisection is never faster, and as fast inside a pod.
    #[test]
    fn oversubscription_is_never_faster(
        kind in collective(), n in power(12), stride in power(6), bytes in 1.0..1e11_f64, pod in 5..12_u32, over in 1.0..16.0_f64,
    ) {
        let ring = Ring::new(f64::from(n), f64::from(stride));
        let pods = |oversubscription| Pods { devices: 1 << pod, oversubscription };
        let time = |oversubscription: f64| {
            H100.collectives().time(kind, Bytes(bytes), ring, &H100.fabric().with_pods(pods(oversubscription)))
        };
        let full = H100.collectives().time(kind, Bytes(bytes), ring, &H100.fabric());
        prop_assert_eq!(time(1.0), full);
        prop_assert!(time(over) >= full && time(2.0 * over) >= time(over));
        if !ring.leaves(1 << pod) {
            prop_assert_eq!(time(over), full);
        }
    }

    #[test]
    fn a_group_of_one_says_nothing(kind in collective(), bytes in 0.0..1e12_f64) {
        prop_assert_eq!(time(&H100, kind, bytes, Ring::new(1.0, 8.0)), Seconds::ZERO);
    }
}

/// Devices with nothing but a network pay the network's latency even between two of them.
#[test]
fn a_lone_network_is_a_network() {
    let fabric = Fabric::new(&[tier(LinkKind::Network, u32::MAX, 50e9)]);
    let time = H100.collectives().time(Collective::AllReduce, Bytes(8.0), Ring::new(2.0, 1.0), &fabric);
    assert!(time.0 >= 8.4e-6 + 14e-6);
}
