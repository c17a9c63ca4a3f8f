//! Software: the catalogue's constants of collectives, training and serving.
use llmsweep_model::collective::{CollectiveModel, OneShot};
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::system::{ServingEngine, TrainingSystem};

pub(crate) fn collectives(latency_factor: f64) -> CollectiveModel {
    CollectiveModel {
        base: Seconds(6.57e-6),
        step: Seconds(1.10e-6),
        all_to_all_doubling: Seconds(1.77e-6),
        latency_factor,
        root_coefficient: 3.59e-3,
        efficiency: [0.958, 0.866, 0.848, 0.819],
        efficiency_loss: 0.61,
        pcie_pair_efficiency: 0.62,
        pcie_efficiency: 0.40,
        mesh_efficiency: 0.70,
        network_base: Seconds(8.4e-6),
        network_inner_step: Seconds(3.4e-6),
        network_step: Seconds(14e-6),
        network_efficiency: 0.96,
        network_inner_share: 0.80,
        network_all_to_all_efficiency: 0.92,
        one_shot: Some(OneShot {
            base: Seconds(5.12e-6),
            doubling: Seconds(2.56e-6),
            efficiency: 0.70,
            two_shot_latency: 1.8,
        }),
    }
}

pub(crate) fn training() -> TrainingSystem {
    TrainingSystem {
        host_launch: Seconds(6e-6),
        layer_launches: 26.0,
        expert_layer_floor: Seconds(8e-3),
        tensor_exposed_overlapped: 0.23,
        tensor_exposed: 1.0,
        expert_all_to_all_ratio: 0.70,
        expert_imbalance: 1.0,
        logit_bytes: 12.0,
        gradient_accumulation_bytes: 8.0,
        gradient_message_bytes: 4.0,
        fragmentation: 1.04,
        context: Bytes(2.5e9),
        grouped_compute_ratio: 0.77,
    }
}

/// vLLM's.
pub(crate) fn serving() -> ServingEngine {
    ServingEngine {
        host_step: Seconds(0.81e-3),
        host_request: Seconds(5e-6),
        memory_fraction: 0.90,
        reserve: Bytes(3e9),
        fraction_of_free: false,
        output_reserved: 0.6,
        block_tokens: 16.0,
        first_token: Seconds(19e-3),
        first_token_layer: Seconds(0.26e-3),
        first_token_expert_layer: Seconds(1.2e-3),
        burst_requests: 10.0,
        burst_weight: 1.4,
        queue_weight: 0.85,
        routing_independence: 0.69,
        grouped_compute_ratio: 0.41,
        logit_bytes: 4.0,
    }
}
