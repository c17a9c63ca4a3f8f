//! Failures, checkpoints and the length of a run, against what was published of them.
use crate::common::close;
use crate::common::run::STEP;
use crate::common::software::operations;
use llmsweep_model::economics::HOUR;
use llmsweep_model::goodput::{Goodput, Reliability, daly, young};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::quantity::{Bytes, Seconds};

/// Llama Team 2024, arXiv:2407.21783, section 3.3.4 and table 5: 419 unexpected interruptions in 54 days of 16,384 H100.
const DAYS: f64 = 54.0;
const DEVICES: f64 = 16_384.0;
const INTERRUPTIONS: f64 = 419.0;

/// Its parameters, each with 2 bytes of weight and 12 of master weight and moments.
const LLAMA3_405B: Reliability = Reliability {
    devices: DEVICES,
    spares: 0.0,
    device_mtbf_hours: DAYS * 24.0 * DEVICES / INTERRUPTIONS,
    interval: Seconds(0.0),
    checkpoint: Bytes(405e9 * 14.0),
};

/// The default of `device_mtbf_hours`.
#[test]
fn mean_time_between_failures_of_llama3() {
    close(LLAMA3_405B.device_mtbf_hours, 50_700.0, 1e-3);
    close(STEP.device_mtbf_hours, LLAMA3_405B.device_mtbf_hours, 0.015);
    let goodput = Goodput::of(&LLAMA3_405B, &operations()).expect("it ran");
    close(Seconds(DAYS * 24.0 * HOUR) / goodput.mtbf, INTERRUPTIONS, 1e-12);
    // 7.8 unexpected interruptions a day.
    close(goodput.mtbf.0 / HOUR, 3.09, 2e-3);
}

/// The same section: "higher than 90 % effective training time", on a cluster of 24,000 H100, whose other nodes stood in.
#[test]
fn effective_training_time_of_llama3() {
    let with_spares = Reliability { spares: 24_000.0 - DEVICES, ..LLAMA3_405B };
    let goodput = Goodput::of(&with_spares, &operations()).expect("it ran");
    assert!(goodput.share > 0.90 && goodput.share < 0.95, "{}", goodput.share);
    // Its 30.84 million GPU-hours imply 0.80 to 0.91 of useful time, planned maintenance and tests included.
    let without = Goodput::of(&LLAMA3_405B, &operations()).expect("it ran");
    assert!(without.share > 0.80 && without.share < 0.91, "{}", without.share);
}

/// Young 1974 and Daly 2006, doi:10.1016/j.future.2004.11.016: the higher order and the first agree where a pause is short, and a run whose
/// pause takes as long as it survives should not stop more often than it fails.
#[test]
fn best_intervals() {
    let (pause, day) = (Seconds(300.0), Seconds(86_400.0));
    close(young(pause, day).0, 7200.0, 1e-12);
    close(daly(pause, day).0, 7200.0 * (1.0 + 1.0 / 72.0 + 1.0 / 5184.0) - 300.0, 1e-12);
    close(daly(Seconds(1e-3), day).0, young(Seconds(1e-3), day).0, 1e-4);
    assert_eq!(daly(day * 2.0, day), day);
    // Continuous there: √(2·2M·M)·(1 + ⅓ + ⅑) − 2M = ⁸⁄₉·M just below.
    close(daly(day * (2.0 - 1e-9), day) / day, 8.0 / 9.0, 1e-6);
}

/// Hoffmann et al. 2022, arXiv:2203.15556: Chinchilla has 70 billion parameters and 1.4 trillion tokens.
#[test]
fn chinchilla_tokens() {
    let setup = TrainingSetup { tokens_per_parameter: 20.0, ..STEP };
    close(setup.run_tokens(70e9), 1.4e12, 1e-12);
    close(STEP.run_tokens(70e9), STEP.tokens, 1e-15);
}
