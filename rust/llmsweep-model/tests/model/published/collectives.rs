//! Collectives against nccl-tests and NCCL's own constants.
use crate::common::close;
use crate::common::hardware::{A100, B200, H100, Machine};
use crate::common::software::collectives;
use llmsweep_model::collective::{CollectiveModel, Ring};
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::work::Collective::{self, AllGather, AllReduce, AllToAll, ReduceScatter};

fn time(machine: &Machine, collective: Collective, ranks: f64, stride: f64, bytes: f64) -> f64 {
    let model = collectives(machine.latency_factor);
    model.time(collective, Bytes(bytes), Ring::new(ranks, stride), &machine.fabric()).0
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

/// One law for all systems: within 18 %, the worst Hopper's all-reduce of eight, which sums in the switch (NVLS) and so beats the
/// rings of the law; half of the points within 4 %. Its own leave-one-system-out error over all sizes is 9.3 %.
#[test]
fn nccl_tests_at_512_mebibytes() {
    let bytes = 536_870_912.0;
    let mut errors: Vec<f64> = MEASURED
        .iter()
        .map(|(machine, collective, ranks, measured)| {
            let bus = bytes * bus_share(*collective, *ranks) / time(machine, *collective, *ranks, 1.0, bytes);
            (bus / (measured * 1e9) - 1.0).abs()
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    assert!(errors[20] < 0.18, "{errors:?}");
    assert!(errors[10] < 0.04, "{errors:?}");
}

/// The same data's small-message times of an all-reduce, in µs: 22 % for A100, 4 % for the others.
#[test]
fn nccl_tests_latencies() {
    for (machine, ranks, measured, tolerance) in [
        (A100, 8.0, 21.5e-6, 0.22),
        (H100, 2.0, 6.3e-6, 0.04),
        (H100, 8.0, 15.7e-6, 0.04),
        (B200, 2.0, 10.3e-6, 0.05),
        (B200, 8.0, 25.6e-6, 0.04),
    ] {
        close(time(&machine, AllReduce, ranks, 1.0, 8.0), measured, tolerance);
    }
}

/// nccl-tests, PERFORMANCE.md: the bus carries `2(n−1)/n` of an all-reduce and `(n−1)/n` of the others.
#[test]
fn bus_factors() {
    let free = CollectiveModel {
        base: Seconds::ZERO,
        step: Seconds::ZERO,
        all_to_all_doubling: Seconds::ZERO,
        root_coefficient: 0.0,
        efficiency: [1.0; 4],
        efficiency_loss: 0.0,
        ..collectives(1.0)
    };
    for collective in [AllReduce, AllGather, ReduceScatter, AllToAll] {
        let time = free.time(collective, Bytes(450e9), Ring::new(8.0, 1.0), &H100.fabric());
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
