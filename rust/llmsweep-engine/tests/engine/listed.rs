//! Tables: a row per setup.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::context::Context;
use llmsweep_engine::control::Control;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::listed::{ListedColumn, compile};
use llmsweep_engine::node::Value;
use llmsweep_engine::plan::Point;
use llmsweep_engine::run::Run;
use llmsweep_engine::spec::ParetoSpec;
use llmsweep_engine::values::Value as Column;

use crate::common::{Rows, all_rows, catalog, catalog_folder, inference, sweep};

fn column(name: &str, cells: Vec<Value>) -> ListedColumn {
    ListedColumn { name: name.to_owned(), cells }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|&value| Value::String(value.to_owned())).collect()
}

fn whole(values: &[i64]) -> Vec<Value> {
    values.iter().map(|&value| Value::Integer(value)).collect()
}

fn listed(columns: &[ListedColumn]) -> Result<(Context, Vec<Point>), String> {
    compile(Phase::Inference, columns, catalog(), None).map_err(|error| error.to_string())
}

fn listed_within(columns: &[ListedColumn], text: &str) -> Result<(Context, Vec<Point>), String> {
    let root = parse_toml("s.toml", text).map_err(|error| error.to_string())?;
    compile(Phase::Inference, columns, catalog(), Some(&root)).map_err(|error| error.to_string())
}

fn evaluate(context: &Context, points: &[Point]) -> Rows {
    let run = Run::new(context, &[], &ParetoSpec::of_phase(Phase::Inference));
    Rows::of(&run.points(points, &Column::all(Phase::Inference), &Control::new()).expect("nobody cancels"))
}

#[test]
fn a_row_of_a_table_is_the_row_of_a_sweep() {
    let columns = [
        column("concurrency", vec![Value::Float(8.0), Value::Integer(8), Value::Integer(1)]),
        column("model", texts(&["gpt2", "llama3.1-8b", "gpt2"])),
        column("accelerator", texts(&["h100-sxm-80", "l40s", "h100-sxm-80"])),
    ];
    let (context, points) = listed(&columns).expect("the table is right");
    assert_eq!(
        context.plan.axes.iter().find(|axis| axis.axis.name == "concurrency").map(|axis| axis.values.len()),
        Some(2)
    );
    let rows = evaluate(&context, &points);
    for (row, (model, accelerator, concurrency)) in
        [("gpt2", "h100-sxm-80", 8), ("llama3.1-8b", "l40s", 8), ("gpt2", "h100-sxm-80", 1)].into_iter().enumerate()
    {
        let alone = all_rows(&inference(&format!(
            "model = \"{model}\"\naccelerator = \"{accelerator}\"\nconcurrency = {concurrency}\n"
        )));
        for name in ["tpot_s", "ttft_s", "memory_bytes", "reject", "usd_per_million_tokens", "parameters"] {
            assert_eq!(rows.get(row, name), alone.get(0, name), "{name} of row {row}");
        }
    }
}

#[test]
fn a_wrong_table_says_where() {
    let right = || column("model", texts(&["gpt2", "gpt2"]));
    let chip = || column("accelerator", texts(&["h100-sxm-80", "h100-sxm-80"]));
    for (columns, expected) in [
        (
            vec![right(), chip(), column("concurency", whole(&[1, 2]))],
            "column \"concurency\": unknown key \"concurency\"; did you mean \"concurrency\"?",
        ),
        (
            vec![right(), chip(), column("zero_stage", whole(&[1, 1]))],
            "column \"zero_stage\": \"zero_stage\" is not an axis of phase \"inference\", only of phase \"training\"",
        ),
        (
            vec![right(), chip(), column("concurrency", whole(&[1, 0]))],
            "column \"concurrency\", row 1: concurrency must be a whole number from 1 to 100,000,000, not \"0\"",
        ),
        (
            vec![right(), chip(), column("concurrency", vec![Value::Float(1.5), Value::Float(f64::NAN)])],
            "column \"concurrency\", row 0: concurrency must be a whole number from 1 to 100,000,000, not \"1.5\"",
        ),
        (
            vec![column("model", texts(&["gpt2", "gtp2"])), chip()],
            "column \"model\", row 1: unknown model \"gtp2\"; did you mean \"gpt2\"?",
        ),
        (
            vec![column("model", texts(&["gpt2", "gpt*"])), chip()],
            "column \"model\", row 1: \"gpt*\" is a pattern; a row of a table must name one value",
        ),
        (vec![right()], "table: the column \"accelerator\" is missing: phase \"inference\" needs it"),
        (
            vec![right(), chip(), column("concurrency", whole(&[1]))],
            "column \"concurrency\": it has \"1\" rows where the first column has 2",
        ),
        (vec![right(), chip(), right()], "column \"model\": the axis \"model\" is given twice"),
    ] {
        let error = listed(&columns).map(|(_, points)| points.len()).expect_err(expected);
        assert!(error.contains(expected), "{error}\nis not\n{expected}");
    }
}

