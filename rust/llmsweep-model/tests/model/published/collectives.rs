//! Collectives against nccl-tests and NCCL's own constants.
use crate::common::close;
use crate::common::hardware::{A100, B200, H100, Machine, tier};
use llmsweep_model::collective::Ring;
use llmsweep_model::hardware::{Fabric, LinkKind, Tier};
use llmsweep_model::law::RingLaw;
use llmsweep_model::quantity::{Bytes, BytesPerSec, Seconds};
use llmsweep_model::work::Collective::{self, AllGather, AllReduce, AllToAll, ReduceScatter};
use llmsweep_model::work::Routed;

fn time(machine: &Machine, collective: Collective, ranks: f64, stride: f64, bytes: f64) -> f64 {
    machine.collectives().time(collective, Bytes(bytes), Ring::new(ranks, stride), &machine.fabric()).0
}

/// Bus bandwidth of nccl-tests, in GB/s.
fn bus_at(machine: &Machine, collective: Collective, ranks: f64, bytes: f64) -> f64 {
    bytes * bus_share(collective, ranks) / time(machine, collective, ranks, 1.0, bytes) / 1e9
}

fn bus(machine: &Machine, collective: Collective, ranks: f64) -> f64 {
    bus_at(machine, collective, ranks, 536_870_912.0)
}

fn bus_share(collective: Collective, ranks: f64) -> f64 {
    (ranks - 1.0) / ranks * if collective == AllReduce { 2.0 } else { 1.0 }
}

/// nccl-tests at 512 MiB, bus bandwidth in GB/s (NVIDIA AIConfigurator's silicon data @095f58a51c4c; NCCL 2.27 to 2.29).
const MEASURED: [(Machine, Collective, f64, f64); 21] = [
    (A100, AllReduce, 2.0, 193.0),
    (A100, AllReduce, 4.0, 216.7),
    (A100, AllReduce, 8.0, 222.3),
    (A100, AllGather, 8.0, 205.3),
    (A100, ReduceScatter, 8.0, 212.8),
    (A100, AllToAll, 4.0, 194.9),
    (A100, AllToAll, 8.0, 203.1),
    (H100, AllReduce, 2.0, 318.3),
    (H100, AllReduce, 4.0, 350.2),
    (H100, AllReduce, 8.0, 445.0),
    (H100, AllGather, 8.0, 335.2),
    (H100, ReduceScatter, 8.0, 335.7),
    (H100, AllToAll, 4.0, 288.2),
    (H100, AllToAll, 8.0, 315.2),
    (B200, AllReduce, 2.0, 534.1),
    (B200, AllReduce, 4.0, 633.7),
    (B200, AllReduce, 8.0, 704.0),
    (B200, AllGather, 8.0, 617.0),
    (B200, ReduceScatter, 8.0, 612.9),
    (B200, AllToAll, 4.0, 488.0),
    (B200, AllToAll, 8.0, 563.1),
];

/// One law for all systems: within 15 %, half of the points within 3 %. A100's rings are the worst.
#[test]
fn nccl_tests_at_512_mebibytes() {
    let mut errors: Vec<f64> = MEASURED
        .iter()
        .map(|&(machine, collective, ranks, measured)| (bus(&machine, collective, ranks) / measured - 1.0).abs())
        .collect();
    errors.sort_by(f64::total_cmp);
    assert!(errors[20] < 0.15, "{errors:?}");
    assert!(errors[10] < 0.04, "{errors:?}");
}

/// Eight H100 sum in the switch (NVLS), which rings could not: 445 GB/s, over the 408 that they would reach at best.
#[test]
fn hopper_sums_in_the_switch() {
    close(bus(&H100, AllReduce, 8.0), 445.0, 0.05);
    let rings = Machine { switch_efficiency: 0.0, ..H100 };
    assert!(bus(&rings, AllReduce, 8.0) < 375.0);
    // nccl-tests with NVLS turned off on eight H200, 16 GiB: 367 GB/s (stas00/ml-engineering, network).
    close(bus_at(&rings, AllReduce, 8.0, 17_179_869_184.0), 367.2, 0.03);
}

/// The same data on eight PCI Express boards, 128 MiB: with peer-to-peer 24.1 GB/s of bus, through the host's memory 1.2 to 2.0.
#[test]
fn boards_without_peer_to_peer_are_ten_times_slower() {
    let over = |kind: LinkKind, link: f64, collective: Collective| {
        let fabric = Fabric::new(&[tier(kind, 8, link), tier(LinkKind::Network, u32::MAX, 50e9)]);
        let time = H100.collectives().time(collective, Bytes(134_217_728.0), Ring::new(8.0, 1.0), &fabric);
        134_217_728.0 * bus_share(collective, 8.0) / time.0
    };
    close(over(LinkKind::Pcie, 63e9, AllReduce), 24.1e9, 0.1);
    close(over(LinkKind::HostPcie, 31.5e9, AllGather), 1.18e9, 0.2);
    close(over(LinkKind::HostPcie, 31.5e9, AllReduce), 1.5e9, 0.3);
}

