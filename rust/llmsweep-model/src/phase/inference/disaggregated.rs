//! Prefill and decode on pools of their own: no step waits for another request's prefill, but the cache has to travel.
use super::bounds::{decode_bound, prefill_bound};
use super::closed_loop::ClosedLoop;
use super::first_token::unhindered;
use super::handoff::Handoff;
use super::lengths::Prompt;
use super::queue::{all_taken, wait_for_place};
use super::step::{TokenTerms, decode_terms, exposed_prefill, through_stages};
use super::{InferenceRow, InferenceSetup, Replica, Room, Tables, admissible};
use crate::distribution::{Cumulants, Mixture};
use crate::phase::share::Bottleneck;
use crate::quantity::Seconds;
use crate::reject::Reject;

/// Steps of the secant that finds the running batch; two or three settle it.
const STEPS: usize = 6;
/// Requests by which two estimates of the running batch may differ, relatively.
const SETTLED: f64 = 1e-3;

/// The pool that prefills.
#[derive(Clone, Copy, Debug)]
pub struct PrefillPool<'a> {
    /// One attention replica of one worker.
    pub replica: Replica<'a>,
    /// Workers.
    pub workers: f64,
    /// Attention replicas of one worker: they share its experts.
    pub data: f64,
    /// Pipeline stages of one worker.
    pub pipeline: u32,
    /// Whether both pools are of one accelerator, so that they may share its scale-up domain.
    pub same_accelerator: bool,
}

impl PrefillPool<'_> {
    /// Devices of one attention replica.
    fn replica_devices(&self) -> f64 {
        self.replica.devices(self.pipeline)
    }

    /// Devices of all workers.
    #[must_use]
    pub fn devices(&self) -> f64 {
        self.replica_devices() * self.data * self.workers
    }
}

/// What the two pools do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pools {
    /// Devices that prefill.
    pub prefill_devices: f64,
    /// Devices that decode.
    pub decode_devices: f64,
    /// The cache's way from one to the other.
    pub handoff: Handoff,
    /// Time that a prefill rank is busy with one request.
    pub service: Seconds,
    /// The engine's fixed time and its steps before the first token.
    pub server: Seconds,
    /// Mean wait for a prefill rank once the opening burst is over, spread over all requests.
    pub wait: Seconds,
    /// Mean wait in the opening burst, spread over all requests.
    pub burst: Seconds,
    /// Mean wait for a decode slot.
    pub slot_wait: Seconds,
    /// Share of the time that prefill ranks work.
    pub prefill_utilisation: f64,
    /// Requests that decode over the slots; zero where there is no limit.
    pub decode_utilisation: f64,
}

/// What one running batch leads to.
#[derive(Clone, Copy)]
struct Cycle {
    terms: TokenTerms,
    /// From the request to its first token, where nothing is waited for.
    alone: Seconds,
    /// Mean wait for a prefill rank.
    wait: Seconds,
    /// Requests per second.
    rate: f64,
    /// Requests that decode on one replica at that rate.
    running: f64,
    /// Whether decode slots limit it.
    slots_full: bool,
    /// Whether prefill ranks do.
    prefill_full: bool,
}

/// What does not depend on the running batch.
struct Fixed {
    /// Requests that arrive per second; 0 in a closed loop.
    arrivals: f64,
    replicas: f64,
    slots: f64,
    /// Prefill, and what the hand-off adds to it.
    prefill: Seconds,
    /// Squared coefficient of variation of a prefill.
    variation: f64,
    queue: ClosedLoop,
}

impl Fixed {
    /// Requests that the prefill ranks finish per second, at most.
    fn prefill_rate(&self) -> f64 {
        self.queue.ranks / self.queue.service.0
    }

    fn cycle(&self, replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup, running: f64) -> Cycle {
        let terms = decode_terms(replica, tables, setup, running);
        let answer = terms.total() * (setup.output_tokens - 1.0);
        let alone = unhindered(replica.engine, &terms, self.prefill, setup);
        // An answer of one token never meets a decode slot for longer than its step.
        let held = (answer + terms.step()).0;
        let most = self.slots * self.replicas / held;
        let (wait, offered) = if self.arrivals > 0.0 {
            (self.open_wait().mean(), self.arrivals)
        } else {
            let rest = Seconds((alone + answer - self.queue.service).0.max(0.0));
            let wait = ClosedLoop { rest, ..self.queue }.wait();
            (wait.0, (self.queue.requests / (alone + wait + answer).0).min(self.prefill_rate()))
        };
        let rate = offered.min(most);
        Cycle {
            terms,
            alone,
            wait: Seconds(wait),
            rate,
            running: rate * held / self.replicas,
            slots_full: offered > most,
            prefill_full: rate > 0.99 * self.prefill_rate(),
        }
    }

