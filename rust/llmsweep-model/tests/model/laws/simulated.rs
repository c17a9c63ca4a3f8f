//! The queues of an open loop beside a simulation of an engine, event by event.
use crate::common::hardware::H100;
use crate::common::run::{REQUEST, serve};
use crate::common::shapes::llama3_8b;
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};

/// A generator of random numbers (Marsaglia 2003, Xorshift RNGs), so that the test is the same each time.
struct Random(u64);

impl Random {
    /// Between 0 and 1.
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}

/// What the simulated requests saw.
struct Seen {
    waits: Vec<f64>,
    tokens: Vec<f64>,
}

impl Seen {
    fn mean(times: &[f64]) -> f64 {
        times.iter().sum::<f64>() / times.len() as f64
    }

    fn quantile(times: &[f64], share: f64) -> f64 {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[(share * sorted.len() as f64) as usize]
    }
}

/// A request under way: when its prefill was done, and the steps that are left.
struct Running {
    since: f64,
    left: u32,
}

/// An engine that prefills whoever came first as long as there is a place, and else makes a step of all that run.
fn simulate(rate: f64, prefill: f64, answer: u32, steps: &[f64]) -> Seen {
    const REQUESTS: usize = 40_000;
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut arrival = 0.0;
    let arrivals: Vec<f64> = (0..REQUESTS)
        .map(|_| {
            arrival += random.exponential(1.0 / rate);
            arrival
        })
        .collect();
    let mut seen = Seen { waits: Vec::new(), tokens: Vec::new() };
    let mut running: Vec<Running> = Vec::new();
    let (mut clock, mut next) = (0.0, 0);
    while next < REQUESTS || !running.is_empty() {
        if next < REQUESTS && arrivals[next] <= clock && running.len() < steps.len() {
            seen.waits.push(clock - arrivals[next]);
            clock += prefill;
            running.push(Running { since: clock, left: answer - 1 });
            next += 1;
        } else if running.is_empty() {
            clock = arrivals[next];
        } else {
            clock += steps[running.len() - 1];
            for request in &mut running {
                request.left -= 1;
                if request.left == 0 {
                    seen.tokens.push((clock - request.since) / f64::from(answer - 1));
                }
            }
            running.retain(|request| request.left > 0);
        }
    }
    // The first tenth starts from an empty engine.
    seen.waits.drain(..REQUESTS / 10);
    seen.tokens.drain(..REQUESTS / 10);
    seen
}

/// An 8B model on one device, prompts of 1,024 tokens and answers of 128, at light to heavy load.
#[test]
fn an_engine_under_arrivals() {
    let serving = |setup: InferenceSetup| serve(&llama3_8b(), &H100, "bf16", (1, 1), &setup).expect("fits");
    let request = InferenceSetup { output_tokens: 128.0, ..REQUEST };
    let light = serving(InferenceSetup { arrival_rate: 0.01, ..request });
    let capacity = light.max_requests_per_s;
    let steps: Vec<f64> = (1..=light.room.requests() as u32)
        .map(|batch| {
            let alone = InferenceSetup { mode: ServingMode::Static, concurrency: f64::from(batch), ..request };
            let row = serve(&llama3_8b(), &H100, "bf16", (1, 1), &alone);
            row.map_or(f64::NAN, |row| row.terms.step().0)
        })
        .take_while(|step| step.is_finite())
        .collect();
    for load in [0.1, 0.3, 0.5, 0.7, 0.85] {
        let setup = InferenceSetup { arrival_rate: load * capacity, ..request };
        let row = serving(setup);
        let token = row.tpot_times(&setup);
        let seen = simulate(load * capacity, row.prefill.0, 128, &steps);
        // What a request takes alone is the engine's affair; the rest of the step that it finds running is part of the wait.
        let residual = (1.0 - (1.0 - row.running).exp()) * row.terms.step().0 / 2.0;
        let wait = |time: f64| time - (row.ttft_times.base.mean - residual);
        let close = |what: &str, predicted: f64, simulated: f64, tolerance: f64| {
            let error = predicted / simulated - 1.0;
            assert!(error.abs() <= tolerance, "{what} at load {load}: {predicted} for {simulated}");
        };
        close("mean wait", wait(row.ttft.0), Seen::mean(&seen.waits), 0.05);
        close("wait, p90", wait(row.ttft_times.quantile(0.9)), Seen::quantile(&seen.waits, 0.9), 0.08);
        close("wait, p99", wait(row.ttft_times.quantile(0.99)), Seen::quantile(&seen.waits, 0.99), 0.12);
        // Near capacity the others fluctuate more than their linear picture says, and what they slow is convex.
        let near = load * load;
        close("mean token", row.tpot.0, Seen::mean(&seen.tokens), 0.02 + 0.1 * near);
        close("token, p90", token.quantile(0.9), Seen::quantile(&seen.tokens, 0.9), 0.02 + 0.2 * near);
        close("token, p99", token.quantile(0.99), Seen::quantile(&seen.tokens, 0.99), 0.02 + 0.3 * near);
    }
}
