//! What engines add: slots, host time, chunks of a prompt behind one another.
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::system::ServingEngine;
use proptest::prelude::*;

use super::layouts::{request, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{REQUEST, serve, serve_with};
use crate::common::shapes::llama2_70b;
use crate::common::software;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The prefill gives the first token: what follows it is the host's work alone.
    #[test]
    fn a_static_batch_has_its_first_token_from_its_prefill(shape in shape(), setup in request()) {
        let setup = InferenceSetup { mode: ServingMode::Static, ..setup };
        let Ok(row) = serve(&shape, &ROOMY, "bf16", (1, 1), &setup) else { return Ok(()) };
        prop_assert!((row.ttft - row.prefill - row.terms.host).0.abs() < 1e-12 * row.ttft.0);
    }

    /// No replica runs more requests than the engine has slots for, and the others wait.
    #[test]
    fn slots_limit_what_runs(shape in shape(), setup in request(), slots in 1_u32..200) {
        let setup = InferenceSetup { mode: ServingMode::Continuous, ..setup };
        let Ok(base) = serve(&shape, &ROOMY, "bf16", (1, 1), &setup) else { return Ok(()) };
        let setup = InferenceSetup { max_batch: f64::from(slots), ..setup };
        let row = serve(&shape, &ROOMY, "bf16", (1, 1), &setup).expect("slots refuse nothing");
        prop_assert!(row.running <= setup.max_batch && row.running <= base.running);
        prop_assert_eq!(row.saturated, row.running < setup.concurrency / f64::from(setup.data));
    }
}

/// Four equal chunks through four stages take (4 + 4 − 1)/(4·4) of the time of all layers; the last attends to most and is the longest.
#[test]
fn chunks_of_a_prompt_follow_one_another_through_the_stages() {
    let shape = llama2_70b();
    let setup = InferenceSetup { pipeline: 4, input_tokens: 2048.0, ..REQUEST };
    let prefill = |chunk: f64| {
        let engine = ServingEngine { max_batched_tokens: chunk, ..software::serving() };
        serve_with(&engine, &shape, &ROOMY, "bf16", (8, 1), &setup).expect("it fits").prefill.0
    };
    let (whole, chunked) = (prefill(2048.0), prefill(512.0));
    assert!(chunked < 0.51 * whole && chunked > 0.437_5 * whole, "{}", chunked / whole);
}

/// Telling seven other processes 1 ms, three stages 2 ms each, and 0.1 µs for each of 64 · 1,152 cached tokens: 14.4 ms more.
#[test]
fn host_time_has_its_parts() {
    let shape = llama2_70b();
    let engine = ServingEngine {
        host_group: Seconds(1e-3),
        host_stage: Seconds(2e-3),
        host_token: Seconds(1e-7),
        ..software::serving()
    };
    let setup = InferenceSetup { pipeline: 4, concurrency: 64.0, ..REQUEST };
    let base = serve(&shape, &ROOMY, "bf16", (8, 1), &setup).expect("it fits");
    let row = serve_with(&engine, &shape, &ROOMY, "bf16", (8, 1), &setup).expect("it fits");
    assert!((row.terms.host - base.terms.host - Seconds(1e-3 + 6e-3 + 64.0 * 1152.0 * 1e-7)).0.abs() < 1e-9);
}
