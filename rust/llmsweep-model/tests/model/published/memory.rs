//! Peak allocated memory of training: MooreThreads/SimuMax, `docs/b200/b200_release_v1.2_summary.json`, the largest of eight B200 with
//! Megatron-LM: bf16, ZeRO 1, micro-batches of one sequence, nothing recomputed, fused cross entropy.
use crate::common::close;
use crate::common::hardware::{B200, Machine};
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{FULL_DENSE, deepseek_v3, llama};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::arch::sequence::{place_experts, uniform};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_memory::{MemoryTerm, TrainingMemory};
use llmsweep_model::phase::training_times::TrainingLayout;

/// The first 12 layers of Llama-3-70B.
fn llama3_70b_12_layers() -> ModelShape {
    llama(12, 8192, 64, 8, 28_672, 128_256)
}

/// Four layers of DeepSeek-V3, the first dense, without multi-token prediction.
fn deepseek_v3_4_layers() -> ModelShape {
    let mut sequence = uniform(4, FULL_DENSE);
    place_experts(&mut sequence, 1, 1);
    ModelShape { sequence, ..deepseek_v3() }
}

fn on_eight(tensor: u32, context: u32, pipeline: u32, sequence_length: u32) -> TrainingMemory {
    let layout = TrainingLayout { tensor, context, sequence_length, sequence_parallel: tensor > 1, ..ONE };
    let replicas = 8 / (tensor * context * pipeline);
    let setup = TrainingSetup { devices: 8, pipeline, global_batch: 4 * replicas, zero_stage: 1, ..STEP };
    let roomy = Machine { memory: 1e12, ..B200 };
    train(&llama3_70b_12_layers(), &roomy, layout, &setup).expect("fits").memory
}

fn deepseek_on_eight(expert: u32, pipeline: u32) -> TrainingMemory {
    let layout = TrainingLayout { expert, sequence_length: 4096, ..ONE };
    let setup = TrainingSetup { devices: 8, pipeline, global_batch: 32 / pipeline, zero_stage: 1, ..STEP };
    let roomy = Machine { memory: 1e12, ..B200 };
    train(&deepseek_v3_4_layers(), &roomy, layout, &setup).expect("fits").memory
}

fn allocated_gib(memory: &TrainingMemory) -> f64 {
    (memory.peak - memory.fragmentation) / 2_f64.powi(30)
}

/// Llama-3-70B's first 12 layers, by tensor, context and pipeline ranks, with 4,096, 32,768 and 131,072 tokens.
#[test]
fn simumax_allocates() {
    for (layout, gib) in [
        ((8, 1, 1, 4096), 28.29),
        ((4, 1, 1, 4096), 39.07),
        ((2, 1, 1, 4096), 60.68),
        ((1, 1, 2, 4096), 66.55),
        ((2, 4, 1, 32_768), 68.43),
        ((1, 8, 1, 32_768), 104.51),
        ((2, 4, 1, 131_072), 112.67),
        ((1, 8, 1, 131_072), 147.99),
    ] {
        let memory = on_eight(layout.0, layout.1, layout.2, layout.3);
        close(allocated_gib(&memory), gib, 0.02);
    }
}

/// DeepSeek-V3's first four layers, experts over eight ranks, and over four on each of two stages, of which the last is fuller.
#[test]
fn simumax_allocates_experts() {
    let (one, two) = (deepseek_on_eight(8, 1), deepseek_on_eight(4, 2));
    close(allocated_gib(&one), 104.3, 0.02);
    close(allocated_gib(&two), 114.0, 0.02);
    assert_eq!((two.stage, two.largest()), (1.0, MemoryTerm::Optimizer));
}

/// Of two stages the first is fuller, for it holds two micro-batches: 66.55 GiB on ranks 0 to 3, 62.97 on 4 to 7.
#[test]
fn simumax_fills_the_first_stage() {
    let memory = on_eight(1, 1, 2, 4096);
    assert_eq!((memory.stage, memory.largest()), (0.0, MemoryTerm::Gradients));
    assert!(memory.logits.abs() < 1.0);
    assert!(on_eight(8, 1, 1, 4096).logits > 0.0);
}
