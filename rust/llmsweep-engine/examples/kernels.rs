//! Hot paths of the engine at a fixed amount of work, for a count of their instructions: `tools/count_instructions.py` runs them.
//!
//! `kernels NAME REPEATS` runs one that often, on one thread, and prints how many rows a repeat has. Two runs of different length differ by
//! the rows alone.
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs, hint::black_box};

use llmsweep_engine::batch::{BatchBuilder, Supply, schema};
use llmsweep_engine::catalog::Catalog;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::evaluate::Evaluator;
use llmsweep_engine::pareto::{GroupedArchive, Ids, Ties};
use llmsweep_engine::sweep::Sweep;
use llmsweep_engine::values::Value;

/// Rows of a repeat: few enough that blocks lie in many cells.
const ROWS: u64 = 4096;
/// Blocks of a repeat, spread over the sweep.
const BLOCKS: u64 = 16;

fn compile(name: &str) -> Sweep {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalog = Catalog::from_directories(&[root.join("python/llmsweep/catalog")]).expect("the catalogue is shipped");
    let text = fs::read_to_string(root.join(format!("sweeps/{name}.toml"))).expect("the sweep is shipped");
    Sweep::compile(&parse_toml(name, &text).expect("TOML"), &catalog).expect("the sweep compiles")
}

/// First rows of the blocks.
fn starts(sweep: &Sweep) -> impl Iterator<Item = u64> {
    let step = sweep.context.plan.rows() / BLOCKS;
    (0..BLOCKS).map(move |block| block * step)
}

/// Rows with the columns that a front or a constraint reads.
#[inline(never)]
fn objectives(sweep: &Sweep) -> f64 {
    let context = &sweep.context;
    let pareto = &sweep.spec.pareto;
    let names = pareto.minimize.iter().chain(&pareto.maximize).copied();
    let names = names.chain(sweep.spec.constraints.iter().map(|constraint| constraint.column));
    let values: Vec<Value> = names.filter_map(|name| Value::by_name(sweep.spec.phase, name)).collect();
    let mut evaluator = Evaluator::new(context);
    let mut sum = 0.0;
    for first in starts(sweep) {
        let (mut point, mut held) = (context.plan.point(first), 0);
        for row in first..first + ROWS {
            let outcome = evaluator.outcome_after(&point, held);
            if outcome.reject().is_none() {
                sum += values.iter().map(|value| value.of(context, row, &point, &outcome)).sum::<f64>();
            }
            held = context.plan.advance(&mut point);
        }
    }
    sum
}

/// Rows with all columns, as a stream of tables.
#[inline(never)]
fn table(sweep: &Sweep) -> f64 {
    let context = &sweep.context;
    let values = Value::all(sweep.spec.phase);
    let mut evaluator = Evaluator::new(context);
    let (mut rows, supply) = (0, Supply::of_stream());
    for first in starts(sweep) {
        let mut builder = BatchBuilder::with(supply.clone(), context, &values, ROWS as usize);
        let (mut point, mut held) = (context.plan.point(first), 0);
        for row in first..first + ROWS {
            let outcome = evaluator.outcome_after(&point, held);
            builder.push(row, &point, &outcome);
            held = context.plan.advance(&mut point);
        }
        rows += builder.finish(&schema(&values)).num_rows();
    }
    rows as f64
}

/// Points of three objectives that pull in different directions, in two groups.
#[inline(never)]
fn archive() -> f64 {
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut archive = GroupedArchive::new(3, Ties::First);
    for block in 0..BLOCKS {
        let mut columns = [const { Vec::new() }; 3];
        let mut groups = Vec::new();
        for _ in 0..ROWS {
            let (one, two) = (uniform(), uniform());
            columns[0].push(one);
            columns[1].push(two);
            columns[2].push(2.0 - one - two + uniform() / 4.0);
            groups.push(u64::from(one > two));
        }
        let rows: Vec<u64> = (block * ROWS..(block + 1) * ROWS).collect();
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        archive.push_block(&groups, &columns, Ids::Each(&rows), None);
    }
    archive.into_members().len() as f64
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, name, repeats] = arguments.as_slice() else { panic!("kernels NAME REPEATS") };
    let repeats: u32 = repeats.parse().expect("a number of repeats");
    let (kernel, sweep) = name.split_once('-').map_or((name.as_str(), None), |(kernel, phase)| {
        (kernel, Some(compile(if phase == "training" { "train-llama3.1-405b" } else { "serve-llama3-70b" })))
    });
    let started = Instant::now();
    for _ in 0..repeats {
        black_box(match (kernel, &sweep) {
            ("objectives", Some(sweep)) => objectives(sweep),
            ("table", Some(sweep)) => table(sweep),
            ("archive", None) => archive(),
            _ => panic!("no kernel is named {name}"),
        });
    }
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{:.1} ns/row", seconds * 1e9 / (f64::from(repeats) * (ROWS * BLOCKS) as f64));
    #[allow(clippy::print_stdout, reason = "what the script reads")]
    {
        println!("{}", ROWS * BLOCKS);
    }
}
