//! Arrivals, lengths and promises: no number is negative, means are those of the distributions, more traffic is never faster.
use super::layouts::{power, request, shape};
use crate::common::close;
use crate::common::hardware::{H100, Machine};
use crate::common::run::{REQUEST, serve};
use crate::common::shapes::llama3_8b;
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;
use proptest::prelude::*;
use proptest::sample::select;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

/// Requests of any lengths, in a closed loop or arriving.
fn traffic() -> impl Strategy<Value = InferenceSetup> {
    let cv = || select(vec![0.0, 0.3, 1.0, 2.5]);
    let rate = select(vec![0.0, 0.01, 0.3, 2.0, 20.0]);
    (request(), cv(), cv(), rate).prop_map(|(request, input_cv, output_cv, rate)| InferenceSetup {
        input_cv,
        output_cv,
        arrival_rate: if request.mode == ServingMode::Static { 0.0 } else { rate },
        ..request
    })
}

fn percentiles(row: &InferenceRow, setup: &InferenceSetup) -> [[f64; 3]; 3] {
    let shares = [0.5, 0.9, 0.99];
    let (whole, token) = (row.e2e_times(setup), row.tpot_times(setup));
    [
        shares.map(|share| row.ttft_times.quantile(share)),
        shares.map(|share| token.quantile(share)),
        shares.map(|share| whole.quantile(share)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn distributions_have_the_means_of_their_row(shape in shape(), setup in traffic(), tensor in power(3)) {
        let Ok(row) = serve(&shape, &ROOMY, "bf16", (tensor, 1), &setup) else { return Ok(()) };
        prop_assert!(row.ttft.0.is_finite() && row.ttft >= row.ttft_bound.time && row.tpot >= row.tpot_bound.time());
        prop_assert!((row.ttft_times.mean() / row.ttft.0 - 1.0).abs() < 1e-9, "{:?} {:?}", row.ttft_times, row.ttft);
        prop_assert!((row.tpot_times(&setup).mean / row.tpot.0 - 1.0).abs() < 1e-12);
        let whole = row.ttft_times.mean() + row.answer_times(&setup).mean;
        prop_assert!((whole / row.e2e.0 - 1.0).abs() < 1e-9);
        for shown in percentiles(&row, &setup) {
            prop_assert!(shown.iter().all(|time| time.is_finite()) && shown.is_sorted(), "{shown:?}");
            prop_assert!(shown[2] > 0.0);
        }
        for share in [0.5, 0.9, 0.99] {
            let within = row.ttft_times.within(row.ttft_times.quantile(share) * (1.0 + 1e-9));
            prop_assert!(within > share - 1e-4, "{share} {within} {:?}", row.ttft_times);
        }
        prop_assert!(row.prefill_share(&setup) > 0.0 && row.prefill_share(&setup) < 1.0);
        prop_assert!(row.peak_memory() <= row.room.usable * (1.0 + 1e-12));
    }

    #[test]
    fn more_arrivals_wait_longer(shape in shape(), setup in traffic(), more in 1.05..3.0_f64) {
        let setup = InferenceSetup { mode: ServingMode::Continuous, arrival_rate: setup.arrival_rate.max(0.01), ..setup };
        let Ok(row) = serve(&shape, &ROOMY, "bf16", (8, 1), &setup) else { return Ok(()) };
        let busier = InferenceSetup { arrival_rate: setup.arrival_rate * more, ..setup };
        match serve(&shape, &ROOMY, "bf16", (8, 1), &busier) {
            Err(reject) => prop_assert_eq!(reject, Reject::Overloaded),
            Ok(busy) => {
                prop_assert!((busy.max_requests_per_s / row.max_requests_per_s - 1.0).abs() < 1e-12);
                prop_assert!(busy.tpot >= row.tpot && busy.running >= row.running);
                prop_assert!(busy.ttft.0 >= row.ttft.0 * (1.0 - 1e-9));
            }
        }
    }
}

/// Of equal lengths, one request at a time differs from no other.
#[test]
fn a_single_stream_has_one_time() {
    let row = serve(&llama3_8b(), &H100, "bf16", (1, 1), &REQUEST).expect("fits");
    for (shown, mean) in percentiles(&row, &REQUEST).into_iter().zip([row.ttft.0, row.tpot.0, row.e2e.0]) {
        assert!(shown.iter().all(|time| (time / mean - 1.0).abs() < 1e-12), "{shown:?} {mean}");
    }
    assert!(row.slo_attainment(&REQUEST).is_nan() && row.max_requests_per_s.is_nan());
}

/// What a closed loop with all places taken finishes is what arrivals may not reach, but for the engine's time outside the device.
#[test]
fn capacity_is_the_rate_of_a_full_closed_loop() {
    let served = |setup: InferenceSetup| serve(&llama3_8b(), &H100, "bf16", (1, 1), &setup);
    let open = served(InferenceSetup { arrival_rate: 0.1, ..REQUEST }).expect("fits");
    let full = served(InferenceSetup { concurrency: 1e6, ..REQUEST }).expect("runs with what fits");
    close(open.max_requests_per_s, full.requests_per_s, 0.02);
    let rate = open.max_requests_per_s;
    let almost = served(InferenceSetup { arrival_rate: rate * 0.999, ..REQUEST }).expect("just below");
    assert!(almost.ttft.0 > 5.0 * open.ttft.0, "{:?}", almost.ttft);
    let beyond = InferenceSetup { arrival_rate: rate * 1.001, ..REQUEST };
    assert_eq!(served(beyond).map(|row| row.ttft), Err(Reject::Overloaded));
    let two = served(InferenceSetup { arrival_rate: rate * 1.001, data: 2, ..REQUEST }).expect("two replicas can");
    close(two.max_requests_per_s, 2.0 * rate, 1e-12);
    let batch = InferenceSetup { mode: ServingMode::Static, arrival_rate: 0.1, ..REQUEST };
    assert_eq!(served(batch).map(|row| row.ttft), Err(Reject::StaticArrivals));
    assert_eq!(served(InferenceSetup { data: 0, ..REQUEST }).map(|row| row.ttft), Err(Reject::FleetTooSmall));
}

/// Attainment is the product of what the two distributions keep, and goes from nothing to all.
#[test]
fn promises() {
    let kept = |ttft: f64, tpot: f64| {
        let setup = InferenceSetup {
            arrival_rate: 5.0,
            slo_ttft: Seconds(ttft),
            slo_tpot: Seconds(tpot),
            input_cv: 1.0,
            ..REQUEST
        };
        let row = serve(&llama3_8b(), &H100, "bf16", (1, 1), &setup).expect("fits");
        (row.slo_attainment(&setup), row.ttft_times.quantile(0.5), row.tpot_times(&setup).quantile(0.9))
    };
    let (attained, median, slow) = kept(0.1, 0.0);
    assert!(attained > 0.05 && attained < 0.95, "{attained}");
    close(kept(median, 0.0).0, 0.5, 1e-3);
    close(kept(median, slow).0, 0.45, 2e-3);
    assert!(kept(1e-6, 0.0).0 <= 0.0);
    close(kept(1e6, 1e6).0, 1.0, 1e-9);
}

/// Lengths that vary: contexts of running requests are longer, fewer fit, a static batch waits for its longest.
#[test]
fn lengths() {
    let served = |setup: InferenceSetup| serve(&llama3_8b(), &H100, "bf16", (1, 1), &setup).expect("fits");
    let many = InferenceSetup { concurrency: 64.0, ..REQUEST };
    let (same, vary) = (served(many), served(InferenceSetup { output_cv: 1.0, ..many }));
    // E[s²]/(2·E[s]): 256 tokens instead of 128 behind each request.
    close(vary.terms.cache.memory.0 / same.terms.cache.memory.0, (1024.0 + 256.0) / (1024.0 + 128.0), 0.01);
    close(same.max_concurrency() / vary.max_concurrency(), (1024.0 + 512.0) / (1024.0 + 256.0), 0.01);
    let long = InferenceSetup { input_tokens: 4096.0, ..REQUEST };
    let (same, vary) = (served(long), served(InferenceSetup { input_cv: 1.0, ..long }));
    // Attention's share of the prefill grows with E[s²] = 2·E[s]², the rest does not.
    assert!(vary.prefill.0 > same.prefill.0 * 1.02 && vary.prefill.0 < same.prefill.0 * 1.5);
    let batch = InferenceSetup { mode: ServingMode::Static, concurrency: 2.0, ..REQUEST };
    let (same, vary) = (served(batch), served(InferenceSetup { output_cv: 1.0, ..batch }));
    // The longer of two, exact: 2·Φ(√ln 2/√2) = 1.444 of the mean.
    close((vary.e2e - vary.ttft) / vary.tpot + 1.0, 1.44394 * 256.0, 1e-3);
    close(vary.tokens_per_s / same.tokens_per_s, 1.0 / 1.44394, 0.02);
    let far = InferenceSetup { input_tokens: 40_000.0, input_cv: 1.0, ..REQUEST };
    assert!(serve(&llama3_8b(), &H100, "bf16", (1, 1), &InferenceSetup { input_cv: 0.0, ..far }).is_ok());
    assert_eq!(serve(&llama3_8b(), &H100, "bf16", (1, 1), &far).map(|row| row.ttft), Err(Reject::ContextTooLong));
}
