//! Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models", arXiv:2205.05198.
use crate::common::shapes::{FULL_DENSE, gpt, gpt3_175b};
use crate::common::{close, precision};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::memory::activations::{ActivationInput, Recompute, layer_bytes, live_layer_bytes};
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::work::adapters::Target;
use llmsweep_model::work::attention::AttentionKernel;
use llmsweep_model::work::{Split, Tokens, Widths};

const S: f64 = 2048.0;

fn input(tensor: f64, sequence_parallel: bool, recompute: Recompute) -> ActivationInput {
    ActivationInput {
        tokens: Tokens::of_sequences(1.0, S, 1.0),
        split: Split { tensor, sequence_parallel, ..Split::NONE },
        widths: Widths::of(precision("bf16")),
        kernel: AttentionKernel::Unfused,
        recompute,
        modules: Module::CHEAP,
        trained: Target::ALL,
        dropout: true,
        imbalance: 1.0,
    }
}

/// Bytes in units of `s·b·h`.
fn factor(shape: &ModelShape, input: &ActivationInput) -> f64 {
    layer_bytes(shape, FULL_DENSE, input) / (S * f64::from(shape.hidden))
}

/// Table 2, "no parallelism" to "tensor and sequence parallelism": exact, the formulas are the same sums.
#[test]
fn table_2_for_gpt3_175b() {
    let shape = gpt3_175b();
    let scores = 80.0; // 5·a·s/h: section 5 prints 80 for GPT-3.
    close(factor(&shape, &input(1.0, false, Recompute::None)), 34.0 + scores, 1e-12);
    close(factor(&shape, &input(8.0, false, Recompute::None)), 10.0 + 24.0 / 8.0 + scores / 8.0, 1e-12);
    close(factor(&shape, &input(8.0, true, Recompute::None)), (34.0 + scores) / 8.0, 1e-12);
}

/// Table 2, "full activation recomputation": `2·s·b·h`. The live layer has the rest of the 34.
#[test]
fn full_recomputation_keeps_the_input() {
    let shape = gpt3_175b();
    let full = input(1.0, false, Recompute::Full);
    close(factor(&shape, &full), 2.0, 1e-12);
    close(live_layer_bytes(&shape, FULL_DENSE, &full) / (S * 12_288.0), 34.0 + 80.0 - 2.0, 1e-12);
}

/// Section 5: not storing the attention core saves 70 % of GPT-3's activations and 65 % of MT-NLG 530B's (105 layers, h 20480, a 128).
/// Flash attention stores none of it: 80 of 114 and 64 of 98.
#[test]
fn the_attention_core_is_most_of_it() {
    for (shape, share) in [(gpt3_175b(), 0.70), (gpt(105, 20_480, 128), 0.65)] {
        let unfused = input(8.0, true, Recompute::None);
        let flash = ActivationInput { kernel: AttentionKernel::Flash, ..unfused };
        close(1.0 - factor(&shape, &flash) / factor(&shape, &unfused), share, 0.01);
    }
}
