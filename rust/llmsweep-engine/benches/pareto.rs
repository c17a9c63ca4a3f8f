//! Rows per second of whole-table Pareto fronts, on one thread and on all, by shape of the cloud of points.
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use llmsweep_engine::control::Control;
use llmsweep_engine::pareto::{Ties, front_of};

/// How the objectives of a cloud hang together.
#[derive(Clone, Copy, Debug)]
enum Cloud {
    /// Independent and uniform: small fronts.
    Independent,
    /// All objectives follow one: tiny fronts.
    Correlated,
    /// Near a plane of constant sum: large fronts.
    AntiCorrelated,
}

/// A uniform number in 0..1 by its position in the sequence (SplitMix64).
fn unit(position: u64) -> f64 {
    let mut word = position.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

fn columns(cloud: Cloud, rows: usize, width: usize) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::with_capacity(rows); width];
    for row in 0..rows {
        let at = |coordinate: usize| unit((row * (width + 1) + coordinate) as u64);
        let common = at(width);
        let sum: f64 = (0..width).map(at).sum();
        for (coordinate, column) in columns.iter_mut().enumerate() {
            let own = at(coordinate);
            column.push(match cloud {
                Cloud::Independent => own,
                Cloud::Correlated => common + 0.1 * own,
                // Within 10 % of the plane.
                Cloud::AntiCorrelated => own / sum * (1.0 + 0.1 * common),
            });
        }
    }
    columns
}

fn fronts(criterion: &mut Criterion) {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread can be built");
    let all = rayon::ThreadPoolBuilder::new().build().expect("a pool can be built");
    let mut group = criterion.benchmark_group("pareto");
    group.sample_size(10).warm_up_time(std::time::Duration::from_millis(300));
    group.measurement_time(std::time::Duration::from_secs(1));
    for rows in [100_000, 1_000_000] {
        group.throughput(Throughput::Elements(rows as u64));
        for width in 2..=4 {
            for cloud in [Cloud::Independent, Cloud::Correlated, Cloud::AntiCorrelated] {
                let columns = columns(cloud, rows, width);
                let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                for (threads, pool) in [("one thread", &one), ("all threads", &all)] {
                    let name = BenchmarkId::new(format!("{cloud:?} {width}-D, {threads}"), rows);
                    group.bench_function(name, |bencher| {
                        bencher
                            .iter(|| pool.install(|| front_of(black_box(&slices), None, Ties::All, &Control::new())));
                    });
                }
            }
        }
    }
    group.finish();
}

criterion_group!(benches, fronts);
criterion_main!(benches);
