//! Llama Team 2024, "The Llama 3 Herd of Models", arXiv:2407.21783, table 4: training Llama-3.1-405B on H100s.
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{deepseek_v3, llama3_405b};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::TrainingLayout;

/// Whatever fits: the paper frees activations early, which is not modelled.
const ROOMY: Machine = Machine { memory: 1e12, ..H100 };

/// TFLOP/s per device: 430 on 8,192 devices, 400 on 16,384, 380 with sequences of 131,072 over 16 context-parallel ranks; t = 8, p = 16.
/// The paper does not say how many chunks its stages interleave (seven here, one layer and a bit each), and its runs include what no
/// model of one step has: 20 %, on the fast side; 2 % on the other.
#[test]
fn table_4() {
    for (devices, context, sequence_length, published) in
        [(8192, 1, 8192, 430e12), (16_384, 1, 8192, 400e12), (16_384, 16, 131_072, 380e12)]
    {
        let layout = TrainingLayout { tensor: 8, context, sequence_parallel: true, sequence_length, ..ONE };
        let setup = TrainingSetup {
            devices,
            pipeline: 16,
            virtual_pipeline: 7,
            global_batch: 16 * 1024 * 1024 / sequence_length,
            zero_stage: 1,
            ..STEP
        };
        let row = train(&llama3_405b(), &ROOMY, layout, &setup).expect("fits");
        let rate = row.model_flops / row.step.0 / f64::from(devices);
        assert!(rate > 0.98 * published && rate < 1.2 * published, "{rate:e} against {published:e}");
    }
}

/// DeepSeek-AI 2024, arXiv:2412.19437, section 2.2: prediction layers cost training and nothing else, and stand on the last stage.
#[test]
fn multi_token_prediction_costs_the_last_stage() {
    let layout = TrainingLayout { expert: 8, ..ONE };
    let setup = TrainingSetup { devices: 64, pipeline: 8, global_batch: 64, zero_stage: 1, ..STEP };
    let run = |multi_token_prediction| {
        train(&deepseek_v3(), &ROOMY, TrainingLayout { multi_token_prediction, ..layout }, &setup).expect("fits")
    };
    let (with, without) = (run(true), run(false));
    assert!(with.step > without.step && with.model_flops > without.model_flops);
    assert!(with.memory.peak >= without.memory.peak);
    let share = with.model_flops / without.model_flops - 1.0;
    assert!(share > 1.0 / 61.0 && share < 0.08, "one layer of 61 and the logits again: {share}");
}
