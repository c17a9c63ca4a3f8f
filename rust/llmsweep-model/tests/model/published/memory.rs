//! Peak allocated memory of training: MooreThreads/SimuMax, `docs/b200/b200_release_v1.2_summary.json`, the largest of eight B200 with
//! Megatron-LM: bf16, ZeRO 1, micro-batches of one sequence, nothing recomputed, fused cross entropy.
use crate::common::close;
use crate::common::hardware::{B200, Machine};
use crate::common::run::{ONE, STEP, train, train_with};
use crate::common::shapes::{FULL_DENSE, deepseek_v3, gpt, llama};
use crate::common::software;
use llmsweep_model::arch::ModelShape;
use llmsweep_model::arch::sequence::{place_experts, uniform};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_memory::{MemoryTerm, TrainingMemory};
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::reject::Reject;
use llmsweep_model::system::TrainingSystem;
use llmsweep_model::work::attention::AttentionKernel;

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

/// BigScience's prototypes of BLOOM in bf16 on 384 A100 of 80 GiB: layers, hidden, heads, tensor ranks, stages, micro-batch.
type Prototype = (u32, u32, u32, u32, u32, u32);

fn bloom((layers, hidden, heads, tensor, pipeline, micro_batch): Prototype) -> Result<TrainingMemory, Reject> {
    // Megatron-DeepSpeed: 16-bit gradients beside their sum, results of stages, and two buckets of 5·10⁸ values stay.
    let system = TrainingSystem {
        fragmentation: 1.2,
        gradient_copy_bytes: 2.0,
        stage_results_kept: 1.0,
        bucket_bytes: 2e9,
        ..software::training()
    };
    let shape = ModelShape { vocab: 250_880, ..gpt(layers, hidden, heads) };
    let (recompute, kernel) = (Recompute::Full, AttentionKernel::Unfused);
    let layout = TrainingLayout { tensor, micro_batch, recompute, kernel, ..ONE };
    let setup = TrainingSetup { devices: 384, pipeline, global_batch: 2048, zero_stage: 1, ..STEP };
    let a100 = Machine { memory: 80.0 * 2_f64.powi(30), ..B200 };
    train_with(&system, &shape, &a100, layout, &setup).map(|row| row.memory).map_err(|refusal| refusal.reject)
}

/// bigscience-workshop/bigscience, `train/tr11-176B-ml/chronicles-prequel.md`, bf16: used memory as `nvidia-smi` prints it, in GiB.
#[test]
fn bloom_prototypes_use() {
    for (prototype, gib) in [
        ((100, 12_288, 64, 8, 6, 2), 61.0),
        ((100, 12_288, 64, 8, 6, 4), 72.0),
        ((82, 13_312, 64, 8, 12, 4), 52.0),
        ((82, 13_312, 64, 4, 12, 4), 74.0),
        ((94, 13_312, 128, 4, 12, 2), 67.0),
        ((70, 14_336, 64, 8, 12, 2), 40.0),
        ((70, 14_336, 112, 4, 12, 2), 59.0),
        ((70, 14_336, 64, 4, 12, 4), 73.0),
    ] {
        let memory = bloom(prototype).expect("it ran");
        close((memory.peak + memory.context) / 2_f64.powi(30), gib, 0.06);
    }
}

/// The same page: with four tensor ranks and six stages the prototype of 100 layers ran out of memory, with one sequence and with two.
#[test]
fn bloom_prototypes_run_out() {
    for micro_batch in [1, 2] {
        assert!(bloom((100, 12_288, 64, 4, 6, micro_batch)).is_err());
    }
}
