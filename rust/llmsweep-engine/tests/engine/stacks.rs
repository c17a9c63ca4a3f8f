//! Training stacks: what a wrong one says, and that a right one moves what it should and nothing else.
use llmsweep_engine::catalog::{Catalog, Kind};
use llmsweep_model::phase::share::Bottleneck;

use crate::common::{all_rows, catalog_folder, sweep, training};
use crate::systems::refuses;

const SWEEP: &str = r#"schema = 1
phase = "training"
[axes]
model = ["gpt3-175b"]
accelerator = ["a100-sxm-80"]
devices = 64
global_batch = 64
tensor_parallel = 8
pipeline_parallel = 8
recompute = "full"
memory_scale = 4
sequence_length = 2048
"#;

/// Step times of a sweep, by the order of its stacks.
fn steps(stacks: &str, own: &str) -> Vec<f64> {
    let rows = all_rows(&sweep(&format!("{SWEEP}stack = {stacks}\n{own}")));
    (0..rows.len()).map(|row| rows.number(row, "step_time_s")).collect()
}

#[test]
fn a_wrong_stack_is_one_sentence_with_its_place() {
    for (text, expected) in [
        (
            "host_lanch_s = 1e-6",
            "own.toml:4:1: unknown key \"host_lanch_s\" in this stack: did you mean \"host_launch_s\"?",
        ),
        (
            "host_launch_s = -1.0",
            "own.toml:4:17: \"host_launch_s\" of the stack \"mine\" is \"-1\", allowed are finite numbers of at least 0",
        ),
        (
            "attention_ratio = { hopper = 0 }",
            "own.toml:4:30: \"hopper\" of \"attention_ratio\" of the stack \"mine\" is \"0\", allowed are finite numbers above 0",
        ),
        (
            "unsaid = { recomput = \"none\" }",
            "own.toml:4:12: \"unsaid\" of the stack \"mine\" names no axis of training with \"recomput\": did you mean \"recompute\"?",
        ),
        (
            "unsaid = { recompute = [\"none\"] }",
            "own.toml:4:24: \"recompute\" of \"unsaid\" of the stack \"mine\" must be one value of the axis",
        ),
    ] {
        refuses("stacks/own.toml", &format!("[[stack]]\nid = \"mine\"\nname = \"Mine\"\n{text}\n"), expected);
    }
}

#[test]
fn a_stack_that_says_nothing_is_the_default() {
    let own = "[[stack]]\nid = \"mine\"\nname = \"Mine\"\n";
    let times = steps("[\"default\", \"mine\"]", own);
    assert!((times[0] / times[1] - 1.0).abs() < 1e-12, "{times:?}");
}

#[test]
fn a_slow_host_and_slow_attention_lengthen_the_step() {
    let own = "[[stack]]\nid = \"host\"\nname = \"Slow host\"\nhost_launch_s = 1e-3\n\
               [[stack]]\nid = \"attention\"\nname = \"Slow attention\"\nattention_ratio = { ampere-ga100 = 0.5, hopper = 0.1 }\n\
               [[stack]]\nid = \"elsewhere\"\nname = \"Slow elsewhere\"\nattention_ratio = { hopper = 0.1 }\n";
    let times = steps("[\"default\", \"host\", \"attention\", \"elsewhere\"]", own);
    assert!(times[1] > 1.1 * times[0] && times[2] > 1.005 * times[0], "{times:?}");
    assert!((times[3] / times[0] - 1.0).abs() < 1e-12, "{times:?}");
}

#[test]
fn every_shipped_stack_says_where_it_comes_from() {
    let catalog = Catalog::from_directories(&[catalog_folder()]).expect("the shipped catalogue is right");
    for id in catalog.ids(Kind::Stacks) {
        let stack = catalog.stack(id).expect("it is listed");
        // One without frameworks is taken by its name alone.
        assert!(!stack.source.is_empty(), "{id}");
        for key in &stack.source {
            assert!(catalog.source(Kind::Stacks, key).is_some(), "{id}: {key}");
        }
    }
}

/// 128 replicas whose times spread by 5 %: the slowest takes 0.05·√(2 ln 128) = 0.1557 of its kernels and its host's part longer.
#[test]
fn replicas_wait_for_the_slowest() {
    let run = |sigma: f64| {
        all_rows(&training(&format!(
            "model = \"llama2-7b\"\naccelerator = \"h100-sxm-80\"\ndevices = 128\nglobal_batch = 512\nsequence_length = 4096\n\
             stack = \"mine\"\nrecompute = \"full\"\n\
             [[stack]]\nid = \"mine\"\nname = \"Mine\"\nhost_launch_s = 0\nstraggler_sigma = {sigma}\n"
        )))
    };
    let (even, uneven, wild) = (run(0.0), run(0.05), run(1.0));
    let waited = uneven.number(0, "straggler_time_s");
    assert!((waited / even.number(0, "compute_time_s") - 0.155_747).abs() < 1e-5, "{waited}");
    assert!((uneven.number(0, "step_time_s") - even.number(0, "step_time_s") - waited).abs() < 1e-9);
    let bottlenecks = [&even, &wild].map(|rows| rows.number(0, "bottleneck"));
    assert_eq!(bottlenecks, [Bottleneck::Compute, Bottleneck::Straggler].map(|limit| f64::from(limit.code())));
}
