//! Every model of the catalogue, recounted from its shape and held against its published total.
use std::collections::BTreeMap;
use std::path::PathBuf;

use llmsweep_engine::catalog::{Catalog, Kind, ModelEntry};

/// How far a recount may be from the published total.
const TOLERANCE: f64 = 1e-3;

/// Models whose published total is not that of their shape, with the reason.
const EXCEPTIONS: [(&str, &str); 13] = [
    ("gpt3-small", "the paper rounds 125.2 M to 125 M"),
    (
        "gpt3-xl",
        "the paper's 1.32 B is rounded, and its 24 heads of 128 do not fit a width of 2048; 16 heads are counted",
    ),
    ("gpt4-rumour", "the leak does not count embeddings"),
    ("megatron-8.3b", "the paper rounds to 8.3 B"),
    ("megatron-22b", "the paper rounds to 22 B"),
    ("gopher-280b", "the paper rounds to 280 B"),
    ("qwen3.5-27b", "the published total is the nominal size in the model's name"),
    ("qwen3.5-35b-a3b", "the published total is the nominal size in the model's name"),
    ("qwen3.5-397b-a17b", "the published total is the nominal size in the model's name"),
    ("glm-130b", "the paper rounds to 130 B"),
    ("grok-1", "the release rounds to 314 B"),
    ("nemotron-h-56b", "the paper rounds to 56 B"),
    ("mimo-7b", "the published total is known to two digits only"),
];

/// Models whose published active parameters are further than 5 % from all three conventions, with the reason.
const ACTIVE_EXCEPTIONS: [(&str, &str); 1] =
    [("qwen3-next-80b-a3b", "\"A3B\" is a nominal size; its layers alone hold 3.25 B active parameters")];

fn catalog() -> Catalog {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../python/llmsweep/catalog");
    Catalog::from_directories(&[directory]).expect("the shipped catalogue reads")
}

fn models(catalog: &Catalog) -> impl Iterator<Item = &ModelEntry> {
    catalog.ids(Kind::Models).filter_map(|id| catalog.model(id))
}

#[test]
fn every_model_recounts_to_a_thousandth_but_for_the_exceptions() {
    let catalog = catalog();
    let exceptions: BTreeMap<_, _> = EXCEPTIONS.into_iter().collect();
    let mut exact = 0;
    for model in models(&catalog) {
        let published = model.published_parameters.expect("every shipped model has a published total");
        let error = model.shape.parameters() / published - 1.0;
        match exceptions.get(model.id.as_str()) {
            None => {
                assert!(error.abs() <= TOLERANCE, "{}: {:+.2} % from its published total", model.id, 100.0 * error);
                exact += 1;
            }
            Some(reason) => {
                assert!(error.abs() > TOLERANCE, "{} is no exception any more ({reason})", model.id);
                assert!(error.abs() < 0.1, "{}: {:+.2} %", model.id, 100.0 * error);
            }
        }
    }
    assert!(EXCEPTIONS.iter().all(|(id, _)| catalog.model(id).is_some()));
    assert_eq!(exact, 157);
}

#[test]
fn published_active_parameters_follow_one_of_three_conventions() {
    let catalog = catalog();
    let exceptions: BTreeMap<_, _> = ACTIVE_EXCEPTIONS.into_iter().collect();
    let mut checked = 0;
    for model in models(&catalog) {
        let Some(published) = model.published_active_parameters else { continue };
        let active = model.shape.active_parameters();
        let conventions = [active.with_embeddings, active.without_input_embedding, active.without_embeddings];
        let error = conventions.map(|count| (count / published - 1.0).abs()).into_iter().fold(f64::INFINITY, f64::min);
        match exceptions.get(model.id.as_str()) {
            None => assert!(error < 0.05, "{}: {:.1} % from the nearest convention", model.id, 100.0 * error),
            Some(reason) => assert!(error >= 0.05, "{} is no exception any more ({reason})", model.id),
        }
        checked += 1;
    }
    assert_eq!(checked, 35);
}

#[test]
fn totals_that_everyone_knows() {
    let catalog = catalog();
    for (id, published) in [
        ("llama2-70b", 68_976_648_192.0),
        ("gpt3-175b", 174_604_259_328.0),
        ("llama3.1-8b", 8_030_261_248.0),
        ("llama3.1-405b", 405_853_388_800.0),
        ("mixtral-8x7b", 46_702_792_704.0),
        ("qwen2.5-7b", 7_615_616_512.0),
        ("deepseek-v3", 671_026_419_200.0),
        ("opt-350m", 331_196_416.0),
        ("gpt2", 124_439_808.0),
        ("bloom-176b", 176_247_271_424.0),
    ] {
        let count = catalog.model(id).expect("in the catalogue").shape.parameters();
        assert!((count - published).abs() < 0.5, "{id}: {count} is not {published}");
    }
}
