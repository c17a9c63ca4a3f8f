//! What a box could reach at best is beaten by none of its rows.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::evaluate::Evaluator;
use llmsweep_engine::evaluate::ideal::ideal_depths;
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
        met += 1;
        let column = |name: &str| Value::by_name(phase, name).expect("a column");
        let real = objectives.iter().map(|(name, sign)| sign * column(name).of(context, row, &point, &outcome));
        let real: Vec<f64> = real.collect();
        for ((name, sign), &real) in objectives.iter().zip(&real) {
            let value = column(name);
            for &depth in &depths {
                let mut ideal = Vec::new();
                let Some(()) = evaluator.ideal(&point, depth, &[(value, *sign)], &mut ideal) else {
                    assert!(real.is_nan(), "{name} of row {row} has no ideal at depth {depth} of\n{text}");
                    continue;
                };
                assert!(
                    real.is_nan() || real >= ideal[0],
                    "{name} of row {row} is {real}, better than {} at depth {depth} of\n{text}",
                    ideal[0]
                );
            }
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

/// Layouts, schedules, ways to recompute and runs of which many can run.
#[test]
fn no_row_of_a_usual_sweep_is_better_than_its_box() {
    let met = never_beaten(
        "schema = 1\nphase = \"training\"\n[axes]\nmodel = [\"llama3.1-70b\", \"deepseek-v3\"]\n\
         accelerator = [\"h100-sxm-80\", \"b200-sxm\"]\nprecision = [\"bf16\", \"fp8\"]\nsequence_length = 4096\n\
         devices = [512, 2048]\nglobal_batch = [1024, 4096]\ntensor_parallel = [1, 8]\nexpert_parallel = [1, 8]\n\
         pipeline_parallel = [1, 8, 16]\nvirtual_pipeline = [1, 2]\nschedule = [\"1f1b\", \"zero_bubble_h1\", \"dualpipe\"]\n\
         recompute = [\"none\", \"full\"]\nrecompute_layers = [0, 1]\nzero_stage = [1, 3]\nprice_scale = [0.5, 1]\n\
         tokens_per_parameter = [0, 20]\nspare_devices = [0, 64]\n",
        &TRAINING,
    );
    assert!(met > 10_000, "only {met} rows can run");
}
