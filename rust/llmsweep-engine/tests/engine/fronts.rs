//! Fronts against brute force, whatever the number of threads; counts that add up.
use std::collections::BTreeMap;

use llmsweep_engine::axes::Phase;
use llmsweep_engine::control::Control;
use llmsweep_engine::run::{Best, Keep, Output, Pruning, Stats};
use llmsweep_engine::sweep::Sweep;
use llmsweep_engine::values::Value;
use proptest::prelude::*;

use crate::common::{Rows, all_columns, all_rows, run, sweep};
use crate::specs;

fn ids(rows: &Rows) -> Vec<u64> {
    (0..rows.len()).map(|row| rows.number(row, "row_id") as u64).collect()
}

fn dominates(one: &[f64], other: &[f64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one <= other) && one != other
}

/// The front by comparing every pair.
fn brute_force(sweep: &Sweep, rows: &Rows) -> Vec<u64> {
    let pareto = &sweep.spec.pareto;
    let mut groups: BTreeMap<Vec<u64>, Vec<(u64, Vec<f64>)>> = BTreeMap::new();
    for row in 0..rows.len() {
        let least = pareto.minimize.iter().map(|column| rows.get(row, column));
        let most = pareto.maximize.iter().map(|column| rows.get(row, column).map(|value| -value));
        let Some(objectives) = least.chain(most).collect::<Option<Vec<f64>>>() else { continue };
        let group = pareto.by.iter().map(|column| rows.number(row, column) as u64).collect();
        groups.entry(group).or_default().push((rows.number(row, "row_id") as u64, objectives));
    }
    let mut front = Vec::new();
    for points in groups.values() {
        for (position, (id, objectives)) in points.iter().enumerate() {
            let beaten = points.iter().any(|(_, other)| dominates(other, objectives));
            let repeated = pareto.distinct && points[..position].iter().any(|(_, other)| other == objectives);
            if !beaten && !repeated {
                front.push(*id);
            }
        }
    }
    front.sort_unstable();
    front
}

fn adds_up(stats: &Stats) {
    assert_eq!(stats.evaluated + stats.pruned, stats.configurations);
    let known = stats.feasible + stats.constrained + stats.rejected.iter().sum::<u64>();
    assert_eq!(stats.evaluated, known);
    assert!(stats.unpriced <= stats.feasible);
}

fn same_counts(one: &Stats, other: &Stats) {
    let plain = |stats: &Stats| Stats { seconds: 0.0, front: None, unpriced: 0, ..stats.clone() };
    assert_eq!(plain(one), plain(other));
}

fn threads(sweep: &Sweep, keep: Keep, threads: usize) -> Output {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    pool.install(|| run(sweep, keep))
}

fn front_is_right(text: &str) {
    let sweep = sweep(text);
    let feasible = run(&sweep, Keep::Feasible);
    let rows = Rows::of(&feasible);
    let expected = brute_force(&sweep, &rows);
    adds_up(&feasible.stats);
    assert_eq!(rows.len() as u64, feasible.stats.feasible);
    for count in [1, 2, 5] {
        let output = threads(&sweep, Keep::Front, count);
        let front = Rows::of(&output);
        assert_eq!(ids(&front), expected, "{count} threads on\n{text}");
        assert_eq!(output.stats.front, Some(expected.len() as u64));
        same_counts(&output.stats, &feasible.stats);
        assert_eq!(Rows::of(&threads(&sweep, Keep::Feasible, count)), rows);
    }
    for pruning in [Pruning::Off, Pruning::Refused, Pruning::Beaten] {
        let pruned = sweep.run().pruning(pruning).run(Keep::Front, &all_columns(&sweep), &Control::new());
        let pruned = pruned.expect("nobody cancels");
        assert_eq!(ids(&Rows::of(&pruned)), expected, "{pruning:?} on\n{text}");
        if pruning != Pruning::Beaten {
            same_counts(&pruned.stats, &feasible.stats);
        }
    }
    parts_hold_the_front(&sweep, &expected, text);
    let all = run(&sweep, Keep::All);
    same_counts(&all.stats, &feasible.stats);
    let whole = Rows::of(&all);
    let front = Rows::of(&run(&sweep, Keep::Front));
    for (position, &id) in expected.iter().enumerate() {
        assert_eq!(front.0[position], whole.0[id as usize]);
    }
}

