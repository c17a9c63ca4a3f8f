//! What is trained, run again and left to the host, over random layouts.
use super::layouts::{layout, shape, training};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{STEP, count, train};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::memory::state::{GradientPrecision, Optimizer};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_state::Offload;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::subset::Subset;
use llmsweep_model::work::adapters::{Mode, Target};
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A module more keeps no more and runs no less again.
    #[test]
    fn a_module_more_keeps_less(shape in shape(), layout in layout(), module in 0..Module::NAMES.len()) {
        let some: Vec<usize> = (0..Module::NAMES.len()).filter(|&other| layout.recompute_modules.has(other)).collect();
        let more: Vec<usize> = some.iter().copied().chain([module]).collect();
        let with = |modules: &[usize]| {
            let recompute_modules = Subset::of(modules);
            count(&shape, TrainingLayout { recompute: Recompute::Selective, recompute_modules, ..layout })
        };
        let (Ok(some), Ok(more)) = (with(&some), with(&more)) else { return Ok(()) };
        for kind in 0..some.layers.len() {
            prop_assert!(more.kept_bytes[kind] <= some.kept_bytes[kind]);
            prop_assert!(more.backward[kind].again.ops.len() >= some.backward[kind].again.ops.len());
        }
        prop_assert!(more.again_flops >= some.again_flops);
    }

    /// Between no layer and all of them, each layer that is run again costs time and frees memory.
    #[test]
    fn layers_run_again_one_by_one(shape in shape(), (layout, setup) in training(), layers in 1..40_u32) {
        let layout = TrainingLayout { recompute: Recompute::Full, ..layout };
        let with = |recompute_layers| {
            train(&shape, &ROOMY, layout, &TrainingSetup { recompute_layers, offload: Subset::NONE, ..setup })
        };
        let (Ok(few), Ok(more), Ok(all)) = (with(layers), with(layers + 1), with(0)) else { return Ok(()) };
        let slack = 1.0 + 1e-9;
        prop_assert!(few.memory.peak * slack >= more.memory.peak);
        prop_assert!(more.memory.peak * slack >= all.memory.peak);
        prop_assert!(few.hardware_flops <= more.hardware_flops * slack && more.hardware_flops <= all.hardware_flops * slack);
        prop_assert!(few.terms.kernels.busy().0 <= more.terms.kernels.busy().0 * slack);
    }

    /// Adapters alone have gradients: frozen weights hold less state, and all of it is counted once over the ranks.
    #[test]
    fn adapters_hold_less(shape in shape(), (layout, setup) in training()) {
        // State that is sharded over many ranks or on the host can be smaller than what adapters keep for their backward pass.
        let setup = TrainingSetup { zero_stage: 0, offload: Subset::NONE, ..setup };
        let with = |mode| train(&shape, &ROOMY, TrainingLayout { mode, lora_rank: 8, ..layout }, &setup);
        let (Ok(whole), Ok(lora), Ok(qlora)) = (with(Mode::Pretraining), with(Mode::Lora), with(Mode::Qlora)) else {
            return Ok(());
        };
        // Whole devices, for the fullest stage may be another one.
        prop_assert!(lora.memory.peak <= whole.memory.peak && qlora.memory.peak <= lora.memory.peak);
        prop_assert!(lora.trainable_parameters < whole.trainable_parameters);
        prop_assert!((qlora.trainable_parameters - lora.trainable_parameters).abs() < 0.5);
        prop_assert!(lora.model_flops < whole.model_flops + 3.0 * lora.trainable_parameters * 1e9);
    }

    /// What the host holds the device does not, and the way there takes time.
    #[test]
    fn offloading_moves_bytes(shape in shape(), (layout, setup) in training()) {
        let layout = TrainingLayout { mode: Mode::Pretraining, ..layout };
        let with = |offload| train(&shape, &ROOMY, layout, &TrainingSetup { offload, ..setup });
        let optimizer = Subset::of(&[Offload::Optimizer as usize]);
        let (Ok(here), Ok(there)) = (with(Subset::NONE), with(optimizer)) else { return Ok(()) };
        prop_assert!(here.memory.host <= 0.0 && here.terms.offload.0 <= 0.0);
        prop_assert!(there.memory.optimizer <= 0.0 && there.memory.host > 0.0);
        prop_assert!(there.memory.peak <= here.memory.peak && there.terms.offload.0 > 0.0);
        let activations = Subset::of(&[Offload::Activations as usize]);
        let Ok(away) = with(activations) else { return Ok(()) };
        prop_assert!(away.memory.peak <= here.memory.peak * (1.0 + 1e-12) && away.step >= here.step);
    }

    #[test]
    fn narrow_gradients_are_smaller_and_no_slower(shape in shape(), (layout, setup) in training()) {
        let setup = TrainingSetup { offload: Subset::NONE, ..setup };
        let layout = TrainingLayout { mode: Mode::Pretraining, ..layout };
        let with = |gradient| train(&shape, &ROOMY, TrainingLayout { gradient, ..layout }, &setup);
        let (Ok(wide), Ok(narrow)) = (with(GradientPrecision::Fp32), with(GradientPrecision::Bf16)) else { return Ok(()) };
        // The fullest stage may be another one, whose gradients are others: the update makes single-precision copies of narrow ones.
        let same = (narrow.memory.stage - wide.memory.stage).abs() < 0.5;
        prop_assert!(!same || (narrow.memory.gradients * 2.0 / wide.memory.gradients - 1.0).abs() < 1e-12);
        prop_assert!(narrow.step <= wide.step);
    }

    /// Muon's products are shared by the ranks that share its state.
    #[test]
    fn orthogonalisation_is_shared(shape in shape(), data in 1..4_u32) {
        let run = |optimizer, data: u32| {
            let setup = TrainingSetup { devices: data, global_batch: data, zero_stage: 1, optimizer, ..STEP };
            train(&shape, &ROOMY, crate::common::run::ONE, &setup)
        };
        let (Ok(sgd), Ok(muon)) = (run(Optimizer::SgdMomentum, 1), run(Optimizer::Muon, 1)) else { return Ok(()) };
        let Ok(shared) = run(Optimizer::Muon, 1 << data) else { return Ok(()) };
        prop_assert!(muon.terms.optimizer > sgd.terms.optimizer);
        prop_assert!(shared.terms.optimizer < muon.terms.optimizer);
    }
}

/// Parameters of adapters on tensor ranks: split matrices give a split side, so a rank holds less than all and more than its share.
#[test]
fn adapters_are_split_with_their_matrices() {
    let shape = crate::common::shapes::llama3_8b();
    let on = |tensor| {
        let layout = TrainingLayout { mode: Mode::Lora, lora_modules: Target::ALL, tensor, ..crate::common::run::ONE };
        count(&shape, layout).expect("counts")
    };
    let (one, eight) = (on(1), on(8));
    assert!(eight.trained[0].total() < one.trained[0].total());
    assert!(eight.trained[0].total() > one.trained[0].total() / 8.0);
    assert!((one.adapters.parameters - eight.adapters.parameters).abs() < 0.5);
}
