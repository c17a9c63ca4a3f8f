//! Splitting a model makes no work and loses none, but for what is knowingly replicated.
use super::layouts::{power, shape};
use crate::common::close;
use crate::common::run::{ONE, count};
use crate::common::shapes::{deepseek_v3, llama3_8b, mixtral_8x7b, qwen3_next, zoo};
use llmsweep_model::arch::{Attention, ModelShape};
use llmsweep_model::memory::state::{DeviceParameters, table_parameters};
use llmsweep_model::parallel::pipeline::{Cut, MAX_KINDS, stages};
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingWork};
use llmsweep_model::work::{Kernel, Op};
use proptest::prelude::*;

/// The key-value heads of which ranks hold copies, and the router, the down-projections of latent attention and the indexer, which every
/// tensor-parallel rank computes for all tokens.
fn replicated(shape: &ModelShape, tensor: u32, op: &Op) -> bool {
    let copies = match shape.attention {
        Some(Attention::Softmax(softmax)) => tensor > softmax.kv_heads,
        Some(Attention::Latent(_)) | None => false,
    };
    match op.name {
        "router" | "query, latent down" => true,
        "query, key, value" => copies,
        _ => false,
    }
}

/// FLOPs of all layers on all devices of a stage that share a micro-batch, without what is replicated.
fn all_devices(shape: &ModelShape, work: &TrainingWork, layout: &TrainingLayout) -> f64 {
    let devices = f64::from(layout.tensor * layout.context);
    let layer = |(work, count): (&llmsweep_model::work::Work, u32)| {
        let flops: f64 = work.ops.iter().filter(|op| !replicated(shape, layout.tensor, op)).map(|op| op.flops.0).sum();
        flops * f64::from(count)
    };
    let kinds = shape.kinds();
    devices * work.layers.iter().zip(kinds.iter().map(|kind| kind.1)).map(layer).sum::<f64>()
}

/// What is compared on the unsplit model leaves out the same kernels.
fn unsplit(shape: &ModelShape, layout: &TrainingLayout) -> f64 {
    let alone =
        TrainingLayout { tensor: 1, expert: 1, expert_tensor: 1, context: 1, sequence_parallel: false, ..*layout };
    let work = count(shape, alone).expect("every model of the zoo counts on one device");
    let kinds = shape.kinds();
    let layer = |(work, kind): (&llmsweep_model::work::Work, &(_, u32))| {
        let flops: f64 = work.ops.iter().filter(|op| !replicated(shape, layout.tensor, op)).map(|op| op.flops.0).sum();
        flops * f64::from(kind.1)
    };
    work.layers.iter().zip(&kinds).map(layer).sum()
}

proptest! {
    #[test]
    fn flops_over_tensor_and_context(
        shape in shape(), tensor in power(4), context in power(3), expert in power(3), expert_tensor in power(1), sp in any::<bool>(),
    ) {
        let layout = TrainingLayout { tensor, context, expert, expert_tensor, sequence_parallel: sp, ..ONE };
        let Ok(work) = count(&shape, layout) else { return Ok(()) };
        let (split, whole) = (all_devices(&shape, &work, &layout), unsplit(&shape, &layout));
        prop_assert!((split / whole - 1.0).abs() < 1e-9, "{} of {}", split, whole);
    }

    /// Stages together hold the model, and a copy of the table where the head is tied to the first stage's.
    #[test]
    fn parameters_over_stages_and_ranks(shape in shape(), pipeline in power(3), chunks in power(1), prediction in any::<bool>()) {
        let work = count(&shape, TrainingLayout { multi_token_prediction: prediction, ..ONE }).expect("one device");
        let Ok(stages) = stages(&shape, &Cut::even(pipeline, chunks)) else { return Ok(()) };
        let held: f64 = stages
            .iter()
            .map(|stage| {
                let of = DeviceParameters::of_stage(&shape, &work.parameters, stage, 1.0);
                (of.dense + of.experts) * stage.count
            })
            .sum();
        let copy = if shape.tied_embeddings && pipeline > 1 { table_parameters(&shape) } else { 0.0 };
        prop_assert!((held - shape.parameters() - copy).abs() < 16.0, "{} of {}", held, shape.parameters());
        let layers: f64 = stages.iter().map(|stage| stage.layer_count * stage.count).sum();
        prop_assert!((layers - f64::from(shape.layers())).abs() < 0.5);
        let predicted = work.prediction_parameters.dense + work.prediction_parameters.experts;
        let published = if prediction { shape.mtp_parameters() } else { 0.0 };
        prop_assert!((predicted - published).abs() < 16.0);
    }

    /// Experts over expert-parallel and expert-tensor ranks: each holds its part, all together the whole.
    #[test]
    fn experts_over_their_ranks(expert in power(3), expert_tensor in power(2)) {
        for shape in [mixtral_8x7b(), deepseek_v3(), qwen3_next()] {
            let work = count(&shape, TrainingLayout { expert, expert_tensor, ..ONE }).expect("powers of two divide");
            let whole = count(&shape, ONE).expect("one device");
            for kind in 0..MAX_KINDS {
                let owners = f64::from(expert * expert_tensor);
                prop_assert!((work.parameters[kind].experts * owners - whole.parameters[kind].experts).abs() < 1.0);
            }
        }
    }
}

/// The layers' kernels do the FLOPs that the unsplit count reports.
#[test]
fn kernels_do_the_counted_flops() {
    for shape in zoo() {
        let work = count(&shape, ONE).expect("one device");
        let kinds = shape.kinds();
        let kernels: f64 = work.layers.iter().zip(&kinds).map(|(work, kind)| work.flops().0 * f64::from(kind.1)).sum();
        close(kernels, work.flops.layers + work.flops.attention_causal, 1e-12);
    }
}

/// Every name that [`replicated`] knows exists: a renamed kernel would quietly weaken the law.
#[test]
fn replicated_kernels_exist() {
    let names = |shape: &ModelShape| -> Vec<&'static str> {
        let work = count(shape, ONE).expect("one device");
        work.layers.iter().flat_map(|layer| layer.ops.iter().map(|op| op.name)).collect()
    };
    assert!(names(&deepseek_v3()).contains(&"router") && names(&deepseek_v3()).contains(&"query, latent down"));
    assert!(names(&llama3_8b()).contains(&"query, key, value"));
    let work = count(&mixtral_8x7b(), ONE).expect("one device");
    assert!(work.layers[0].ops.iter().any(|op| matches!(op.kernel, Kernel::Experts(_))));
}
