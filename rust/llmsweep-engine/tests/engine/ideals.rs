//! What a box could reach at best is beaten by none of its rows.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::evaluate::Evaluator;
use llmsweep_engine::evaluate::ideal::{Objective, ideal_depths};
use llmsweep_engine::values::Value;
use proptest::prelude::*;

use crate::common::sweep;
use crate::specs;

/// Objectives of which a box tells something.
const TRAINING: [(&str, f64); 20] = [
    ("step_time_s", 1.0),
    ("time_to_train_s", 1.0),
    ("device_hours", 1.0),
    ("cost_usd", 1.0),
    ("usd_per_million_tokens", 1.0),
    ("energy_j", 1.0),
    ("j_per_token", 1.0),
    ("ownership_usd", 1.0),
    ("facility_energy_j", 1.0),
    ("co2_kg", 1.0),
    ("nodes", 1.0),
    ("memory_bytes", 1.0),
    ("devices", 1.0),
    ("devices", -1.0),
    ("tokens_per_s", -1.0),
    ("tokens_per_s_per_device", -1.0),
    ("mfu", -1.0),
    ("mfu_non_causal", -1.0),
    ("hfu", -1.0),
    ("goodput", -1.0),
];

/// How many rows there were to beat.
/// Objectives of which a box of a serving sweep tells something.
const INFERENCE: [(&str, f64); 20] = [
    ("ttft_s", 1.0),
    ("tpot_s", 1.0),
    ("e2e_s", 1.0),
    ("device_count", 1.0),
    ("usd_per_hour", 1.0),
    ("power_w", 1.0),
    ("cost_usd", 1.0),
    ("usd_per_million_tokens", 1.0),
    ("energy_j", 1.0),
    ("j_per_token", 1.0),
    ("ownership_usd", 1.0),
    ("facility_energy_j", 1.0),
    ("co2_kg", 1.0),
    ("concurrency", -1.0),
    ("requests_per_s", -1.0),
    ("goodput_requests_per_s", -1.0),
    ("tokens_per_s", -1.0),
    ("tokens_per_s_per_device", -1.0),
    ("tokens_per_s_per_user", -1.0),
    ("slo_attainment", -1.0),
];

fn never_beaten(text: &str, objectives: &[(&str, f64)]) -> usize {
    let sweep = sweep(text);
    let (context, phase) = (&sweep.context, sweep.spec.phase);
    let depths = ideal_depths(&context.plan);
    let mut evaluator = Evaluator::new(context);
    let mut met = 0;
    for row in 0..context.plan.rows() {
        let point = context.plan.point(row);
        let outcome = evaluator.outcome(&point);
        if outcome.reject().is_some() {
            continue;
        }
        // Objectives that some row lacks, a price for instance, tell nothing of the box.
        let objectives: Vec<(Value, f64)> = objectives
            .iter()
            .map(|(name, sign)| (Value::by_name(phase, name).expect("a column"), *sign))
            .filter(|(value, _)| !value.of(context, row, &point, &outcome).is_nan())
            .collect();
        let real = objectives.iter().map(|(value, sign)| sign * value.of(context, row, &point, &outcome));
        let real: Vec<f64> = real.collect();
        for &depth in &depths {
            let mut points: Vec<Vec<f64>> = Vec::new();
            let bounded: Vec<Objective> =
                objectives.iter().map(|(value, sign)| Objective::new(phase, *value, *sign)).collect();
            let all = evaluator.ideal(&point, depth, &bounded, &mut Vec::new(), |best| {
                points.push(best.to_vec());
                true
            });
            if all.is_none() {
                assert!(phase == Phase::Inference, "row {row} has no ideal at depth {depth} of\n{text}");
                continue;
            }
            let below = |ideal: &Vec<f64>| {
                let three = objectives.iter().zip(&real).zip(ideal);
                let three = three.map(|(((value, _), real), ideal)| (value.name, *real, *ideal));
                three.filter(|(_, real, ideal)| real < ideal).collect::<Vec<_>>()
            };
            let below: Vec<_> = points.iter().map(below).collect();
            assert!(
                below.iter().any(Vec::is_empty),
                "row {row} is better than its box at depth {depth}: {below:?} of\n{text}"
            );
            met += 1;
        }
    }
    met
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_training_row_is_better_than_its_box(text in specs::text(Phase::Training)) {
        never_beaten(&text, &TRAINING);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_serving_row_is_better_than_its_box(text in specs::text(Phase::Inference)) {
        never_beaten(&text, &INFERENCE);
    }
}

/// Loads, layouts and lengths of which many can run.
#[test]
fn no_row_of_a_usual_serving_sweep_is_better_than_its_box() {
    let axes = "schema = 1\nphase = \"inference\"\n[axes]\nmodel = [\"llama3.1-70b\", \"deepseek-v3\", \"llama3.1-8b\"]\n\
         accelerator = [\"h100-sxm-80\", \"b200-sxm\", \"mi300x\"]\nprecision = [\"bf16\", \"fp8\"]\ntensor_parallel = [1, 8]\n\
         expert_parallel = [1, 8]\npipeline_parallel = [1, 2]\ndata_parallel = [1, 4]\ninput_tokens = [128, 8192]\n\
         output_tokens = [1, 16, 2048]\nprice_scale = [0.5, 1]\npower_scale = [0.8, 1]\nprefix_hit_rate = [0, 0.5]\nmax_batch = [0, 16]\n";
    for load in [
        "concurrency = [1, 8, 64, 512, 4096]\nserving_mode = [\"continuous\", \"static\"]\n",
        "arrival_rate_per_s = [0.1, 1, 10]\ninput_tokens_cv = 1\noutput_tokens_cv = 0.5\n",
        "concurrency = [1, 8, 64]\nspeculation = \"mtp\"\nspeculative_tokens = 2\nacceptance_rate = 0.8\n",
    ] {
        let met = never_beaten(&format!("{axes}{load}"), &INFERENCE);
        assert!(met > 500, "only {met} boxes were told of with {load}");
    }
}

/// Layouts, schedules, ways to recompute and runs of which many can run.
#[test]
fn no_row_of_a_usual_sweep_is_better_than_its_box() {
    let met = never_beaten(
        "schema = 1\nphase = \"training\"\n[axes]\nmodel = [\"llama3.1-70b\", \"deepseek-v3\"]\n\
         accelerator = [\"h100-sxm-80\", \"b200-sxm\"]\nprecision = [\"bf16\", \"fp8\"]\nsequence_length = 4096\n\
         devices = [512, 2048]\nglobal_batch = [1024, 4096]\ntensor_parallel = [1, 8]\nexpert_parallel = [1, 8]\n\
         pipeline_parallel = [1, 8, 16]\nvirtual_pipeline = [1, 2]\nschedule = [\"1f1b\", \"zero_bubble_h1\", \"dualpipe\"]\n\
         recompute = [\"none\", \"full\"]\nrecompute_layers = [0, 1]\nzero_stage = [1, 3]\nprice_scale = [0.5, 1]\npower_scale = [0.8, 1]\n\
         tokens_per_parameter = [0, 20]\nspare_devices = [0, 64]\n",
        &TRAINING,
    );
    assert!(met > 10_000, "only {met} rows can run");
}
