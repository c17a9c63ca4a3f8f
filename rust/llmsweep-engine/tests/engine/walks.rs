//! One formula source: rows of a walk, with all that its evaluator keeps and with columns filled many rows at a time, are to the last bit the
//! rows that an evaluator of their own gives, on a million random points.
use arrow_array::RecordBatch;
use llmsweep_engine::axes::{Phase, of_phase};
use llmsweep_engine::batch::{BatchBuilder, schema};
use llmsweep_engine::evaluate::Evaluator;
use llmsweep_engine::sweep::Sweep;
use llmsweep_engine::values::Value;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::common::{all_columns, number_in, sweep};
use crate::specs;

/// Points of each phase.
const POINTS: usize = 500_000;
/// Points of a sweep at most.
const OF_A_SWEEP: usize = 1_000;
/// Rows one after the other, before the walk goes elsewhere.
const IN_A_ROW: u64 = 50;

/// Numbers of rows: some in a row from many places.
fn order(rows: u64, seed: u64) -> Vec<u64> {
    let places = OF_A_SWEEP as u64 / IN_A_ROW;
    let place = |index: u64| (seed.wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1) % rows;
    (0..places).map(place).flat_map(|first| first..rows.min(first + IN_A_ROW)).collect()
}

/// The rows as a sweep makes them.
fn walked(sweep: &Sweep, columns: &[Value], order: &[u64]) -> RecordBatch {
    let context = &sweep.context;
    let mut evaluator = Evaluator::new(context);
    let mut builder = BatchBuilder::new(context, columns, order.len());
    for &row in order {
        let point = context.plan.point(row);
        builder.push(row, &point, &evaluator.outcome(&point));
    }
    builder.finish(&schema(columns))
}

/// Compares every column of a walk with rows of their own; how many rows there were, and how many of them can run.
fn agree(text: &str, seed: u64) -> (usize, usize) {
    let sweep = sweep(text);
    let columns = all_columns(&sweep);
    let order = order(sweep.context.plan.rows(), seed);
    let batch = walked(&sweep, &columns, &order);
    let mut feasible = 0;
    for (place, &row) in order.iter().enumerate() {
        let point = sweep.context.plan.point(row);
        let mut evaluator = Evaluator::new(&sweep.context);
        let outcome = evaluator.outcome(&point);
        feasible += usize::from(outcome.reject().is_none());
        for (column, array) in columns.iter().zip(batch.columns()) {
            let alone = column.of(&sweep.context, row, &point, &outcome);
            let walked = number_in(array.as_ref(), place).unwrap_or(f64::NAN);
            let same = alone.to_bits() == walked.to_bits() || alone.is_nan() && walked.is_nan();
            assert!(same, "{} of row {row} is {walked} in a walk, {alone} alone:\n{text}", column.name);
        }
    }
    (order.len(), feasible)
}

fn walks_agree(phase: Phase) {
    let (texts, mut runner) = (specs::plainer_text(phase), TestRunner::deterministic());
    let (mut points, mut feasible) = (0, 0);
    for seed in 0.. {
        let text = texts.new_tree(&mut runner).expect("a text").current();
        let (rows, run) = agree(&text, seed);
        (points, feasible) = (points + rows, feasible + run);
        if points >= POINTS {
            break;
        }
    }
    assert!(feasible > points / 10, "{feasible} of {points} can run");
}

#[test]
fn half_a_million_training_rows_are_those_of_the_one_row_path() {
    walks_agree(Phase::Training);
}

#[test]
fn half_a_million_serving_rows_are_those_of_the_one_row_path() {
    walks_agree(Phase::Inference);
}

/// What a new axis has to do to take part.
#[test]
fn random_sweeps_know_every_axis() {
    for phase in Phase::ALL {
        let mut runner = TestRunner::deterministic();
        let text = specs::plainer_text(phase).new_tree(&mut runner).expect("a text").current();
        for axis in of_phase(phase) {
            let said = text.lines().any(|line| line.starts_with(&format!("{} = ", axis.name)));
            assert!(said || axis.name == "concurrency", "{} is in none of the lists of specs.rs", axis.name);
        }
    }
}
