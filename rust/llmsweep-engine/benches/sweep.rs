//! Rows per second of a whole sweep on one thread: its front, and all its rows with all columns.
use std::path::PathBuf;
use std::{fs, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use llmsweep_engine::catalog::Catalog;
use llmsweep_engine::control::Control;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::node::{Entry, Node, Value};
use llmsweep_engine::run::Keep;
use llmsweep_engine::sweep::Sweep;

/// The shipped sweeps, with the axes that are cut to their first values: all rows of a table must fit in memory.
const SWEEPS: [(&str, &[(&str, usize)]); 2] =
    [("train-llama3.1-405b", &[]), ("serve-llama3-70b", &[("accelerator", 5)])];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn entry<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Entry> {
    let Value::Table(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|entry| entry.key == key)
}

fn compile(name: &str, cuts: &[(&str, usize)], catalog: &Catalog) -> Sweep {
    let text = fs::read_to_string(root().join(format!("sweeps/{name}.toml"))).expect("the sweep is shipped");
    let mut document = parse_toml(name, &text).expect("the sweep is TOML");
    let axes = entry(&mut document, "axes").expect("the sweep has axes");
    for (axis, length) in cuts {
        let axis = entry(&mut axes.node, axis).expect("the sweep has the axis");
        let Value::Array(values) = &mut axis.node.value else { panic!("the axis is a list") };
        values.truncate(*length);
    }
    Sweep::compile(&document, catalog).expect("the sweep compiles")
}

fn sweeps(criterion: &mut Criterion) {
    let catalog =
        Catalog::from_directories(&[root().join("python/llmsweep/catalog")]).expect("the catalogue is shipped");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let mut group = criterion.benchmark_group("sweep");
    group.sample_size(10);
    for (name, cuts) in SWEEPS {
        let sweep = compile(name, cuts, &catalog);
        let values = sweep.columns(None).expect("all columns exist");
        group.throughput(Throughput::Elements(sweep.context.plan.rows()));
        for (kept, keep) in [("front", Keep::Front), ("all", Keep::All)] {
            group.bench_function(BenchmarkId::new(name, kept), |bencher| {
                let run = || pool.install(|| sweep.run().run(keep, &values, &Control::new()));
                bencher.iter(|| black_box(run().expect("nobody cancels")));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
