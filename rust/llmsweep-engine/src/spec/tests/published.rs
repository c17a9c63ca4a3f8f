//! What is published of the specification equals what the registries say; `LLMSWEEP_BLESS=1` rewrites it.
use std::fs;
use std::path::PathBuf;

use super::decode;
use crate::axes::AXES;
use crate::spec::json_schema;

fn document(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", name].iter().collect()
}

fn bless() -> bool {
    std::env::var_os("LLMSWEEP_BLESS").is_some_and(|value| value == "1")
}

#[test]
fn the_published_schema_is_the_generated_one() {
    let path = document("sweep.schema.json");
    let generated = json_schema();
    if bless() {
        fs::write(&path, format!("{generated:#}\n")).expect("docs can be written");
    }
    let published = fs::read_to_string(&path).expect("docs/sweep.schema.json is there");
    // Compared as values: the order of keys is serde_json's affair.
    let published: serde_json::Value = serde_json::from_str(&published).expect("it is JSON");
    assert!(published == generated, "docs/sweep.schema.json is out of date: run the tests with LLMSWEEP_BLESS=1");
}

#[test]
fn the_schema_names_every_axis() {
    let schema = json_schema();
    for axis in AXES {
        for phase in axis.phases {
            let properties = &schema["$defs"][phase.name()]["properties"];
            assert!(properties["axes"]["properties"].get(axis.name).is_some(), "{}", axis.name);
            assert_eq!(properties["workload"]["properties"].get(axis.name).is_some(), axis.workload, "{}", axis.name);
        }
    }
}

#[test]
fn the_examples_of_the_document_are_right() {
    let text = fs::read_to_string(document("spec.md")).expect("docs/spec.md is there");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<&str> = blocks.filter(|block| block.starts_with("schema")).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        assert!(decode(example).is_ok(), "{example}");
    }
}
