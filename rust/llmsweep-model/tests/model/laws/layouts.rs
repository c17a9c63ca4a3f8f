//! Random models and layouts. Sizes are powers of two that divide every model of the zoo.
use crate::common::run::{ONE, REQUEST, STEP};
use crate::common::shapes::{Named, zoo};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::memory::state::{GradientPrecision, Optimizer};
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_state::Offload;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::subset::Subset;
use llmsweep_model::work::adapters::{Mode, Target};
use llmsweep_model::work::attention::AttentionKernel;
use proptest::prelude::*;
use proptest::sample::select;

/// `1, 2, … 2^most`.
pub(super) fn power(most: u32) -> impl Strategy<Value = u32> {
    (0..=most).prop_map(|exponent| 1 << exponent)
}

pub(super) fn shape() -> impl Strategy<Value = Named> {
    select(zoo())
}

pub(super) fn recompute() -> impl Strategy<Value = Recompute> {
    select(vec![Recompute::None, Recompute::Selective, Recompute::Full])
}

/// Any of the first names of a list.
fn subset(names: usize) -> impl Strategy<Value = Subset> {
    proptest::sample::subsequence((0..names).collect::<Vec<_>>(), 0..=names).prop_map(|chosen| Subset::of(&chosen))
}

fn kernel() -> impl Strategy<Value = AttentionKernel> {
    select(vec![AttentionKernel::Flash, AttentionKernel::Unfused])
}

/// Exchanges that need no heads to divide.
fn exchange() -> impl Strategy<Value = ContextExchange> {
    select(vec![ContextExchange::Ring, ContextExchange::AllGather])
}

pub(super) fn layout() -> impl Strategy<Value = TrainingLayout> {
    let sizes = (power(4), power(3), power(1), power(3), any::<bool>(), exchange());
    let batch = (select(vec![1024_u32, 2048]), power(2), recompute(), kernel(), any::<bool>());
    let modes = select(Mode::ALL.to_vec());
    let gradients = select(GradientPrecision::ALL.to_vec());
    let recipe = (subset(Module::NAMES.len()), modes, power(6), subset(Target::NAMES.len()), gradients);
    (sizes, batch, recipe).prop_map(|(sizes, batch, recipe)| TrainingLayout {
        tensor: sizes.0,
        expert: sizes.1,
        expert_tensor: sizes.2,
        context: sizes.3,
        sequence_parallel: sizes.4,
        sequence_length: batch.0,
        micro_batch: batch.1,
        recompute: batch.2,
        kernel: batch.3,
        multi_token_prediction: batch.4,
        recompute_modules: recipe.0,
        mode: recipe.1.1,
        lora_rank: recipe.2,
        lora_modules: recipe.3,
        gradient: recipe.4.1,
        context_exchange: sizes.5,
        ..ONE
    })
}

/// A layout and a setup whose devices and batch divide, unless the experts or the layers do not.
pub(super) fn training() -> impl Strategy<Value = (TrainingLayout, TrainingSetup)> {
    let axes = (power(4), power(2), power(4), 1..5_u32, 0..4_u32, select(Optimizer::ALL.to_vec()));
    let memory = (0..9_u32, subset(Offload::NAMES.len()));
    (layout(), axes, memory).prop_map(|(layout, (pipeline, chunks, data, rounds, zero_stage, optimizer), memory)| {
        let chunks = if pipeline > 1 { chunks } else { 1 };
        let setup = TrainingSetup {
            devices: layout.tensor * layout.context * pipeline * data,
            pipeline,
            virtual_pipeline: chunks,
            global_batch: layout.micro_batch * data * pipeline * rounds,
            zero_stage,
            optimizer: optimizer.1,
            recompute_layers: memory.0,
            offload: memory.1,
            ..STEP
        };
        (layout, setup)
    })
}

pub(super) fn request() -> impl Strategy<Value = InferenceSetup> {
    let lengths = (1..30_000_u32, 1..8_000_u32);
    let prefix = (select(vec![0.0, 0.3, 1.0]), any::<bool>());
    (lengths, power(3), power(4), any::<(bool, bool)>(), 1.0..512.0_f64, prefix).prop_map(
        |(lengths, pipeline, data, (batch, two_batch_overlap), requests, prefix)| InferenceSetup {
            input_tokens: f64::from(lengths.0),
            output_tokens: f64::from(lengths.1),
            pipeline,
            data,
            mode: if batch { ServingMode::Static } else { ServingMode::Continuous },
            concurrency: f64::from(data) * requests.floor(),
            prefix: Prefix { hit_rate: prefix.0, shared: prefix.1 },
            two_batch_overlap,
            ..REQUEST
        },
    )
}
