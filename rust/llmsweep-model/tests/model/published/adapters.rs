//! Low-rank adapters: Hu et al. 2021, arXiv:2106.09685; Dettmers et al. 2023, arXiv:2305.14314.
use crate::common::close;
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, count, train};
use crate::common::shapes::{gpt3_175b, llama};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::state::Optimizer;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::subset::Subset;
use llmsweep_model::work::adapters::{Mode, NF4_BITS, Target};

const ATTENTION: Subset = Subset::of(&[Target::Attention as usize]);
const ROOMY: Machine = Machine { memory: 8e12, ..H100 };

const fn adapted(mode: Mode, lora_rank: u32, lora_modules: Subset) -> TrainingLayout {
    TrainingLayout { mode, lora_rank, lora_modules, ..ONE }
}

/// LoRA, table 4 ("GPT-3 (LoRA) 37.7M") and table 5 (18M: rank 2 on all four projections of attention).
#[test]
fn gpt3_trains_37_7_million() {
    for (rank, millions, tolerance) in [(4, 37.7, 2e-3), (2, 18.9, 2e-3)] {
        let work = count(&gpt3_175b(), adapted(Mode::Lora, rank, ATTENTION)).expect("counts");
        close(work.adapters.parameters / 1e6, millions, tolerance);
        // One device holds all of them.
        let held: f64 = work.trained[0].total() * 96.0;
        close(held, work.adapters.parameters, 1e-12);
    }
}

/// LoRA, section 4.2: training GPT-3 takes 350 GB, its frozen 16-bit weights, and a checkpoint shrinks 10,000-fold, to 35 MB.
#[test]
fn gpt3_takes_350_gigabytes() {
    let setup = TrainingSetup { zero_stage: 1, ..STEP };
    let row = train(&gpt3_175b(), &ROOMY, adapted(Mode::Lora, 2, ATTENTION), &setup).expect("roomy");
    let memory = row.memory;
    close(memory.weights + memory.gradients + memory.optimizer, 350e9, 6e-3);
    close(row.trainable_parameters * 2.0, 35e6, 0.08);
    close(gpt3_175b().parameters() / row.trainable_parameters, 10_000.0, 0.08);
}

/// QLoRA, section 3: double quantisation takes the scales from 0.5 to 0.127 bits per parameter.
#[test]
fn scales_take_0_127_bits() {
    close(NF4_BITS - 4.0, 0.127, 1e-3);
}

/// QLoRA, abstract and section 1: "finetuning a 65B parameter model from >780GB of GPU memory to <48GB", one sequence at a time, with
/// gradient checkpointing.
#[test]
fn a_65b_fits_in_48_gigabytes() {
    let llama_65b = llama(80, 8192, 64, 64, 22_016, 32_000);
    let layout = |mode| TrainingLayout {
        recompute: Recompute::Full,
        sequence_length: 512,
        ..adapted(mode, 16, Subset::of(&[Target::Attention as usize, Target::Mlp as usize]))
    };
    let setup = TrainingSetup { optimizer: Optimizer::AdamW8bit, ..STEP };
    let peak = |mode, setup| train(&llama_65b, &ROOMY, layout(mode), &setup).expect("roomy").memory.peak;
    assert!(peak(Mode::Qlora, setup) < 48e9, "{:e}", peak(Mode::Qlora, setup));
    assert!(peak(Mode::Lora, setup) > 130e9);
    assert!(peak(Mode::FullFinetuning, STEP) > 780e9);
}

/// Frozen matrices need two of three multiplications; fine-tuning all of a model is pretraining.
#[test]
fn frozen_matrices_need_two_thirds() {
    let run = |mode| train(&gpt3_175b(), &ROOMY, adapted(mode, 1, ATTENTION), &STEP).expect("roomy");
    let (whole, full, lora, qlora) =
        (run(Mode::Pretraining), run(Mode::FullFinetuning), run(Mode::Lora), run(Mode::Qlora));
    assert_eq!(whole, full);
    // Attention's own multiplications stay three: a little more than two thirds.
    assert!(lora.model_flops / whole.model_flops > 2.0 / 3.0 && lora.model_flops / whole.model_flops < 0.68);
    assert!(lora.step < whole.step && lora.step < qlora.step);
    assert!(qlora.memory.weights < lora.memory.weights / 3.5);
}
