//! What no serving row betters: the real prefill, pass of a decode step and host, but the cache read at the memory's bandwidth, and nothing
//! waited for.
use super::bounds::{cache_bytes, decode_bound};
use super::speculation::Guess;
use super::step::{between_stages, halved, host};
use super::two_batch::overlapped;
use super::{InferenceSetup, Replica, Request, ServingMode, Tables};
use crate::bound::ROUNDING;
use crate::quantity::Seconds;

/// A setup on one pool at its best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServingIdeal {
    /// Time to the first token, at least.
    pub ttft: Seconds,
    /// Time between tokens, at least.
    pub tpot: Seconds,
    /// From a request to its last token, at least.
    pub e2e: Seconds,
    /// Requests finished per second by all replicas, at most. \[1/s\]
    pub requests_per_s: f64,
}

impl ServingIdeal {
    /// With so many requests in flight over all replicas; `None` where there are fewer of them than replicas, or no room.
    ///
    /// Of `R` that run on a replica each holds a slot from its prefill to its last token, and waits for the prefills of others:
    /// `X ≤ R/(P + (s_out − 1)·(t + P/p·(R − 1)/s_out))`.
    #[must_use]
    pub fn closed(
        replica: &Replica,
        tables: &mut impl Tables,
        setup: &InferenceSetup,
        request: &Request,
        concurrency: f64,
    ) -> Option<Self> {
        let data = f64::from(setup.data);
        let room = request.admission.room.ok()?;
        let offered = concurrency / data;
        if offered < 1.0 {
            return None;
        }
        let running = match setup.mode {
            ServingMode::Static => offered,
            ServingMode::Continuous | ServingMode::Disaggregated => offered.min(room.requests()).min(setup.max_batch),
        };
        let own = Self::token(replica, tables, setup, running);
        let stalled = match setup.mode {
            ServingMode::Continuous => {
                Self::stall(replica, setup, request, running) * ((running - 1.0).max(0.0) / setup.output_tokens)
            }
            ServingMode::Static | ServingMode::Disaggregated => Seconds::ZERO,
        };
        let ttft = Self::first(setup, request);
        let tpot = (own + stalled) * (1.0 - ROUNDING);
        let e2e = ttft + tpot * (setup.output_tokens - 1.0);
        Some(Self { ttft, tpot, e2e, requests_per_s: data * running / e2e.0 })
    }

    /// With requests that arrive at a rate; how many of them run together depends on all else.
    #[must_use]
    pub fn open(replica: &Replica, setup: &InferenceSetup, request: &Request, rate: f64) -> Self {
        let (ttft, tpot) = (Self::first(setup, request), Self::least_token(replica, setup) * (1.0 - ROUNDING));
        Self { ttft, tpot, e2e: ttft + tpot * (setup.output_tokens - 1.0), requests_per_s: rate }
    }

    /// A static batch is prefilled together, the prompts of others one by one.
    fn first(setup: &InferenceSetup, request: &Request) -> Seconds {
        let prefill = match setup.mode {
            ServingMode::Static => request.ttft_bound.time,
            ServingMode::Continuous | ServingMode::Disaggregated => request.prefill,
        };
        prefill * (1.0 - ROUNDING)
    }

    /// A token's part of a step of so many requests.
    fn token(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup, running: f64) -> Seconds {
        let group = (running / f64::from(setup.pipeline)).max(1.0);
        let guess = replica.drafter.map_or(Guess::NONE, |_| setup.guess);
        let checked = 1.0 + guess.tokens;
        // Messages hide behind the reading of the cache for no longer than that takes.
        let pass = if halved(setup, group) {
            overlapped(tables.decode(group / 2.0 * checked), Seconds::ZERO)
        } else {
            tables.decode(group * checked)
        };
        let read = cache_bytes(replica, setup, running, group) / replica.device.device.kernels.bandwidth;
        let stages = between_stages(replica, setup, group * checked);
        (pass.total() + read + stages + host(replica, setup, running)) / guess.accepted()
    }

    /// The same of however many requests.
    fn least_token(replica: &Replica, setup: &InferenceSetup) -> Seconds {
        let guess = replica.drafter.map_or(Guess::NONE, |_| setup.guess);
        decode_bound(replica, setup, 1.0).time() + host(replica, setup, 1.0) / guess.accepted()
    }

    /// One prompt's time on a stage: its kernels, or where a step takes several prompts, which may be faster together, their arithmetic.
    fn stall(replica: &Replica, setup: &InferenceSetup, request: &Request, running: f64) -> Seconds {
        let together = running / setup.output_tokens;
        let alone = together <= 1.0 || replica.engine.max_batched_tokens <= setup.fresh_tokens();
        if alone { request.prompt.mean() / f64::from(setup.pipeline) } else { request.ttft_bound.time }
    }
}
