//! Serving engines: what a wrong one says, and that a right one moves what it should and nothing else.
use llmsweep_engine::catalog::{Catalog, Kind};
use llmsweep_model::phase::share::Bottleneck;

use crate::common::{all_rows, catalog_folder, sweep};
use crate::systems::refuses;

const SWEEP: &str = r#"schema = 1
phase = "inference"
[axes]
model = "llama3.1-8b"
accelerator = "h100-sxm-80"
concurrency = 300
input_tokens = 128
output_tokens = 128
"#;

/// A column of a sweep, by the order of its engines.
fn column(engines: &str, own: &str, name: &str) -> Vec<f64> {
    let rows = all_rows(&sweep(&format!("{SWEEP}engine = {engines}\n{own}")));
    (0..rows.len()).map(|row| rows.number(row, name)).collect()
}

#[test]
fn a_wrong_engine_is_one_sentence_with_its_place() {
    for (text, expected) in [
        (
            "host_stop_s = 1e-6",
            "own.toml:4:1: unknown key \"host_stop_s\" in this engine: did you mean \"host_step_s\"?",
        ),
        (
            "cache_fraction = 1.5",
            "own.toml:4:18: \"cache_fraction\" of the engine \"mine\" is \"1.5\", allowed are numbers up to 1",
        ),
        (
            "kernels = \"vlm\"",
            "own.toml:4:11: \"kernels\" of the engine \"mine\" is \"vlm\", allowed are any, fastest, vllm, sglang, trtllm; did you mean \"vllm\"?",
        ),
    ] {
        refuses("engines/own.toml", &format!("[[engine]]\nid = \"mine\"\nname = \"Mine\"\n{text}\n"), expected);
    }
}

#[test]
fn an_engine_that_says_nothing_has_the_defaults_and_its_kernels() {
    let own = "[[engine]]\nid = \"mine\"\nname = \"Mine\"\nkernels = \"vllm\"\n\
               [[engine]]\nid = \"any\"\nname = \"Any\"\n";
    let times = column("[\"vllm\", \"mine\", \"any\"]", own, "tpot_s");
    assert!((times[0] / times[1] - 1.0).abs() < 1e-12, "{times:?}");
    assert!((times[2] / times[0] - 1.0).abs() > 1e-6, "{times:?}");
}

/// 300 requests on an engine that runs 100: the others wait, though the cache has room, and the bottleneck is no cache.
#[test]
fn an_engine_runs_no_more_than_its_most() {
    let own = "[[engine]]\nid = \"mine\"\nname = \"Mine\"\nkernels = \"vllm\"\nmax_batch = 100\n";
    assert_eq!(column("[\"vllm\", \"mine\"]", own, "running_requests"), [300.0, 100.0]);
    assert_eq!(column("[\"vllm\", \"mine\"]", own, "saturated"), [0.0, 1.0]);
    let cache = f64::from(Bottleneck::CacheCapacity.code());
    assert!(column("[\"vllm\", \"mine\"]", own, "bottleneck").iter().all(|&limit| (limit - cache).abs() > 0.5));
    let rooms = column("[\"vllm\", \"mine\"]", own, "max_concurrency");
    assert!(rooms[0] > 300.0 && (rooms[0] - rooms[1]).abs() < 1e-9, "{rooms:?}");
}

#[test]
fn every_shipped_engine_says_where_it_comes_from() {
    let catalog = Catalog::from_directories(&[catalog_folder()]).expect("the shipped catalogue is right");
    assert!(catalog.ids(Kind::Engines).count() >= 3);
    for id in catalog.ids(Kind::Engines) {
        let engine = catalog.engine(id).expect("it is listed");
        assert!(!engine.source.is_empty(), "{id}");
        for key in &engine.source {
            assert!(catalog.source(Kind::Engines, key).is_some(), "{id}: {key}");
        }
    }
}
