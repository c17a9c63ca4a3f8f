//! Tables: a row per setup.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::context::Context;
use llmsweep_engine::control::Control;
use llmsweep_engine::listed::{ListedColumn, compile};
use llmsweep_engine::node::Value;
use llmsweep_engine::plan::Point;
use llmsweep_engine::run::Run;
use llmsweep_engine::spec::ParetoSpec;
use llmsweep_engine::values::Value as Column;

use crate::common::{Rows, all_rows, catalog, inference};

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
    compile(Phase::Inference, columns, catalog()).map_err(|error| error.to_string())
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
