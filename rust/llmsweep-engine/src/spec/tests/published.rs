//! What is published of the specification equals what the registries say; `LLMSWEEP_BLESS=1` rewrites it.
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::decode;
use crate::axes::{AXES, Axis, Domain, Fallback};
use crate::spec::axis::grouped;
use crate::spec::json_schema;

const BEGIN: &str = "<!-- axes: generated from rust/llmsweep-engine/src/axes.rs -->\n";
const END: &str = "<!-- axes: end -->\n";

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
fn the_table_of_axes_is_the_registry() {
    let path = document("spec.md");
    let text = fs::read_to_string(&path).expect("docs/spec.md is there");
    let (head, rest) = text.split_once(BEGIN).expect("docs/spec.md has the first marker");
    let (table, tail) = rest.split_once(END).expect("docs/spec.md has the last marker");
    let generated = table_of_axes();
    if bless() {
        fs::write(&path, format!("{head}{BEGIN}{generated}{END}{tail}")).expect("docs can be written");
    } else {
        assert!(table == generated, "docs/spec.md is out of date: run the tests with LLMSWEEP_BLESS=1");
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

fn table_of_axes() -> String {
    let mut table = "| axis | phase | section | values | default | what |\n|---|---|---|---|---|---|\n".to_owned();
    for axis in AXES {
        let phases: Vec<_> = axis.phases.iter().map(|phase| phase.name()).collect();
        let section = if axis.workload { "axes, workload" } else { "axes" };
        let unit = if axis.unit.is_empty() { String::new() } else { format!(" [{}]", axis.unit) };
        let phases = phases.join(", ");
        let (values, default) = (values(axis), default(axis));
        writeln!(table, "| `{}` | {phases} | {section} | {values}{unit} | {default} | {} |", axis.name, axis.doc)
            .expect("a String takes everything");
    }
    table
}

fn values(axis: &Axis) -> String {
    match axis.domain {
        Domain::Model => "a model's id or a glob".to_owned(),
        Domain::Accelerator => "an accelerator's id or a glob".to_owned(),
        Domain::Network => "a network's id, a glob, or `default`".to_owned(),
        Domain::Choice(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Domain::Integer { min, max } => format!("{} … {}", grouped(min), grouped(max)),
        Domain::Positive => "a number above 0".to_owned(),
        Domain::Bool => "`true`, `false`".to_owned(),
    }
}

fn default(axis: &Axis) -> String {
    match axis.fallback {
        Fallback::Required => "required".to_owned(),
        Fallback::Name(name) => format!("`{name}`"),
        Fallback::Integer(number) => grouped(number),
        Fallback::Number(number) => number.to_string(),
        Fallback::Bool(flag) => format!("`{flag}`"),
    }
}
