//! What devices send each other.
use crate::common::hardware::H100;
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{gpt3_175b, llama2_70b};
use crate::common::{close, precision};
use llmsweep_model::memory::state::GradientPrecision;
use llmsweep_model::phase::inference::times::InferenceWork;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::phase::training_traffic::Traffic;
use llmsweep_model::precision::{KvPrecision, Quantised};

fn sent(layout: TrainingLayout, setup: &TrainingSetup) -> Traffic {
    train(&gpt3_175b(), &H100, layout, setup).expect("runs").traffic
}

/// Narayanan et al. 2021, arXiv:2104.04473, section 3.2: `8·b·s·h·(t−1)/t` values per layer, device and micro-batch between tensor-parallel
/// ranks, and `b·s·h` per micro-batch and direction between stages, here with scatter and gather (section 4.1) a t-th of it.
#[test]
fn tensor_and_pipeline_ranks_send_what_megatron_counts() {
    let (t, p, m) = (8.0, 16.0, 4.0);
    let layout = TrainingLayout { tensor: 8, sequence_parallel: true, ..ONE };
    let setup = TrainingSetup { devices: 128, pipeline: 16, global_batch: 4, zero_stage: 1, ..STEP };
    let traffic = sent(layout, &setup);
    let values = 2048.0 * 12288.0;
    let of_layers = 8.0 * values * (t - 1.0) / t * (96.0 / p) * 2.0 * m;
    // The last stage gathers tokens for its logits as well, and scatters their gradients: 2·b·s·h·(t−1)/t in the same way.
    let of_logits = 2.0 * values * (t - 1.0) / t * 2.0 * m;
    close(traffic.tensor, of_layers + of_logits, 1e-12);
    close(traffic.pipeline, values / t * 2.0 * m, 1e-12);
    assert!(traffic.data.eq(&0.0) && traffic.expert.eq(&0.0) && traffic.context.eq(&0.0));
}

/// Rajbhandari et al. 2020, arXiv:1910.02054, section 7: 2Ψ without ZeRO and with its first stages, 3Ψ with the third, Ψ values of two
/// bytes on each of many ranks.
#[test]
fn zero_3_sends_half_as_much_again() {
    let layout = TrainingLayout { tensor: 8, gradient: GradientPrecision::Bf16, ..ONE };
    let data = |zero_stage| {
        let setup = TrainingSetup { devices: 128 * 16, pipeline: 16, global_batch: 16, zero_stage, ..STEP };
        sent(layout, &setup).data
    };
    let plain = data(0);
    close(plain, data(1), 1e-12);
    close(plain, data(2), 1e-12);
    close(data(3), 1.5 * plain, 1e-12);
    // Sixteen ranks send 2·15/16 of the busiest stage's parameters.
    let stage = plain / (2.0 * 2.0 * 15.0 / 16.0);
    assert!(stage > 174.6e9 / 128.0 && stage < 1.2 * 174.6e9 / 128.0, "{stage}");
}

/// Llama 2 70B on two devices: two sums of 8,192 values a layer, 80 layers, in 16 bits: 2.6 MB per token; the table of inputs is summed
/// too.
#[test]
fn two_devices_of_a_70b_send_2_6_megabytes_per_token() {
    let cache = KvPrecision::by_name("fp16").expect("there is fp16");
    let work =
        InferenceWork::count(&llama2_70b(), precision("fp16"), Quantised::Usual, cache, (2, 1, 1)).expect("divides");
    close(work.sent_bytes_per_token, 2.0 * 80.0 * 8192.0 * 2.0 + 8192.0 * 2.0, 1e-12);
}
