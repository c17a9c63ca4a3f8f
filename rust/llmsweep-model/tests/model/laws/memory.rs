//! Memory never rises with sharding.
use super::layouts::{layout, power, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, count, train, try_train};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::state::{DeviceParameters, ModelState, Optimizer, StateBytes};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_memory::TrainingMemory;
use llmsweep_model::phase::training_times::TrainingLayout;
use proptest::prelude::*;

/// Everything fits.
const ROOMY: Machine = Machine { memory: 1e17, ..H100 };

fn memory(shape: &ModelShape, layout: TrainingLayout, setup: &TrainingSetup) -> Option<TrainingMemory> {
    train(shape, &ROOMY, layout, setup).ok().map(|row| row.memory)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_zero_stages(dense in 0.0..1e12_f64, experts in 0.0..1e12_f64, ranks in power(10), owners in power(6)) {
        let bytes = StateBytes { weight: 2.0, gradient: 4.0, optimizer: 12.0 };
        let parameters = DeviceParameters { dense, experts };
        let total = |stage| ModelState::of(&parameters, &bytes, stage, f64::from(ranks), f64::from(owners)).total();
        prop_assert!(total(0) >= total(1) && total(1) >= total(2) && total(2) >= total(3));
    }

    /// With the same micro-batches. ZeRO-3 buffers two whole layers, so a rank of few layers may hold more in it.
    #[test]
    fn of_zero_stages_in_a_run(shape in shape(), data in power(6), layout in layout()) {
        let layout = TrainingLayout { expert: 1, expert_tensor: 1, ..layout };
        let run = |zero_stage| {
            let setup = TrainingSetup {
                devices: layout.tensor * layout.context * data,
                global_batch: layout.micro_batch * data,
                zero_stage,
                ..STEP
            };
            memory(&shape, layout, &setup).map(|memory| memory.peak)
        };
        let Some(peaks) = (0..3).map(run).collect::<Option<Vec<f64>>>() else { return Ok(()) };
        prop_assert!(peaks.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)), "{:?}", peaks);
    }

    #[test]
    fn of_tensor_ranks(shape in shape(), layout in layout()) {
        let twice = TrainingLayout { tensor: layout.tensor * 2, ..layout };
        let layout = TrainingLayout { sequence_parallel: layout.sequence_parallel && layout.tensor > 1, ..layout };
        let (Ok(one), Ok(two)) = (count(&shape, layout), count(&shape, twice)) else { return Ok(()) };
        for kind in 0..one.layers.len() {
            prop_assert!(two.kept_bytes[kind] <= one.kept_bytes[kind]);
            prop_assert!(two.parameters[kind].dense <= one.parameters[kind].dense);
        }
        prop_assert!(two.logits_bytes <= one.logits_bytes);
    }

    #[test]
    fn of_context_ranks(shape in shape(), layout in layout()) {
        let twice = TrainingLayout { context: layout.context * 2, ..layout };
        let (Ok(one), Ok(two)) = (count(&shape, layout), count(&shape, twice)) else { return Ok(()) };
        for kind in 0..one.layers.len() {
            prop_assert!(two.kept_bytes[kind] <= one.kept_bytes[kind]);
        }
        prop_assert!(two.live_bytes <= one.live_bytes && two.logits_bytes <= one.logits_bytes);
    }

    /// Recomputing more keeps less in every layer; the one live layer of full recomputation makes a whole layer with its input.
    #[test]
    fn of_recomputation(shape in shape(), layout in layout()) {
        let with = |recompute| count(&shape, TrainingLayout { recompute, ..layout });
        let (Ok(none), Ok(some), Ok(full)) = (with(Recompute::None), with(Recompute::Selective), with(Recompute::Full)) else {
            return Ok(());
        };
        for kind in 0..none.layers.len() {
            prop_assert!(none.kept_bytes[kind] >= some.kept_bytes[kind] && some.kept_bytes[kind] >= full.kept_bytes[kind]);
        }
        let largest = none.kept_bytes.iter().copied().fold(0.0, f64::max);
        prop_assert!(full.live_bytes <= largest);
    }

    /// Model state of the fullest stage, where the layers divide.
    #[test]
    fn of_pipeline_stages(shape in shape(), pipeline in power(2)) {
        let run = |pipeline: u32| {
            let setup = TrainingSetup { devices: pipeline, pipeline, global_batch: 8, ..STEP };
            memory(&shape, ONE, &setup).map(|memory| memory.weights + memory.gradients + memory.optimizer)
        };
        let (Some(few), Some(many)) = (run(pipeline), run(pipeline * 2)) else { return Ok(()) };
        prop_assert!(many < few);
    }

    /// What does not fit is as large as it is where it fits.
    #[test]
    fn of_a_refused_setup(shape in shape(), layout in layout()) {
        let small = Machine { memory: 3e9, ..H100 };
        let setup = TrainingSetup { devices: layout.tensor * layout.context, global_batch: layout.micro_batch, ..STEP };
        let Ok(row) = train(&shape, &ROOMY, layout, &setup) else { return Ok(()) };
        let Err(refusal) = try_train(&shape, &small, layout, &setup) else { return Ok(()) };
        let memory = refusal.memory.expect("the machine has room for half a gigabyte");
        prop_assert!(memory.peak > memory.usable);
        // Where there is room the allocator caches as well.
        let roomy = TrainingMemory { usable: row.memory.usable, ..memory }.with_cache(1.04);
        prop_assert_eq!(roomy, row.memory);
    }

    #[test]
    fn of_smaller_optimizers(shape in shape()) {
        let run = |optimizer| memory(&shape, ONE, &TrainingSetup { optimizer, ..STEP }).map(|memory| memory.peak);
        let (adam, muon, eight) = (run(Optimizer::AdamW), run(Optimizer::Muon), run(Optimizer::AdamW8bit));
        prop_assert!(adam > muon && muon > eight);
    }
}