/// Parts that know each other's scouts leave out nothing that is on the front of all.
fn parts_hold_the_front(sweep: &Sweep, expected: &[u64], text: &str) {
    let pruned = || sweep.run().pruning(Pruning::Beaten);
    let scouts = pruned().scouted(&Control::new()).expect("nobody cancels");
    let rows = sweep.context.plan.rows();
    let part = |number: u64| {
        let part = pruned().within(rows * number / 3..rows * (number + 1) / 3).against(scouts.clone());
        ids(&Rows::of(&part.run(Keep::Front, &all_columns(sweep), &Control::new()).expect("nobody cancels")))
    };
    let parts = (0..3).flat_map(part).collect::<Vec<u64>>();
    assert!(parts.is_sorted(), "{parts:?} of\n{text}");
    assert!(expected.iter().all(|row| parts.contains(row)), "{expected:?} not in {parts:?} of\n{text}");
}

/// The best rows by a column, whatever is left out.
fn best_are_right(text: &str, columns: &[&str]) {
    let sweep = sweep(text);
    let feasible = Rows::of(&run(&sweep, Keep::Feasible));
    for (column, descending) in columns.iter().flat_map(|column| [(column, false), (column, true)]) {
        let sign = if descending { -1.0 } else { 1.0 };
        let mut ranked: Vec<(f64, u64)> = (0..feasible.len())
            .filter_map(|row| Some((sign * feasible.get(row, column)?, feasible.number(row, "row_id") as u64)))
            .collect();
        ranked.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let expected: Vec<u64> = ranked.iter().take(7).map(|(_, row)| *row).collect();
        let value = Value::by_name(sweep.spec.phase, column).expect("a column");
        for pruning in [Pruning::Off, Pruning::Refused, Pruning::Beaten] {
            let best = Best { value, descending, rows: 7 };
            let output = sweep.run().pruning(pruning).best(&best, &all_columns(&sweep), &Control::new());
            let output = output.expect("nobody cancels");
            assert_eq!(ids(&Rows::of(&output)), expected, "{column}, {descending}, {pruning:?} on\n{text}");
            adds_up(&output.stats);
        }
    }
}

/// Ends that a sweep may have: constraints, objectives, groups.
const TRAINING_ENDS: [&str; 5] = [
    "",
    "[pareto]\nminimize = [\"cost_usd\", \"memory_bytes\"]\nmaximize = [\"mfu\"]\nby = [\"accelerator\", \"devices\"]\n",
    "[pareto]\nminimize = \"step_time_s\"\ndistinct = true\nby = [\"tokens\", \"zero_stage\", \"recompute\"]\n",
    "[constraints]\nmfu = { min = 0.2 }\nmemory_bytes = { max = 60e9 }\n[pareto]\nminimize = [\"energy_j\", \"devices\"]\nby = []\n",
    "[constraints]\nstep_time_s = { max = 1e-9 }\n",
];