/// Two MI300X see one of seven links: 47.7 of 64 GB/s (stas00/ml-engineering, network); eight see all: 312.9 of 448.
#[test]
fn a_mesh_has_a_link_to_each_peer() {
    let xgmi = Tier { pair_bandwidth: BytesPerSec(64e9), ..tier(LinkKind::Mesh, 8, 448e9) };
    let fabric = Fabric::new(&[xgmi, tier(LinkKind::Network, u32::MAX, 50e9)]);
    for (ranks, measured) in [(2.0, 47.7e9), (8.0, 312.9e9)] {
        let bytes = 4_294_967_296.0;
        let time = H100.collectives().time(AllReduce, Bytes(bytes), Ring::new(ranks, 1.0), &fabric);
        close(bytes * bus_share(AllReduce, ranks) / time.0, measured, 0.07);
    }
}

/// DeepEP, low latency, on H100 (NVIDIA AIConfigurator's silicon data @095f58a51c4c), µs: tokens of a rank, nodes, dispatch in 8 bits, combine
/// in 16; 7,168 values, 8 of 256 experts.
#[test]
fn tokens_reach_their_experts() {
    for (tokens, nodes, dispatch, combine) in [
        (1.0, 1.0, 13.2e-6, 14.4e-6),
        (128.0, 1.0, 36.7e-6, 67.0e-6),
        (128.0, 2.0, 102.1e-6, 186.2e-6),
        (128.0, 8.0, 166.8e-6, 304.7e-6),
    ] {
        for (back, value_bytes, measured) in [(false, 1.03, dispatch), (true, 2.0, combine)] {
            let routed = Routed {
                bytes: Bytes(tokens * 7168.0 * value_bytes),
                top_k: 8.0,
                experts: 256.0,
                back,
                captured: true,
            };
            let ring = Ring::new(8.0 * nodes, 1.0);
            let time = H100.collectives().exchange(&routed, routed.bytes * 8.0, ring, &H100.fabric());
            close(time.0, measured, 0.3);
        }
    }
}

/// vLLM's all-reduce in a captured graph on eight devices (the same data), 16 KiB and 1 MiB.
#[test]
fn engines_sum_in_one_shot_or_two() {
    for (machine, small, large) in [(H100, 5.2e-6, 14.8e-6), (B200, 8.1e-6, 17.2e-6)] {
        let time = |bytes: f64| {
            machine.collectives().engine_all_reduce(Bytes(bytes), Ring::new(8.0, 1.0), &machine.fabric()).0
        };
        close(time(16_384.0), small, 0.4);
        close(time(1_048_576.0), large, 0.4);
    }
}

/// The same data's small-message times of an all-reduce, in µs: 24 % for A100, 5 % for the others.
#[test]
fn nccl_tests_latencies() {
    for (machine, ranks, measured, tolerance) in [
        (A100, 8.0, 21.5e-6, 0.25),
        (H100, 2.0, 6.3e-6, 0.05),
        (H100, 8.0, 15.7e-6, 0.05),
        (B200, 2.0, 10.3e-6, 0.05),
        (B200, 8.0, 25.6e-6, 0.05),
    ] {
        close(time(&machine, AllReduce, ranks, 1.0, 8.0), measured, tolerance);
    }
}

/// nccl-tests, PERFORMANCE.md: the bus carries `2(n−1)/n` of an all-reduce and `(n−1)/n` of the others.
#[test]
fn bus_factors() {
    let ideal = RingLaw {
        base: Seconds::ZERO,
        step: Seconds::ZERO,
        pair_efficiency: 1.0,
        ring_efficiency: 1.0,
        crowding: 0.0,
        root: 0.0,
        bulk_latency: 0.0,
        low_latency_share: 1.0,
    };
    for collective in [AllReduce, AllGather, ReduceScatter, AllToAll] {
        let time = ideal.seconds(collective, BytesPerSec(450e9), 8.0, Bytes(450e9));
        close(time.0, bus_share(collective, 8.0), 1e-12);
    }
}

/// NCCL src/graph/tuning.cc, `ncclTunerConstantsDefaults`, Simple protocol: base 8.4 µs, 14 µs per network step. A gather over 16 nodes of
/// one rank each takes 15 steps.
#[test]
fn ring_latency_between_nodes() {
    close(time(&H100, AllGather, 16.0, 8.0, 1.0), 8.4e-6 + 15.0 * 14e-6, 1e-4);
}

/// The same constants for trees: an all-reduce over 16 nodes goes up and down four levels.
#[test]
fn tree_latency_between_nodes() {
    close(time(&H100, AllReduce, 16.0, 8.0, 1.0), 8.4e-6 + 2.0 * 4.0 * 14e-6, 1e-4);
}

/// NVIDIA/nccl-tests issue 290: 46 to 48 GB/s of a 400 Gbit/s port. One rank per node uses one port.
#[test]
fn a_port_carries_48_gigabytes() {
    let bytes = 16e9;
    close(bytes * bus_share(AllGather, 2.0) / time(&H100, AllGather, 2.0, 8.0, bytes), 48e9, 0.01);
}
