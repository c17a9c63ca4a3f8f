//! Any numbers give a result or a reason, never a panic.
use super::layouts::{power, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, REQUEST, STEP, serve, train};
use llmsweep_model::parallel::pipeline::Schedule;
use llmsweep_model::phase::inference::InferenceSetup;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::reject::Reject;
use proptest::prelude::*;
use proptest::sample::select;

const ROOMY: Machine = Machine { memory: 1e17, ..H100 };

/// Mostly small, sometimes as large as fits.
fn size() -> impl Strategy<Value = u32> {
    prop_oneof![4 => power(5), 2 => 1..100_u32, 1 => 1..=u32::MAX]
}

proptest! {
    #[test]
    fn training(
        shape in shape(), sizes in (size(), size(), size(), size()), lengths in (size(), size()),
        setup in (size(), size(), size(), size(), 0..4_u32),
        cut in (select(Schedule::ALL.to_vec()), 0..9_u32, 0..9_u32, any::<bool>()),
    ) {
        let layout = TrainingLayout {
            tensor: sizes.0,
            expert: sizes.1,
            expert_tensor: sizes.2,
            context: sizes.3,
            sequence_length: lengths.0,
            micro_batch: lengths.1,
            ..ONE
        };
        let setup = TrainingSetup {
            devices: setup.0,
            pipeline: setup.1,
            virtual_pipeline: setup.2,
            global_batch: setup.3,
            zero_stage: setup.4,
            schedule: cut.0.1,
            first_stage_layers: cut.1,
            last_stage_layers: cut.2,
            embedding_as_layers: cut.3,
            ..STEP
        };
        if let Ok(row) = train(&shape, &ROOMY, layout, &setup) {
            prop_assert!(row.step.0.is_finite() && row.step >= row.step_bound);
        }
    }

    #[test]
    fn serving(shape in shape(), sizes in (size(), size(), size(), size()), lengths in (size(), size()), concurrency in size()) {
        let setup = InferenceSetup {
            input_tokens: f64::from(lengths.0),
            output_tokens: f64::from(lengths.1),
            pipeline: sizes.2,
            data: sizes.3,
            concurrency: f64::from(concurrency),
            ..REQUEST
        };
        if let Ok(row) = serve(&shape, &ROOMY, "bf16", (sizes.0, sizes.1), &setup) {
            prop_assert!(row.tpot.0.is_finite() && row.tpot >= row.tpot_bound.time() && row.ttft >= row.ttft_bound.time);
        }
    }
}

/// Each reason that a layout alone decides, by the smallest setup that has it.
#[test]
fn reasons_of_layouts() {
    let shapes = (crate::common::shapes::llama3_8b(), crate::common::shapes::mixtral_8x7b());
    let dense =
        |layout, setup| train(&shapes.0, &ROOMY, layout, &setup).map(|_| ()).expect_err("the reason under test");
    let sparse =
        |layout, setup| train(&shapes.1, &ROOMY, layout, &setup).map(|_| ()).expect_err("the reason under test");
    let two = TrainingSetup { devices: 2, global_batch: 2, ..STEP };
    assert_eq!(dense(TrainingLayout { tensor: 3, ..ONE }, STEP), Reject::TensorParallelHeads);
    assert_eq!(dense(TrainingLayout { expert: 2, ..ONE }, two), Reject::ExpertParallelDense);
    assert_eq!(sparse(TrainingLayout { expert: 3, ..ONE }, STEP), Reject::ExpertParallelExperts);
    assert_eq!(sparse(TrainingLayout { expert: 8, ..ONE }, two), Reject::ExpertParallelRanks);
    assert_eq!(sparse(TrainingLayout { expert_tensor: 3, ..ONE }, STEP), Reject::ExpertTensorParallel);
    assert_eq!(dense(TrainingLayout { context: 3, ..ONE }, STEP), Reject::ContextParallelSequence);
    assert_eq!(dense(TrainingLayout { tensor: 2, ..ONE }, STEP), Reject::DevicesTooFew);
    let three = TrainingSetup { devices: 3, ..STEP };
    assert_eq!(dense(TrainingLayout { tensor: 2, ..ONE }, three), Reject::DevicesNotDivisible);
    assert_eq!(dense(ONE, TrainingSetup { global_batch: 3, ..two }), Reject::GlobalBatchNotDivisible);
    assert_eq!(dense(ONE, TrainingSetup { virtual_pipeline: 2, ..STEP }), Reject::VirtualPipelineAlone);
    let interleaved = TrainingSetup { devices: 2, pipeline: 2, virtual_pipeline: 2, global_batch: 3, ..STEP };
    assert_eq!(dense(ONE, interleaved), Reject::VirtualPipelineBatches);
    let eight = TrainingSetup { devices: 8, pipeline: 8, global_batch: 16, ..STEP };
    for (schedule, chunks) in [
        (Schedule::GPipe, 2),
        (Schedule::ZeroBubbleH1, 2),
        (Schedule::ZeroBubbleV, 1),
        (Schedule::ZeroBubbleV, 4),
        (Schedule::DualPipe, 2),
        (Schedule::DualPipeV, 1),
    ] {
        assert_eq!(dense(ONE, TrainingSetup { schedule, virtual_pipeline: chunks, ..eight }), Reject::ScheduleChunks);
        assert_eq!(dense(ONE, TrainingSetup { schedule, ..STEP }), Reject::ScheduleAlone);
    }
    for (schedule, chunks, batches) in
        [(Schedule::DualPipe, 1, 14), (Schedule::DualPipe, 1, 17), (Schedule::DualPipeV, 2, 15)]
    {
        let few = TrainingSetup { schedule, virtual_pipeline: chunks, global_batch: batches, ..eight };
        assert_eq!(dense(ONE, few), Reject::ScheduleBatches);
        assert!(train(&shapes.0, &ROOMY, ONE, &TrainingSetup { global_batch: 18, ..few }).is_ok());
    }
    let odd = TrainingSetup { devices: 7, pipeline: 7, schedule: Schedule::DualPipe, ..eight };
    assert_eq!(dense(ONE, odd), Reject::ScheduleBatches);
    assert_eq!(dense(ONE, TrainingSetup { first_stage_layers: 30, ..eight }), Reject::StageLayers);
    assert_eq!(
        dense(ONE, TrainingSetup { last_stage_layers: 4, embedding_as_layers: true, ..eight }),
        Reject::StageLayers
    );
    let deep = TrainingSetup { devices: 64, pipeline: 64, ..STEP };
    assert_eq!(dense(ONE, deep), Reject::PipelineTooDeep);
}