const SERVING_ENDS: [&str; 4] = [
    "",
    "[constraints]\nttft_s = { max = 2 }\ntpot_s = { max = 0.1 }\n[pareto]\nminimize = [\"tpot_s\", \"cost_usd\"]\nby = [\"accelerator\", \"input_tokens\", \"output_tokens\"]\n",
    "[pareto]\nmaximize = \"tokens_per_s_per_device\"\ndistinct = true\nby = [\"model\", \"precision\", \"network\"]\n",
    "[pareto]\nminimize = [\"device_count\", \"tpot_s\", \"ttft_s\", \"j_per_token\"]\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_front_of_training_is_that_of_brute_force(text in specs::text(Phase::Training), end in 0..TRAINING_ENDS.len()) {
        front_is_right(&(text + TRAINING_ENDS[end]));
    }

    #[test]
    fn the_best_training_rows_are_those_of_all(text in specs::text(Phase::Training)) {
        best_are_right(&text, &["time_to_train_s", "mfu", "devices", "memory_bytes"]);
    }

    #[test]
    fn the_best_serving_rows_are_those_of_all(text in specs::text(Phase::Inference)) {
        best_are_right(&text, &["usd_per_million_tokens", "tokens_per_s_per_user", "ttft_s", "concurrency"]);
    }

    #[test]
    fn the_front_of_serving_is_that_of_brute_force(text in specs::text(Phase::Inference), end in 0..SERVING_ENDS.len()) {
        front_is_right(&(text + SERVING_ENDS[end]));
    }
}

/// Rows that differ in an axis which changes nothing tie: `distinct` keeps the first.
#[test]
fn distinct_keeps_the_first_of_equals() {
    let axes = "model = \"gpt2\"\nsequence_length = 1024\naccelerator = \"h100-sxm-80\"\ndevices = 8\nglobal_batch = 8\ntokens = [1000, 2000]\n";
    let pareto = "[pareto]\nminimize = [\"step_time_s\"]\nby = [\"model\"]\n";
    let ties = crate::common::training(&format!("{axes}{pareto}"));
    assert_eq!(ids(&Rows::of(&run(&ties, Keep::Front))).len(), 2);
    let first = crate::common::training(&format!("{axes}{pareto}distinct = true\n"));
    let front = Rows::of(&run(&first, Keep::Front));
    assert_eq!(ids(&front), [0]);
}

/// Token counts beyond any small radix are groups of their own, by whatever other axes.
#[test]
fn groups_of_large_numbers_stay_apart() {
    let sweep = crate::common::training(
        "model = \"gpt2\"\naccelerator = \"h100-sxm-80\"\nsequence_length = 512\ndevices = [1, 2]\nglobal_batch = [8, 16]\n\
         tokens = [2, 100_000_004, 200_000_006, 1_000_000_000_000_000]\n\
         [pareto]\nminimize = [\"time_to_train_s\"]\nby = [\"devices\", \"global_batch\", \"tokens\"]\n",
    );
    let output = run(&sweep, Keep::Front);
    assert_eq!(output.stats.feasible, 16);
    assert_eq!(output.stats.front, Some(16));
}

/// Rows without a price are feasible, counted, and on no front of prices.
#[test]
fn rows_without_a_price_are_counted() {
    let unpriced = crate::common::catalog()
        .ids(llmsweep_engine::catalog::Kind::Accelerators)
        .find(|id| {
            crate::common::catalog().accelerator(id).is_some_and(|entry| {
                entry.accelerator.rental.is_none()
                    && entry.accelerator.memory.0 > 60e9
                    && entry.accelerator.peaks.of(&llmsweep_model::precision::Precision::ALL[3]).is_some()
            })
        })
        .expect("some accelerator has no price");
    let axes = format!("model = \"llama3.1-8b\"\naccelerator = \"{unpriced}\"\n");
    let sweep = crate::common::inference(&axes);
    let output = run(&sweep, Keep::Front);
    assert_eq!((output.stats.feasible, output.stats.unpriced, output.stats.front), (1, 1, Some(0)));
    let rows = all_rows(&sweep);
    for column in ["usd_per_hour", "cost_usd", "usd_per_million_tokens"] {
        assert_eq!(rows.get(0, column), None);
    }
    let priced = crate::common::inference(&format!("{axes}[prices]\n{unpriced} = 3.5\n"));
    assert_eq!(run(&priced, Keep::Front).stats.unpriced, 0);
    assert!((all_rows(&priced).number(0, "usd_per_hour") - 3.5).abs() < 1e-12);
    assert!(all_columns(&priced).len() > 40);
}
