//! Two pools: physics, conservation of requests, and the queue between them against a replay.
use super::layouts::{power, request, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{REQUEST, serve, serve_apart};
use crate::common::shapes::llama2_70b;
use llmsweep_model::phase::inference::closed_loop::ClosedLoop;
use llmsweep_model::phase::inference::offload::HostShare;
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn pools_obey_physics_and_lose_no_request(
        shape in shape(), setup in request(), splits in (power(4), power(5), power(3), power(4)), pools in (1..9_u32, 1..9_u32),
        most in prop_oneof![Just(f64::INFINITY), 1.0..64.0_f64],
    ) {
        let setup = InferenceSetup { decode_workers: f64::from(pools.0), max_batch: most, ..setup };
        let pool = (f64::from(pools.1), f64::from(splits.3), splits.2, splits.2);
        let Ok(row) = serve_apart(&shape, &ROOMY, "bf16", (splits.0, splits.1), pool, &setup) else { return Ok(()) };
        let two = row.pools.expect("two pools");
        prop_assert!(row.tpot >= row.tpot_bound.time() && row.ttft >= row.ttft_bound.time);
        prop_assert_eq!(row.terms.prefill, Seconds::ZERO);
        let parts = two.server + two.wait + two.burst + two.slot_wait + two.handoff.exposed + row.prefill;
        prop_assert!((parts.0 / row.ttft.0 - 1.0).abs() < 1e-12);
        // Little's law: the requests in flight are those of one round.
        let replicas = f64::from(setup.data) * setup.decode_workers;
        prop_assert!(row.running * replicas <= setup.concurrency * (1.0 + 1e-12) && row.running <= most);
        let taken = row.requests_per_s * two.service.0;
        prop_assert!(taken <= pool.0 * pool.1 * (1.0 + 1e-9), "{} of {}", taken, pool.0 * pool.1);
        prop_assert!((0.0..=1.0).contains(&two.prefill_utilisation) && (0.0..=1.0 + 1e-12).contains(&two.decode_utilisation));
        prop_assert_eq!(row.saturated, two.slot_wait.0 > 0.0);
        let in_decode = row.requests_per_s * (row.tpot.0 * (setup.output_tokens - 1.0) + row.terms.step().0) / replicas;
        prop_assert!((in_decode / row.running - 1.0).abs() < 0.05, "{} {}", in_decode, row.running);
        prop_assert!(row.requests_per_s.is_finite() && row.ttft.0.is_finite());
    }
}

/// Far more prefill workers than requests: nobody waits, and a token takes as long as in a batch that nothing interrupts.
#[test]
fn decode_is_undisturbed() {
    let setup = InferenceSetup { concurrency: 64.0, ..REQUEST };
    let row = serve_apart(&llama2_70b(), &H100, "fp8", (4, 1), (1000.0, 1.0, 4, 1), &setup).expect("fits");
    let two = row.pools.expect("two pools");
    assert_eq!((two.wait.0 < 1e-3 * row.ttft.0, two.burst, two.slot_wait), (true, Seconds::ZERO, Seconds::ZERO));
    let alike = InferenceSetup { mode: ServingMode::Static, concurrency: row.running, ..setup };
    let batch = serve(&llama2_70b(), &H100, "fp8", (4, 1), &alike).expect("fits");
    assert!((batch.tpot / row.tpot - 1.0).abs() < 1e-3, "{:?} {:?}", batch.tpot, row.tpot);
    let shared = serve(&llama2_70b(), &H100, "fp8", (4, 1), &setup).expect("fits");
    assert!(shared.tpot > row.tpot);
}

/// Half of the layers' weights cross each prefill rank's link, as in one pool: 35 GB over four links of 64 GB/s and no less.
#[test]
fn a_prefill_pool_waits_for_the_host_too() {
    let setup = InferenceSetup { concurrency: 64.0, ..REQUEST };
    let far = InferenceSetup { host: HostShare { weights: 0.5, cache: 0.0 }, ..setup };
    let [near, far] = [setup, far].map(|setup| {
        let row = serve_apart(&llama2_70b(), &H100, "fp8", (4, 1), (2.0, 1.0, 4, 1), &setup).expect("fits");
        (row.prefill.0, row.pools.expect("two pools").service.0)
    });
    let link = 0.5 * 68e9 / 4.0 / 64e9;
    assert!(near.0 < 0.7 * link && far.0 > 0.95 * link, "{near:?} {far:?} {link}");
    // Eight prompts that share a step hide it.
    assert!(far.1 >= near.1 && far.1 < 1.5 * near.1);
}

/// More workers of the pool that limits give nearly as much more throughput; of the other, none.
#[test]
fn the_narrower_pool_decides() {
    let setup = InferenceSetup { input_tokens: 8192.0, concurrency: 512.0, decode_workers: 8.0, ..REQUEST };
    let rate = |workers, decode_workers| {
        let setup = InferenceSetup { decode_workers, ..setup };
        let row = serve_apart(&llama2_70b(), &H100, "fp8", (4, 1), (workers, 1.0, 4, 1), &setup).expect("fits");
        (row.requests_per_s, row.saturated)
    };
    let (one, two) = (rate(1.0, 8.0), rate(2.0, 8.0));
    assert!((two.0 / one.0 - 2.0).abs() < 0.02, "{one:?} {two:?}");
    assert!((rate(1.0, 16.0).0 / one.0 - 1.0).abs() < 0.02);
    let narrow = rate(1000.0, 1.0);
    assert!(narrow.1 && (rate(2000.0, 1.0).0 / narrow.0 - 1.0).abs() < 1e-6);
}

/// A replay of the loop: ranks chosen at random, times of service all alike, times elsewhere exponential.
fn replayed(network: &ClosedLoop) -> f64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let elsewhere = |random: &mut dyn FnMut() -> f64| -network.rest.0 * random().ln();
    let mut arrivals: Vec<f64> = (0..network.requests as usize).map(|_| elsewhere(&mut random)).collect();
    let mut free = vec![0.0_f64; network.ranks as usize];
    let (mut waited, mut counted) = (0.0, 0.0);
    for visit in 0..60_000 {
        let (next, arrival) =
            arrivals.iter().copied().enumerate().min_by(|one, other| one.1.total_cmp(&other.1)).expect("requests");
        let rank = (random() * network.ranks) as usize;
        let start = arrival.max(free[rank]);
        free[rank] = start + network.service.0;
        arrivals[next] = free[rank] + elsewhere(&mut random);
        if visit >= 10_000 {
            waited += start - arrival;
            counted += 1.0;
        }
    }
    waited / counted
}

#[test]
fn the_closed_loop_waits_as_in_a_replay() {
    for (requests, ranks, rest, tolerance) in
        [(40.0, 1.0, 100.0, 0.10), (40.0, 1.0, 20.0, 0.02), (64.0, 8.0, 12.0, 0.15), (64.0, 8.0, 4.0, 0.15)]
    {
        let network = ClosedLoop { requests, ranks, lockstep: 1.0, service: Seconds(1.0), rest: Seconds(rest) };
        let (wait, replay) = (network.wait().0, replayed(&network));
        assert!((wait / replay - 1.0).abs() < tolerance, "{requests} on {ranks}: {wait} is not {replay}");
    }
}