    /// How waits vary: of the opening burst for any number of its prefills alike, later for an exponential time.
    fn waits(&self, opening: f64, busy: f64, later: Seconds, burst: Seconds) -> Mixture {
        if self.arrivals > 0.0 {
            return self.open_wait();
        }
        let late = (1.0 - opening) * busy;
        let waits = [
            (opening, Cumulants::uniform(2.0 * burst.0 / opening)),
            (late, Cumulants::exponential(if late > 0.0 { later.0 / late } else { 0.0 })),
        ];
        Mixture { waits, ..Mixture::default() }
    }

    /// Wait of arrivals for a prefill rank.
    fn open_wait(&self) -> Mixture {
        let load = (self.arrivals / self.prefill_rate()).min(1.0);
        let late = wait_for_place(self.prefill_rate(), load, self.variation);
        Mixture {
            waits: [(all_taken(self.queue.ranks, load), late), (0.0, Cumulants::default())],
            ..Mixture::default()
        }
    }
}

/// What a prompt takes of the prefill pool.
struct Prefilling {
    /// Its time over the lengths of prompts.
    prompt: Prompt,
    /// Mean of it.
    alone: Seconds,
    /// The cache's way to the decode pool.
    handoff: Handoff,
    /// Time that a rank is busy with one request.
    service: Seconds,
}

impl Prefilling {
    /// `setup` is that of the pool, `room` of prompts on one rank, `distance` the number of devices between the pools.
    fn of(
        pool: &PrefillPool,
        tables: &mut impl Tables,
        (decode, decode_devices): (&Replica, f64),
        setup: &InferenceSetup,
        room: f64,
        distance: f64,
    ) -> Self {
        let replica = &pool.replica;
        let prompt = Prompt::of(setup, |input| exposed_prefill(replica, tables, setup, (1.0, input)));
        let alone = through_stages(replica, tables, setup, 1.0, prompt.mean());
        let handoff =
            Handoff::of(replica, pool.replica_devices(), decode, decode_devices, distance, setup.input_tokens, alone);
        // Prompts that are shorter than a step's tokens are prefilled several at once, as far as they wait; where they arrive at random few do.
        let ranks = pool.workers * pool.data;
        let waiting = if setup.arrival_rate > 0.0 { 1.0 } else { whole(setup.concurrency / ranks) };
        let fresh = setup.fresh_tokens();
        let together = whole(replica.engine.max_batched_tokens / fresh).min(waiting.min(room)).max(1.0);
        let step = if together > 1.0 {
            exposed_prefill(replica, tables, setup, (together, setup.input_tokens))
        } else {
            prompt.mean()
        };
        let slowest = if pool.data > 1.0 { replica.engine.pool_rank_imbalance } else { 1.0 };
        let service = (step * (slowest / together / f64::from(pool.pipeline))).max(handoff.time);
        Self { prompt, alone, handoff, service }
    }
}

