//! Queues whose percentiles are known exactly.
use crate::common::close;
use llmsweep_model::distribution::{Cumulants, Mixture};
use llmsweep_model::phase::inference::queue::{all_taken, wait_of_late};

/// Time in the system of a single server: service, and the wait of those that find it busy.
fn single_server(rate: f64, service: Cumulants, moments: [f64; 4]) -> Mixture {
    let waits = [(rate * service.mean, wait_of_late(rate, moments)), (0.0, Cumulants::default())];
    Mixture { base: service, waits }
}

/// M/M/1: the time in the system is exponential, of rate μ − λ (Kleinrock 1975, Queueing Systems I, section 5.12).
#[test]
fn exponential_service() {
    for rate in [0.3, 0.6, 0.9] {
        let times = single_server(rate, Cumulants::exponential(1.0), [1.0, 2.0, 6.0, 24.0]);
        close(times.mean(), 1.0 / (1.0 - rate), 1e-12);
        close(times.quantile(0.99), -(0.01_f64.ln()) / (1.0 - rate), 0.03);
        close(times.quantile(0.9), -(0.1_f64.ln()) / (1.0 - rate), 0.04);
        close(times.quantile(0.5), -(0.5_f64.ln()) / (1.0 - rate), 0.1);
    }
}

/// M/D/1: `P(W ≤ t) = (1 − ρ)·Σ (−ρ(t − k))^k/k!·e^{ρ(t − k)}` over k ≤ t (Erlang 1909), in units of the service.
fn erlang(rate: f64, time: f64) -> f64 {
    let mut sum = 0.0;
    for k in 0..=time as u32 {
        let x = rate * (time - f64::from(k));
        let factorial: f64 = (1..=k).map(f64::from).product();
        sum += (-x).powi(k.cast_signed()) / factorial * x.exp();
    }
    (1.0 - rate) * sum
}

#[test]
fn constant_service() {
    for rate in [0.2, 0.5, 0.8] {
        let times = single_server(rate, Cumulants::certain(1.0), [1.0; 4]);
        close(times.mean(), 1.0 + rate / 2.0 / (1.0 - rate), 1e-12);
        // Of those that find the server free none waits.
        close(times.quantile(1.0 - rate), 1.0, 1e-12);
        for share in [0.9, 0.99] {
            let wait = times.quantile(share) - 1.0;
            let reached = erlang(rate, wait);
            assert!((reached - share).abs() < 0.12 * (1.0 - share) + 0.005, "{rate} {share} {wait} {reached}");
        }
    }
}

/// Erlang C (Erlang 1917): `a^c/c!/(1 − ρ)` over its sum with `a^k/k!` of k < c, a = c·ρ.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let offered = f64::from(servers) * load;
    let term = |k: u32| (1..=k).map(|i| offered / f64::from(i)).product::<f64>();
    let all = term(servers) / (1.0 - load);
    all / (all + (0..servers).map(term).sum::<f64>())
}

#[test]
fn servers_all_taken() {
    assert!((erlang_c(10, 0.8) - 0.4092).abs() < 1e-4);
    for (servers, load) in [(1, 0.7), (2, 0.5), (5, 0.8), (10, 0.8), (20, 0.9), (200, 0.97)] {
        let (taken, exact) = (all_taken(f64::from(servers), load), erlang_c(servers, load));
        assert!((taken - exact).abs() < 0.04, "{servers} {load}: {taken} {exact}");
    }
}