/// A table may have any number of distinct values, and none at all.
#[test]
fn tables_have_any_length() {
    let count = 150_000_u32;
    let columns = [
        column("model", texts(&vec!["gpt2"; count as usize])),
        column("accelerator", texts(&vec!["h100-sxm-80"; count as usize])),
        column("concurrency", (1..=i64::from(count)).map(Value::Integer).collect()),
    ];
    let (context, points) = listed(&columns).expect("a long table is right");
    assert_eq!(points.len(), count as usize);
    assert_eq!(evaluate(&context, &points[points.len() - 2..]).number(1, "concurrency"), f64::from(count));

    let empty = [column("model", Vec::new()), column("accelerator", Vec::new())];
    let (context, points) = listed(&empty).expect("an empty table is right");
    assert_eq!(evaluate(&context, &points).len(), 0);
}

/// What a specification says beside its axes: prices, the cluster, the number of replicas, an accelerator of its own.
const WITHIN: &str = "schema = 1\nphase = \"inference\"\n[axes]\nmodel = \"llama3.1-70b\"\naccelerator = \"mine\"\n\
     tensor_parallel = [4, 8]\nconcurrency = 32\n[search]\nmode = \"fleet\"\ndevices = 24\n[prices]\nmine = 1.5\n\
     [operations]\npue = 2\n[constraints]\nttft_s = { max = 1e-9 }\n";

/// A text with the accelerator that it calls its own.
fn with_accelerator(text: &str) -> String {
    let file = catalog_folder().join("accelerators/nvidia-hopper.toml");
    let shipped = std::fs::read_to_string(file).expect("a shipped file");
    let start = "[[accelerator]]\nid = \"h100-sxm-80\"\n";
    let (_, rest) = shipped.split_once(start).expect("the entry stands in the file");
    format!("{text}[[accelerator]]\nid = \"mine\"\n{}", rest.split("\n\n").next().unwrap_or_default())
}

#[test]
fn rows_of_a_sweep_are_the_same_within_its_specification() {
    let text = with_accelerator(WITHIN);
    let swept = all_rows(&sweep(&text));
    let columns = [
        column("model", texts(&["llama3.1-70b"; 2])),
        column("accelerator", texts(&["mine"; 2])),
        column("tensor_parallel", whole(&[4, 8])),
        column("concurrency", whole(&[32, 32])),
        column("data_parallel", whole(&[1, 1])),
    ];
    let (context, points) = listed_within(&columns, &text).expect("the table is right");
    let rows = evaluate(&context, &points);
    for name in ["replicas", "device_count", "tpot_s", "usd_per_million_tokens", "facility_energy_j", "reject"] {
        for row in 0..2 {
            assert_eq!(rows.get(row, name), swept.get(row, name), "{name} of row {row}");
        }
    }
    assert_eq!((rows.number(0, "replicas"), rows.number(1, "replicas")), (6.0, 3.0));
    assert!((rows.number(0, "usd_per_hour") - 36.0).abs() < 1e-12);
}

#[test]
fn a_wrong_specification_is_named_where_it_is_wrong() {
    let columns = [column("model", texts(&["gpt2"])), column("accelerator", texts(&["h100-sxm-80"]))];
    for (text, expected) in [
        ("prises = 1\n", "s.toml:1:1: unknown key \"prises\"; did you mean \"prices\"?"),
        (
            "phase = \"training\"\n",
            "s.toml:1:9: phase must be \"inference\", as that of the table, not the text \"training\"",
        ),
        ("[prices]\nh100 = 1\n", "s.toml:2:1: unknown accelerator \"h100\""),
        ("[prices]\nh100-sxm-80 = -1\n", "s.toml:2:15: the price of \"h100-sxm-80\" must be"),
        ("[[accelerator]]\nid = \"mine\"\n", "s.toml:1:1"),
    ] {
        let error = listed_within(&columns, text).map(|(_, points)| points.len()).expect_err(expected);
        assert!(error.contains(expected), "{error}\nis not\n{expected}");
    }
}