/// Results of a setup of two pools, or why it can't run.
///
/// In a closed loop the requests go round: they queue for a prefill rank ([`ClosedLoop`]), hand their cache over ([`Handoff`]), and decode
/// together with as many others as the rate and their own time per token keep there. The running batch is where these agree; a loop has one
/// such point, for more requests that decode take longer for it. Arrivals at a rate wait for a rank as in M/G/k.
pub fn row(
    decode: &Replica,
    tables: &mut impl Tables,
    pool: &PrefillPool,
    prefill_tables: &mut impl Tables,
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    let engine = decode.engine;
    admissible(decode, setup, setup.longest())?;
    let own = f64::from(setup.data);
    if !decode.experts_divide(own) {
        return Err(Reject::ExpertParallelRanks);
    }
    if !pool.replica.experts_divide(pool.data) {
        return Err(Reject::PrefillLayout);
    }
    let prefill_setup = InferenceSetup { pipeline: pool.pipeline, output_tokens: 1.0, output_cv: 0.0, ..*setup };
    let prefill_room = Room::of(&pool.replica, &prefill_setup).map_err(|_| Reject::PrefillDoesNotFit)?;
    let room = Room::of(decode, setup)?;
    let replicas = own * setup.decode_workers;
    let slots = room.requests().min(setup.max_batch);

    let decode_devices = decode.devices(setup.pipeline) * replicas;
    let ranks = pool.workers * pool.data;
    let distance = if pool.same_accelerator { pool.devices() + decode_devices - 1.0 } else { f64::from(u32::MAX) };
    let Prefilling { prompt, alone, handoff, service } = Prefilling::of(
        pool,
        prefill_tables,
        (decode, decode.devices(setup.pipeline)),
        &prefill_setup,
        prefill_room.requests(),
        distance,
    );
    let queue = ClosedLoop { requests: setup.concurrency, ranks, lockstep: pool.data, service, rest: Seconds::ZERO };
    let [first, second, _, _] = prompt.moments();
    let fixed = Fixed {
        arrivals: setup.arrival_rate,
        replicas,
        slots,
        prefill: alone + handoff.exposed,
        variation: (second / (first * first) - 1.0).max(0.0),
        queue,
    };
    let open = setup.arrival_rate > 0.0;
    let most = if open { slots } else { (setup.concurrency / replicas).min(slots) };
    let Cycle { terms, alone: ahead, wait, rate, running, slots_full, prefill_full } =
        settle(most, |running| fixed.cycle(decode, tables, setup, running));
    if open && (slots_full || setup.arrival_rate >= fixed.prefill_rate()) {
        return Err(Reject::Overloaded);
    }

    let tpot = terms.total();
    let answer = tpot * (setup.output_tokens - 1.0);
    let opening = if open { 0.0 } else { 1.0 / engine.burst_requests };
    let burst = service * ((setup.concurrency - ranks).max(0.0) / ranks / 2.0 * opening);
    let round = (ahead + wait + answer).0;
    let slot_wait = if slots_full { Seconds((setup.concurrency / rate - round).max(0.0)) } else { Seconds::ZERO };
    let later = wait * (1.0 - opening);
    let ttft = ahead + later + burst + slot_wait;
    let busy = (rate / fixed.prefill_rate()).min(1.0);
    let times =
        Mixture { base: Cumulants { mean: ahead.0, ..prompt.cumulants() }, ..fixed.waits(opening, busy, later, burst) };
    let queued = (setup.concurrency - slots * replicas).max(1.0);
    let times = times.then(Cumulants::gamma(slot_wait.0, queued));
    let running = running.min(most);
    let limited = if prefill_full && !slots_full {
        Some(Bottleneck::Prefill)
    } else {
        (slots_full && room.requests() <= running).then_some(Bottleneck::CacheCapacity)
    };
    let devices = pool.devices() + decode_devices;
    Ok(InferenceRow {
        devices,
        replicas,
        room,
        running,
        saturated: slots_full,
        prefill: alone,
        terms,
        ttft,
        ttft_bound: prefill_bound(&pool.replica, prefill_tables, &prefill_setup),
        tpot,
        tpot_bound: decode_bound(decode, setup, running),
        e2e: ttft + answer,
        tokens_per_s: rate * setup.output_tokens,
        requests_per_s: rate,
        ttft_times: times,
        noise: Cumulants::default(),
        stall: prompt.part(f64::from(pool.pipeline)),
        max_requests_per_s: if open { fixed.prefill_rate().min(rate * slots / running) } else { f64::NAN },
        limited,
        pools: Some(Pools {
            prefill_devices: pool.devices(),
            decode_devices,
            handoff,
            service,
            server: ahead - alone - handoff.exposed,
            wait: later,
            burst,
            slot_wait,
            prefill_utilisation: busy,
            decode_utilisation: running / slots,
        }),
    })
}

/// The running batch at which a cycle keeps as many requests in decode as it was computed for, from the largest down (secant).
fn settle(most: f64, mut cycle: impl FnMut(f64) -> Cycle) -> Cycle {
    let mut before = (most, cycle(most));
    if before.1.running >= most * (1.0 - SETTLED) {
        return before.1;
    }
    let mut guess = before.1.running;
    for _ in 0..STEPS {
        let now = (guess, cycle(guess));
        let (error, last_error) = (now.1.running - now.0, before.1.running - before.0);
        if error.abs() <= SETTLED * now.0 || last_error.eq(&error) {
            return now.1;
        }
        guess = (now.0 - error * (now.0 - before.0) / (error - last_error)).clamp(most * SETTLED, most);
        before = now;
    }
    before.1
}

/// The whole part of a number of at least zero.
fn whole(number: f64) -> f64 {
    number as i64 as f64
}
