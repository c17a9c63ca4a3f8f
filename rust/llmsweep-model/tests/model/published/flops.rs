//! FLOPs of training.
use crate::common::close;
use crate::common::run::{ONE, count};
use crate::common::shapes::{deepseek_v3, gpt3_175b, llama2_7b, llama3_405b};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::flops::{ForwardFlops, six_n_d};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::work::attention::AttentionKernel;
use llmsweep_model::work::causal_pairs;

/// Brown et al. 2020, arXiv:2005.14165, table D.1: 3.14e23 FLOPs for 174.6 B parameters on 300 B tokens.
#[test]
fn gpt3_took_3_14e23() {
    close(six_n_d(174.6e9, 300e9), 3.14e23, 2e-3);
    close(six_n_d(gpt3_175b().parameters(), 300e9), 3.15e23, 5e-3);
}

/// Llama Team 2024, arXiv:2407.21783, section 1: 3.8e25 FLOPs on 15.6 T tokens.
#[test]
fn llama3_405b_took_3_8e25() {
    close(six_n_d(llama3_405b().parameters(), 15.6e12), 3.8e25, 5e-3);
}

/// Narayanan et al. 2021, arXiv:2104.04473, equation 3: `96·B·s·l·h²·(1 + s/6h + V/16lh)`, with full recomputation and scores over the
/// full square. The same sum, so exact.
#[test]
fn narayanan_equation_3() {
    let shape = gpt3_175b();
    let layout =
        TrainingLayout { sequence_length: 2048, recompute: Recompute::Full, kernel: AttentionKernel::Unfused, ..ONE };
    let work = count(&shape, layout).expect("GPT-3 on one device counts");
    let (s, h, l, v) = (2048.0, 12_288.0, 96.0, 51_200.0);
    let published = 96.0 * s * l * h * h * (1.0 + s / (6.0 * h) + v / (16.0 * l * h));
    close(work.hardware_flops, published, 1e-12);
}

/// The same paper, section 5.1: 175 B on 300 B tokens with 1,024 A100s at 140 TFLOP/s takes 34 days by `8·T·P/(n·X)`.
#[test]
fn narayanan_trains_gpt3_in_34_days() {
    let flops = six_n_d(gpt3_175b().parameters(), 300e9) * 8.0 / 6.0;
    close(flops / (1024.0 * 140e12) / 86_400.0, 34.0, 0.01);
}

/// Chowdhery et al. 2022, PaLM, arXiv:2204.02311, appendix B: `6·N + 12·L·H·Q·T` per token. Ours leaves out the input table and the
/// norms, which cost no matrix multiplication: below 0.02 % of `N` but for the table.
#[test]
fn palm_appendix_b() {
    let shape = llama2_7b();
    let flops = ForwardFlops::of_sequence(&shape, 4096.0);
    let n = shape.parameters() - 32_000.0 * 4096.0;
    let published = 6.0 * n + 12.0 * 32.0 * 4096.0 * 4096.0;
    close(3.0 * flops.full() / 4096.0, published, 2e-4);
}

/// DeepSeek-AI 2025, arXiv:2505.09343, table 2: training cost per token at 4,096 tokens, DeepSeek-V3 250 GFLOP, Llama-3.1-405B 2,448.
/// The paper does not say how it counts the causal half: 1 % for the dense model.
#[test]
fn insights_table_2() {
    let per_token = |shape: &ModelShape| 3.0 * ForwardFlops::of_sequence(shape, 4096.0).causal() / 4096.0;
    close(per_token(&deepseek_v3()), 250e9, 5e-3);
    close(per_token(&llama3_405b()), 2448e9, 1.2e-2);
}

/// DeepSeek-AI 2024, arXiv:2412.19437, section 2.2: a prediction layer is a layer of the model, a projection `2h × h` and the shared head.
#[test]
fn multi_token_prediction_adds_a_layer_and_the_head() {
    let shape = deepseek_v3();
    let layout = TrainingLayout { multi_token_prediction: true, ..ONE };
    let with = count(&shape, layout).expect("counts");
    let without = count(&shape, ONE).expect("counts");
    let s = 2048.0;
    let head = 2.0 * s * 7168.0 * 129_280.0;
    close(with.flops.head - without.flops.head, head, 1e-9);
    let expert_layer = without.layers.iter().map(|layer| layer.flops().0).fold(0.0, f64::max);
    let added = with.flops.causal() - without.flops.causal();
    assert!(
        added > head + 4.0 * s * 7168.0 * 7168.0 && added < head + 4.0 * s * 7168.0 * 7168.0 + expert_layer * 1.001
    );
    close(with.logits_bytes, 2.0 * without.logits_bytes, 1e-12);
}

/// Beltagy et al. 2020, arXiv:2004.05150, section 3.1: a window costs `w·s`, not `s²`. The exact count of pairs of 4,096 queries that see
/// themselves and 1,023 before is 3,670,528; the continuous form differs by half a diagonal.
#[test]
fn a_window_cuts_the_pairs() {
    let exact: u32 = (1..=4096_u32).map(|query| query.min(1024)).sum();
    close(causal_pairs(4096.0, Some(1024.0)), f64::from(exact), 2e-4);
    close(causal_pairs(4096.0, Some(8192.0)), causal_pairs(4096.0, None), 1e-12);
}

/// What the documentation of [`ForwardFlops::of_sequence`] prints for Llama-2-7B at 4,096 tokens.
#[test]
fn llama2_7b_takes_58_6_teraflop_per_sequence() {
    let flops = ForwardFlops::of_sequence(&llama2_7b(), 4096.0);
    close(flops.layers, 53.1e12, 2e-3);
    close(flops.attention_causal, 4.4e12, 2e-3);
    close(flops.head, 1.07e12, 5e-3);
}
