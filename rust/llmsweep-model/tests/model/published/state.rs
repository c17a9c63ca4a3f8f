//! Weights, gradients and optimizer state.
use crate::common::shapes::{deepseek_v3, llama2_7b, mixtral_8x7b};
use crate::common::{close, precision};
use llmsweep_model::memory::state::{DeviceParameters, ModelState, Optimizer, StateBytes, table_parameters};

/// Rajbhandari et al. 2020, ZeRO, arXiv:1910.02054, figure 1: 7.5 B parameters on 64 devices, fp16 gradients, K = 12.
/// The figure prints two or three digits.
#[test]
fn zero_figure_1() {
    let zero_paper = StateBytes { weight: 2.0, gradient: 2.0, optimizer: 12.0 };
    let parameters = DeviceParameters { dense: 7.5e9, experts: 0.0 };
    for (stage, gigabytes, tolerance) in [(0, 120.0, 1e-9), (1, 31.4, 2e-3), (2, 16.6, 3e-3), (3, 1.9, 2e-2)] {
        let state = ModelState::of(&parameters, &zero_paper, stage, 64.0, 64.0);
        close(state.total() / 1e9, gigabytes, tolerance);
    }
}

/// Megatron-LM's distributed-optimizer documentation, table of bytes per parameter: bf16 with fp32 gradients takes 18, or `6 + 12/d`.
#[test]
fn megatron_takes_18_bytes_or_6_and_12_over_d() {
    let bytes = StateBytes::of(precision("bf16"), Optimizer::AdamW);
    let one = DeviceParameters { dense: 1.0, experts: 0.0 };
    close(ModelState::of(&one, &bytes, 0, 8.0, 8.0).total(), 18.0, 1e-12);
    close(ModelState::of(&one, &bytes, 1, 8.0, 8.0).total(), 6.0 + 12.0 / 8.0, 1e-12);
}

/// Dettmers et al. 2021, arXiv:2110.02861, section 1: two moments of 8 bits in place of 32, so 2 bytes in place of 8.
#[test]
fn eight_bit_moments_save_six_bytes() {
    assert!((Optimizer::AdamW.moment_bytes() - Optimizer::AdamW8bit.moment_bytes() - 6.0).abs() < 1e-12);
}

/// "A 7B in fp16 needs 13.5 GB": Llama-2-7B's 6,738,415,616 parameters, the released checkpoint's size.
#[test]
fn a_7b_in_fp16_takes_13_5_gigabytes() {
    let shape = llama2_7b();
    assert!((shape.parameters() - 6_738_415_616.0).abs() < 0.5);
    close(shape.parameters() * precision("fp16").weight_bytes(), 13.5e9, 2e-3);
}

/// Jiang et al. 2024, arXiv:2401.04088, section 1: 47 B parameters, 13 B active; the release notes say 46.7 B and 12.9 B.
#[test]
fn mixtral_has_46_7_billion_and_12_9_active() {
    let shape = mixtral_8x7b();
    close(shape.parameters(), 46.7e9, 1e-3);
    close(shape.active_parameters().with_embeddings, 12.9e9, 2e-3);
}

/// DeepSeek-V3's release: "671B main model weights and 14B multi-token-prediction module weights", whose copy of table and head counts.
/// 13.5 against 14, printed without decimals.
#[test]
fn deepseek_v3_has_14_billion_for_multi_token_prediction() {
    let shape = deepseek_v3();
    close(shape.parameters(), 671e9, 1e-3);
    close(shape.mtp_parameters() + 2.0 * table_parameters(&shape), 14e9, 0.04);
}
