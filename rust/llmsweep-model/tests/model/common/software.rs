//! Software: the catalogue's constants of collectives, training and serving.
use llmsweep_model::collective::{CollectiveModel, ExchangeKernels, Exchanges, Library, Network};
use llmsweep_model::law::{
    AllGatherLaw, AllReduceLaw, AllToAllLaw, CombineLaw, DispatchLaw, EngineAllReduceLaw, Law, ReduceScatterLaw,
    RingLaw,
};
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::{Bytes, BytesPerSec, Seconds};
use llmsweep_model::system::{ServingEngine, TrainingSystem};

/// Start of a kernel inside a captured graph.
pub(super) const KERNEL_START: Seconds = Seconds(2.35e-6);

/// A law on rings: the coefficients in the order of its family.
fn ring<L: Law>(coefficients: [f64; 8], ring: impl Fn(L) -> RingLaw) -> RingLaw {
    ring(L::of(&coefficients))
}

/// Of a switched domain.
fn switched() -> Library {
    Library {
        all_reduce: AllReduceLaw::of(&[6.84e-6, 1.14e-6, 0.624, 0.834, 0.0, 7.7e-5, 1.56, 0.458, 7.2e-5, 0.0]),
        all_gather: ring::<AllGatherLaw>([6.63e-6, 1.2e-6, 0.563, 0.831, 0.0, 1.39e-3, 1.35, 0.464], |law| law.0),
        reduce_scatter: ring::<ReduceScatterLaw>([6.73e-6, 1.17e-6, 0.49, 0.801, 0.0, 6.2e-4, 1.38, 0.485], |law| {
            law.0
        }),
        all_to_all: ring::<AllToAllLaw>([8.05e-6, 5.37e-7, 0.473, 0.811, 0.02, 1.77e-3, 0.408, 0.036], |law| law.0),
    }
}

/// Of PCI Express from device to device.
fn pcie() -> Library {
    Library {
        all_reduce: AllReduceLaw::of(&[3.12e-6, 1.57e-6, 0.6, 0.355, 1e-3, 1.7e-4, 1.58, 0.553, 7.2e-5, 0.0]),
        all_gather: ring::<AllGatherLaw>([4.17e-6, 1.57e-6, 0.511, 0.352, 1e-3, 1.6e-4, 1.49, 0.468], |law| law.0),
        reduce_scatter: ring::<ReduceScatterLaw>([4.01e-6, 1.65e-6, 0.492, 0.353, 0.084, 0.0, 1.69, 0.498], |law| {
            law.0
        }),
        all_to_all: ring::<AllToAllLaw>([4.33e-6, 1.76e-6, 0.432, 0.445, 0.315, 8.6e-4, 0.344, 0.278], |law| law.0),
    }
}

/// Of PCI Express through the host's memory.
fn host() -> Library {
    Library {
        all_reduce: AllReduceLaw::of(&[4.2e-6, 1.14e-6, 0.636, 0.812, 3.46, 0.0, 2.31, 0.637, 7.2e-5, 0.0]),
        all_gather: ring::<AllGatherLaw>([5.16e-6, 1.01e-6, 0.62, 0.9, 4.23, 0.0, 2.1, 0.635], |law| law.0),
        reduce_scatter: ring::<ReduceScatterLaw>([5.1e-6, 1.04e-6, 0.602, 0.9, 3.71, 0.0, 2.55, 0.596], |law| law.0),
        all_to_all: ring::<AllToAllLaw>([6.82e-6, 1.2e-6, 0.72, 0.9, 4.34, 0.0, 1.85, 0.527], |law| law.0),
    }
}

fn exchanges() -> Exchanges {
    Exchanges {
        low_latency: ExchangeKernels {
            dispatch: DispatchLaw::of(&[1.28e-5, 1.13e-8, 0.695, 1.7e-5, 0.98, 0.0, 8e-4]).0,
            combine: CombineLaw::of(&[1.28e-5, 7.6e-9, 0.732, 1.9e-5, 0.93, 0.0, 6.4e-4]).0,
        },
        bulk: ExchangeKernels {
            dispatch: DispatchLaw::of(&[3.1e-5, 0.0, 0.41, 1.05e-5, 0.97, 0.144, 1.34e-3]).0,
            combine: CombineLaw::of(&[3.67e-5, 2.3e-9, 0.511, 2.6e-5, 0.893, 0.0, 3.35e-3]).0,
        },
    }
}

