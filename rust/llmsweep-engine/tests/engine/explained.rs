//! Explanations show the sweep's own numbers, and their terms add up.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::explain::explain;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{Rows, inference, one_row, sweep, training};
use crate::specs;

fn term<'a>(explained: &'a Value, section: &str, name: &str) -> &'a Value {
    let sections = explained["sections"].as_array().expect("sections");
    let section = sections
        .iter()
        .find(|one| one["title"].as_str().is_some_and(|title| title.starts_with(section)))
        .unwrap_or_else(|| panic!("no section {section}"));
    let terms = section["terms"].as_array().expect("terms");
    let term = terms.iter().chain([&section["total"]]).find(|term| term["name"] == name);
    &term.unwrap_or_else(|| panic!("no term {name} in {section}"))["value"]
}

/// Every section with a total adds up to it.
fn adds_up(explained: &Value) {
    for section in explained["sections"].as_array().expect("sections") {
        let Some(total) = section["total"]["value"].as_f64() else { continue };
        let terms = section["terms"].as_array().expect("terms");
        let sum: f64 = terms.iter().filter_map(|term| term["value"].as_f64()).sum();
        assert!((sum - total).abs() <= 1e-9 * total.abs(), "{}: {sum} is not {total}\n{section:#}", section["title"]);
    }
}

fn same(explained: &Value, rows: &Rows, phase: Phase) {
    let shown: &[(&str, &str, &str)] = match phase {
        Phase::Training => &[
            ("Time of one step", "step", "step_time_s"),
            ("Time of one step", "pipeline bubble", "bubble_time_s"),
            ("Memory", "peak", "memory_bytes"),
            ("Memory", "activations", "activation_bytes"),
            ("Utilisation", "mfu", "mfu"),
            ("Whole run", "time to train", "time_to_train_s"),
            ("Whole run", "tokens", "trained_tokens"),
            ("Failures", "goodput", "goodput"),
            ("Failures", "failures", "failures"),
            ("Failures", "writing a checkpoint", "checkpoint_write_s"),
            ("Failures", "training between two checkpoints", "checkpoint_interval_used_s"),
            ("Money", "cost", "cost_usd"),
            ("Money", "ownership", "ownership_usd"),
            ("Money", "carbon dioxide", "co2_kg"),
            ("Model", "parameters", "parameters"),
        ],
        Phase::Inference => &[
            ("Time between", "tpot", "tpot_s"),
            ("Time to the first", "ttft", "ttft_s"),
            ("Time to the first", "e2e", "e2e_s"),
            ("Memory", "used", "memory_bytes"),
            ("Memory", "weights", "weight_bytes"),
            ("Memory", "activations", "activation_bytes"),
            ("Memory", "engine", "engine_bytes"),
            ("Room", "room for the cache", "kv_cache_bytes"),
            ("Room", "longest request that fits alone", "max_context_tokens"),
            ("Room", "in the host's memory", "host_memory_bytes"),
            ("Room", "requests that run", "running_requests"),
            ("Money", "cost per million tokens", "usd_per_million_tokens"),
            ("Money", "ownership", "ownership_usd"),
            ("Money", "carbon dioxide", "co2_kg"),
            ("Model", "cache of one token", "kv_bytes_per_token"),
        ],
    };
    for (section, name, column) in shown {
        let Some(value) = rows.get(0, column) else { continue };
        let explained = term(explained, section, name).as_f64().expect("a number");
        assert!((explained - value).abs() <= 1e-12 * value.abs(), "{name} {explained} is not {column} {value}");
    }
}

fn explains(text: &str, seed: u64) {
    let sweep = sweep(text);
    let phase = sweep.spec.phase;
    for index in 0..40_u64 {
        let row = seed.wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15) % sweep.context.plan.rows();
        let explained = explain(&sweep.context, &sweep.context.plan.point(row));
        let rows = one_row(&sweep, row);
        adds_up(&explained);
        assert_eq!(explained["feasible"].as_bool(), Some(rows.number(0, "feasible") > 0.0));
        if rows.number(0, "feasible") > 0.0 {
            same(&explained, &rows, phase);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn training_is_explained_by_its_own_numbers(text in specs::text(Phase::Training), seed: u64) {
        explains(&text, seed);
    }

    #[test]
    fn serving_is_explained_by_its_own_numbers(text in specs::text(Phase::Inference), seed: u64) {
        explains(&text, seed);
    }
}

#[test]
fn a_feasible_setup_has_every_section() {
    let titles = |explained: &Value| -> Vec<String> {
        let sections = explained["sections"].as_array().expect("sections");
        sections.iter().filter_map(|section| section["title"].as_str().map(str::to_owned)).collect()
    };
    let served =
        inference("model = \"mixtral-8x7b\"\naccelerator = \"h100-sxm-80\"\ntensor_parallel = 4\nconcurrency = 16\n");
    let served = explain(&served.context, &served.context.plan.point(0));
    assert_eq!(served["feasible"], true);
    assert_eq!(served["setup"]["concurrency"], 16);
    assert!(titles(&served).len() >= 8, "{:?}", titles(&served));
    let trained = training(
        "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ndevices = 64\nglobal_batch = 64\ntensor_parallel = 2\n",
    );
    let trained = explain(&trained.context, &trained.context.plan.point(0));
    assert_eq!(trained["feasible"], true);
    assert!(titles(&trained).len() >= 8, "{:?}", titles(&trained));
    for section in served["sections"].as_array().into_iter().chain(trained["sections"].as_array()).flatten() {
        for term in section["terms"].as_array().expect("terms") {
            assert!(term["value"].is_number(), "{term}");
        }
    }
}
