//! Specifications that are right, and what they decode to.
use super::*;
use crate::axes::{Phase, of_phase};
use crate::node::{Entry, Node, Place, Value};
use crate::spec::{AxisValue, ParetoSpec};

fn shown(spec: &Spec, axis: &str) -> Vec<String> {
    let axis = spec.axes.iter().find(|values| values.axis.name == axis).expect("an axis of the phase");
    axis.values.iter().map(AxisValue::to_string).collect()
}

/// The values of one axis of a small inference sweep.
fn values(axis: &str, lines: &str) -> Vec<String> {
    let model = if axis == "model" { "" } else { "model = \"deepseek-v3\"\n" };
    let accelerator = if axis == "accelerator" { "" } else { "accelerator = \"mi300x\"\n" };
    let text = format!("schema = 1\nphase = \"inference\"\n[axes]\n{model}{accelerator}{lines}\n");
    shown(&decode(&text).expect("right"), axis)
}

#[test]
fn the_inference_example() {
    let spec = decode(INFERENCE).expect("right");
    assert_eq!(spec.phase, Phase::Inference);
    assert_eq!(spec.configurations(), 5 * 4 * 2 * 4 * 11);
    let names: Vec<_> = spec.axes.iter().map(|values| values.axis.name).collect();
    assert_eq!(names, of_phase(Phase::Inference).map(|axis| axis.name).collect::<Vec<_>>());
    assert_eq!(shown(&spec, "concurrency"), ["1", "2", "4", "8", "16", "32", "64", "128", "256", "512", "1024"]);
    assert_eq!(shown(&spec, "input_tokens"), ["2048"]);
    assert_eq!(shown(&spec, "network"), ["default"]);
    let place =
        |axis: &str| spec.axes.iter().find(|values| values.axis.name == axis).and_then(|values| values.place.clone());
    assert_eq!(place("input_tokens").expect("given").to_string(), "s.toml:11:1");
    assert_eq!(place("network"), None);
    let bounds: Vec<_> = spec.constraints.iter().map(|bound| (bound.column, bound.min, bound.max)).collect();
    assert_eq!(bounds, [("ttft_s", None, Some(0.5)), ("tpot_s", None, Some(0.05))]);
    assert_eq!(spec.pareto, ParetoSpec::of_phase(Phase::Inference));
}

#[test]
fn the_training_example() {
    let spec = decode(TRAINING).expect("right");
    assert_eq!(spec.phase, Phase::Training);
    assert_eq!(spec.name.as_deref(), Some("405B on 15.6T tokens"));
    assert_eq!(shown(&spec, "accelerator"), ["h100-sxm-80", "h200-sxm-141"]);
    assert_eq!(shown(&spec, "devices"), ["1024", "2048", "4096", "8192", "16384"]);
    assert_eq!(shown(&spec, "tensor_parallel"), ["2", "4", "6", "8"]);
    assert_eq!(shown(&spec, "hbm_bandwidth_scale"), ["1", "1.5", "2"]);
    assert_eq!(shown(&spec, "tokens"), ["15600000000000"]);
    assert_eq!(shown(&spec, "sequence_parallel"), ["true"]);
    assert_eq!(spec.pareto.minimize, ["time_to_train_s", "cost_usd"]);
    assert_eq!(spec.prices.get("h100-sxm-80"), Some(&2.0));
}