/// Of an architecture with these latencies and this sum in the switch.
pub(crate) fn collectives(latency_factor: f64, switch_efficiency: f64) -> CollectiveModel {
    CollectiveModel {
        switched: switched(),
        pcie: pcie(),
        host: host(),
        mesh_efficiency: 0.70,
        point_latency: Seconds(6.57e-6),
        point_efficiency: [0.866, 0.70, 0.62],
        network: Network {
            base: Seconds(8.4e-6),
            inner_step: Seconds(3.4e-6),
            step: Seconds(14e-6),
            efficiency: 0.96,
            inner_share: 0.80,
            all_to_all_efficiency: 0.92,
        },
        own: Some(EngineAllReduceLaw::of(&[3.59e-6, 3.9e-7, 0.528, 4.18e-7, 4.55e-7, 0.673, 0.845, 0.0, 2.81e-3])),
        exchanges: Some(exchanges()),
    }
    .of_architecture(latency_factor, switch_efficiency)
}

pub(crate) fn training() -> TrainingSystem {
    TrainingSystem {
        host_launch: Seconds(6e-6),
        host_exposed: 0.0,
        layer_launches: 26.0,
        tensor_launches: 0.0,
        expert_layer_floor: Seconds(8e-3),
        tensor_exposed_overlapped: 0.23,
        tensor_exposed: 1.0,
        expert_all_to_all_ratio: 0.70,
        expert_exposed: 1.0,
        expert_imbalance: 1.0,
        logit_bytes: 8.0,
        gradient_accumulation_bytes: 8.0,
        gradient_message_bytes: 4.0,
        cast_bytes: 6.0,
        cast_ratio_mxfp8: 1.3,
        cast_ratio_nvfp4: 0.85,
        host_memory_bandwidth: BytesPerSec(50e9),
        cached: 1.04,
        fragmentation: 1.0,
        context: Bytes(1.0e9),
        communicator: Bytes(0.31e9),
        gradient_copy_bytes: 0.0,
        stage_results_kept: 0.0,
        bucket_parameters: 40e6,
        bucket_parameters_per_rank: 1e6,
        paired_exposed: 20.0 / 132.0,
        bucket_bytes: 0.0,
        data_overlap: 1.0,
        overlap_compute_slowdown: 0.138,
        straggler_sigma: 0.0,
    }
}

/// vLLM's.
pub(crate) fn serving() -> ServingEngine {
    ServingEngine {
        host_step: Seconds(0.81e-3),
        host_request: Seconds(5e-6),
        kernel_start: KERNEL_START,
        memory_fraction: 0.90,
        reserve: Bytes(3e9),
        cache_fraction: 1.0,
        output_reserved: 0.6,
        block_tokens: 16.0,
        first_token: Seconds(28e-3),
        first_token_steps: 3.0,
        admission_share: 0.88,
        burst_requests: 10.0,
        queue_weight: 0.78,
        routing_independence: 0.6,
        prompt_independence: 0.35,
        logit_bytes: 4.0,
        max_batch: 1024.0,
        max_batched_tokens: 8192.0,
        pool_rank_imbalance: 1.4,
        compute_ratio: 1.0,
        ..ServingEngine::default()
    }
}

/// How clusters are run: the catalogue's `systems/operations.toml`.
pub(crate) const fn operations() -> Operations {
    Operations {
        checkpoint_device_bandwidth: BytesPerSec(1e9),
        checkpoint_storage_bandwidth: BytesPerSec(2e12),
        checkpoint_asynchronous_share: 0.0,
        detection: Seconds(300.0),
        restart: Seconds(300.0),
        repair: Seconds(1800.0),
        hardware_failure_share: 0.78,
        node_devices: 8.0,
        host_power_share: 0.82,
        idle_power_share: 0.1,
        pue: 1.2,
        usd_per_kwh: 0.08,
        kg_co2_per_kwh: 0.373,
        capital_overhead: 1.6,
        amortisation_years: 4.0,
        busy_share: 0.8,
        operations_share_per_year: 0.05,
    }
}
