//! What selective recomputation costs and frees: Korthikanti et al. 2022, arXiv:2205.05198, section 5.
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, count, train};
use crate::common::shapes::{FULL_DENSE, deepseek_v3, gpt, gpt3_175b, mixtral_8x7b};
use crate::common::{close, precision};
use llmsweep_model::memory::activations::{ActivationInput, Recompute, layer_bytes};
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::subset::Subset;
use llmsweep_model::work::adapters::Target;
use llmsweep_model::work::attention::AttentionKernel;
use llmsweep_model::work::{Group, Split, Tokens, Widths};

const ROOMY: Machine = Machine { memory: 8e12, ..H100 };

fn only(module: Module) -> TrainingLayout {
    TrainingLayout {
        recompute: Recompute::Selective,
        recompute_modules: Subset::of(&[module as usize]),
        sequence_length: 2048,
        ..ONE
    }
}

/// "Selective activation recomputation … by 70 % at the cost of only 2.7 % FLOPs overhead" for GPT-3, 65 % at 1.6 % for MT-NLG 530B:
/// scores over the full square, against the forward pass of the layers.
#[test]
fn scores_cost_2_7_percent() {
    for (shape, published) in [(gpt3_175b(), 0.027), (gpt(105, 20_480, 128), 0.016)] {
        let layout = TrainingLayout { kernel: AttentionKernel::Unfused, ..only(Module::Scores) };
        let work = count(&shape, layout).expect("counts");
        close(work.again_flops / (work.flops.layers + work.flops.attention_full), published, 0.03);
    }
}

/// DeepSeek-V3 runs norms and up-projections of latent attention again (arXiv:2412.19437, section 3.2.3) "with a minor overhead": of a
/// dense layer's 128 heads, 2·192 + 128 channels of 16 bits go, 131,072 bytes per token.
#[test]
fn up_projections_of_latents_are_not_kept() {
    let shape = deepseek_v3();
    let kept = |modules| {
        layer_bytes(
            &shape,
            FULL_DENSE,
            &ActivationInput {
                tokens: Tokens::of_sequences(1.0, 4096.0, 1.0),
                split: Split::NONE,
                widths: Widths::of(precision("bf16")),
                kernel: AttentionKernel::Flash,
                recompute: Recompute::Selective,
                modules,
                trained: Target::ALL,
                dropout: false,
                imbalance: 1.0,
            },
        )
    };
    let freed = kept(Subset::NONE) - kept(Subset::of(&[Module::LatentUp as usize]));
    close(freed / 4096.0, 131_072.0, 1e-12);
    let work = count(&shape, only(Module::LatentUp)).expect("counts");
    let overhead = work.again_flops / work.hardware_flops;
    assert!(overhead > 0.005 && overhead < 0.04, "{overhead}");
}

/// Modules that are whole blocks run their kernels and messages again; those that a model lacks run nothing.
#[test]
fn blocks_run_again_with_their_messages() {
    let shape = mixtral_8x7b();
    let work = count(&shape, TrainingLayout { expert: 8, ..only(Module::Moe) }).expect("counts");
    let again = &work.backward[0].again;
    assert_eq!(again.messages.iter().filter(|message| message.group == Group::Expert).count(), 2);
    assert!(
        again.ops.iter().any(|op| op.name == "experts") && again.ops.iter().all(|op| op.name != "attention scores")
    );
    let dense = count(&shape, only(Module::Mlp)).expect("counts");
    assert!(dense.backward[0].again.ops.is_empty() && dense.again_flops <= 0.0);
    let step = |layout| train(&shape, &ROOMY, layout, &STEP).expect("roomy");
    assert!(step(only(Module::Moe)).step > step(ONE).step);
    assert!(step(only(Module::Activation)).step > step(ONE).step);
}

/// Full recomputation is every module and the projections: Narayanan et al. 2021, arXiv:2104.04473, equation 3, counts four forward passes.
#[test]
fn full_recomputation_is_a_forward_pass() {
    let work = count(&gpt3_175b(), TrainingLayout { recompute: Recompute::Full, ..ONE }).expect("counts");
    close(work.again_flops, work.flops.layers + work.flops.attention_causal, 1e-12);
    assert_eq!(work.backward[0].again, work.layers[0]);
}
