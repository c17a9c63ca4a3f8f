//! A run stops soon after it is asked to.
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use llmsweep_engine::control::{Cancelled, Control};
use llmsweep_engine::run::Keep;

use crate::common::inference;

/// Long enough to be in the middle, short enough that a slow machine has not finished.
const HEAD_START: Duration = Duration::from_millis(200);

#[test]
fn a_run_over_billions_of_rows_stops_within_a_tenth_of_a_second() {
    let sweep = inference(
        "model = [\"llama3.1-70b\", \"deepseek-v3\"]\naccelerator = \"*\"\nprecision = [\"bf16\", \"fp8\"]\n\
         tensor_parallel = [1, 2, 4, 8]\nconcurrency = { linear = [1, 1000, 1] }\ninput_tokens = { linear = [100, 100_000, 100] }\n\
         output_tokens = [1, 1000]\n",
    );
    assert!(sweep.context.plan.rows() > 1_000_000_000);
    for keep in [Keep::Front, Keep::All, Keep::Feasible] {
        let control = Arc::new(Control::new());
        let watcher = Arc::clone(&control);
        let cancelled = thread::spawn(move || {
            thread::sleep(HEAD_START);
            watcher.cancel();
            Instant::now()
        });
        let columns = sweep.columns(Some(&["row_id".to_owned(), "tpot_s".to_owned()])).expect("known columns");
        let result = sweep.run().run(keep, &columns, &control);
        let late = cancelled.join().expect("the watcher ends").elapsed();
        assert_eq!(result.map(|output| output.stats), Err(Cancelled));
        assert!(late < Duration::from_millis(100), "{keep:?} stopped {late:?} after it was asked to");
        assert_eq!(control.progress().total, sweep.context.plan.rows());
    }
}

#[test]
fn progress_ends_at_the_number_of_rows() {
    let sweep = inference("model = \"gpt2\"\naccelerator = \"*\"\nconcurrency = { linear = [1, 500, 1] }\n");
    for keep in [Keep::Front, Keep::All] {
        let control = Control::new();
        sweep.run().run(keep, &[], &control).expect("nobody cancels");
        let progress = control.progress();
        assert_eq!((progress.done, progress.total), (sweep.context.plan.rows(), sweep.context.plan.rows()));
    }
}