#[test]
fn ranges_keep_both_ends_and_whole_numbers() {
    for (lines, expected) in [
        ("tensor_parallel = { geometric = [1, 9, 2] }", &["1", "2", "4", "8"][..]),
        // 40.5 would come next.
        ("tensor_parallel = { geometric = [8, 30, 1.5] }", &["8", "12", "18", "27"]),
        ("tensor_parallel = { linear = [1, 1, 1] }", &["1"]),
        ("tensor_parallel = { linear = [2.0, 8, 3] }", &["2", "5", "8"]),
        ("tensor_parallel = [8.0]", &["8"]),
    ] {
        assert_eq!(values("tensor_parallel", lines), expected, "{lines}");
    }
    assert_eq!(
        values("price_scale", "price_scale = { linear = [1, 1.5, 0.1] }"),
        ["1", "1.1", "1.2", "1.3", "1.4", "1.5"]
    );
    assert_eq!(values("memory_scale", "memory_scale = { geometric = [0.5, 2, 2] }"), ["0.5", "1", "2"]);
    assert_eq!(values("input_tokens", "input_tokens = { geometric = [1000, 4000, 2] }"), ["1000", "2000", "4000"]);
}

#[test]
fn globs_expand_in_the_catalogues_order_and_once() {
    assert_eq!(
        values("accelerator", "accelerator = [\"b*\", \"h*\", \"h100-sxm-80\", \"*sxm*\"]"),
        ["b200-sxm", "h100-sxm-80", "h200-sxm-141", "a100-sxm-80"]
    );
    assert_eq!(values("model", "model = \"llama3.1-?b\""), ["llama3.1-8b"]);
    assert_eq!(values("network", "network = [\"default\", \"*\"]"), ["default", "ib-ndr", "roce-400"]);
}

#[test]
fn tables_of_the_specification_add_names() {
    let lines = "accelerator = [\"dream*\", \"l40s\"]\n[[accelerator]]\nid = \"dream-1\"\n[[accelerator]]\nid = \"l40s\"\n[[model]]\nid = \"m\"";
    assert_eq!(values("accelerator", lines), ["dream-1", "l40s"]);
    let spec = decode(&format!("{INFERENCE}[[model]]\nid = \"m\"\n[[network]]\nid = \"n\"\nx = 1\n")).expect("right");
    assert_eq!((spec.models.len(), spec.accelerators.len(), spec.networks.len()), (1, 0, 1));
}

#[test]
fn a_scale_may_say_what_it_scales() {
    let lines = "\"accelerator.hbm_bandwidth_scale\" = [1, 2]";
    assert_eq!(values("hbm_bandwidth_scale", lines), ["1", "2"]);
}

#[test]
fn an_objective_in_one_direction_clears_the_other() {
    let text = INFERENCE.split("[pareto]").next().expect("a first part");
    let spec =
        decode(&format!("{text}[pareto]\nmaximize = \"tokens_per_s\"\nby = []\ndistinct = true\n")).expect("right");
    assert_eq!(
        spec.pareto,
        ParetoSpec { minimize: vec![], maximize: vec!["tokens_per_s"], by: vec![], distinct: true }
    );
    let spec = decode(&format!("{text}[pareto]\nby = [\"precision\", \"concurrency\"]\n")).expect("right");
    assert_eq!(spec.pareto.minimize, ["usd_per_million_tokens"]);
    assert_eq!(spec.pareto.by, ["precision", "concurrency"]);
}

#[test]
fn objects_are_decoded_with_their_paths() {
    let at = |path: &str, value| Node { value, place: Place::Path(path.to_owned()) };
    let entry = |key: &str, node: Node| Entry { key: key.to_owned(), place: node.place.clone(), node };
    let text = |text: &str| Value::String(text.to_owned());
    let axes = Value::Table(vec![
        entry("model", at("axes.model", text("deepseek-v3"))),
        entry("accelerator", at("axes.accelerator", text("mi300"))),
    ]);
    let root = at(
        "spec",
        Value::Table(vec![
            entry("schema", at("schema", Value::Integer(1))),
            entry("phase", at("phase", text("inference"))),
            entry("axes", at("axes", axes)),
        ]),
    );
    let error = Spec::decode(&root, &Few).expect_err("wrong");
    assert_eq!(
        error.to_string(),
        "axes.accelerator: unknown accelerator \"mi300\"; did you mean \"mi300x\"?; allowed: a100-sxm-80, h100-sxm-80, h200-sxm-141, b200-sxm, mi300x, l40s"
    );
}
