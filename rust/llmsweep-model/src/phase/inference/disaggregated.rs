//! Prefill and decode on pools of their own: no step waits for another request's prefill, but the cache has to travel.
use super::bounds::{decode_bound, prefill_bound};
use super::closed_loop::ClosedLoop;
use super::handoff::Handoff;
use super::step::{TokenTerms, bottleneck, prefill_pass, token_terms};
use super::{InferenceRow, InferenceSetup, Replica, Room, Tables};
use crate::phase::share::Bottleneck;
use crate::quantity::{Bytes, Seconds};
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
        self.replica.work.split.tensor * f64::from(self.pipeline)
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
    /// What a server adds beside its kernels.
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

/// The loop without what depends on the running batch.
struct Fixed {
    requests: f64,
    replicas: f64,
    slots: f64,
    alone: Seconds,
    queue: ClosedLoop,
}

impl Fixed {
    fn cycle(&self, replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup, running: f64) -> Cycle {
        let (terms, _) = token_terms(replica, tables, setup, running);
        let answer = terms.total() * (setup.output_tokens - 1.0);
        let alone = self.alone + terms.step();
        let rest = Seconds((alone + answer - self.queue.service).0.max(0.0));
        let queue = ClosedLoop { rest, ..self.queue };
        let wait = queue.wait();
        let offered = self.requests / (alone + wait + answer).0;
        // An answer of one token never meets a decode slot for longer than its step.
        let held = (answer + terms.step()).0;
        let most = self.slots * self.replicas / held;
        let rate = offered.min(most);
        Cycle {
            terms,
            wait,
            rate,
            running: rate * held / self.replicas,
            slots_full: offered > most,
            prefill_full: rate * self.queue.service.0 > 0.99 * self.queue.ranks,
        }
    }
}

/// Results of a setup of two pools, or why it can't run.
///
/// The requests go round: they queue for a prefill rank ([`ClosedLoop`]), hand their cache over ([`Handoff`]), and decode together with as
/// many others as the rate and their own time per token keep there. The running batch is where these agree; a loop has one such point, for
/// more requests that decode take longer for it.
pub fn row(
    decode: &Replica,
    tables: &mut impl Tables,
    pool: &PrefillPool,
    prefill_tables: &mut impl Tables,
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    let Replica { shape, work, engine, .. } = *decode;
    if setup.input_tokens + setup.output_tokens > f64::from(shape.max_context) {
        return Err(Reject::ContextTooLong);
    }
    let own = f64::from(setup.data);
    if !experts_divide(work.split.expert, work.split.tensor, own) {
        return Err(Reject::ExpertParallelRanks);
    }
    if !experts_divide(pool.replica.work.split.expert, pool.replica.work.split.tensor, pool.data) {
        return Err(Reject::PrefillLayout);
    }
    let prefill_setup = InferenceSetup { pipeline: pool.pipeline, output_tokens: 1.0, ..*setup };
    let prefill_room = Room::of(&pool.replica, &prefill_setup).map_err(|_| Reject::PrefillDoesNotFit)?;
    let room = Room::of(decode, setup)?;
    let replicas = own * setup.decode_workers;
    let slots = room.requests().min(setup.max_batch);

    let decode_devices = work.split.tensor * f64::from(setup.pipeline) * replicas;
    let ranks = pool.workers * pool.data;
    let alone = prefill_time(pool, prefill_tables, setup, 1.0);
    let distance = if pool.same_accelerator { pool.devices() + decode_devices - 1.0 } else { f64::from(u32::MAX) };
    let handoff = Handoff::of(
        &pool.replica,
        pool.replica_devices(),
        decode,
        work.split.tensor * f64::from(setup.pipeline),
        distance,
        setup.input_tokens,
        alone,
    );
    // Prompts that are shorter than a step's tokens are prefilled several at once, as far as they wait.
    let waiting = whole(setup.concurrency / ranks).min(prefill_room.requests());
    let together = whole(engine.pool_batch_tokens / setup.input_tokens).min(waiting).max(1.0);
    let step = if together > 1.0 { prefill_time(pool, prefill_tables, setup, together) } else { alone };
    let slowest = if pool.data > 1.0 { engine.pool_rank_imbalance } else { 1.0 };
    let service = (step * (slowest / together / f64::from(pool.pipeline))).max(handoff.time);

    let layers = f64::from(shape.layers());
    let server =
        engine.first_token + engine.first_token_layer * layers + engine.first_token_expert_layer * work.expert_layers;
    let queue = ClosedLoop { requests: setup.concurrency, ranks, lockstep: pool.data, service, rest: Seconds::ZERO };
    let fixed = Fixed { requests: setup.concurrency, replicas, slots, alone: alone + handoff.exposed + server, queue };
    let most = (setup.concurrency / replicas).min(slots);
    let cycle = settle(most, |running| fixed.cycle(decode, tables, setup, running));
    let Cycle { terms, wait, rate, running, slots_full, prefill_full } = cycle;

    let opening = 1.0 / engine.burst_requests;
    let burst = service * ((setup.concurrency - ranks).max(0.0) / ranks / 2.0 * engine.burst_weight * opening);
    let tpot = terms.total();
    let answer = tpot * (setup.output_tokens - 1.0);
    let ahead = fixed.alone + terms.step();
    let round = (ahead + wait + answer).0;
    let slot_wait = if slots_full { Seconds((setup.concurrency / rate - round).max(0.0)) } else { Seconds::ZERO };
    let later = wait * (1.0 - opening);
    let ttft = ahead + later + burst + slot_wait;
    let running = running.min(most);
    let limited = if prefill_full && !slots_full { Bottleneck::Prefill } else { bottleneck(&terms, slots_full) };
    Ok(InferenceRow {
        devices: pool.devices() + decode_devices,
        room,
        peak_memory: room.weights + room.reserve + running * room.full_request.min(room.cache / running),
        running,
        max_concurrency: replicas * room.full_requests(),
        kv_tokens: room.full_requests() * (setup.input_tokens + setup.output_tokens),
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
        bottleneck: limited,
        pools: Some(Pools {
            prefill_devices: pool.devices(),
            decode_devices,
            handoff,
            service,
            server,
            wait: later,
            burst,
            slot_wait,
            prefill_utilisation: (rate * service.0 / ranks).min(1.0),
            decode_utilisation: if slots.is_finite() { running / slots } else { 0.0 },
        }),
    })
}

/// Whether experts spread wider than attention's tensor group fill whole groups of one worker.
fn experts_divide(expert: f64, tensor: f64, data: f64) -> bool {
    expert <= tensor || (tensor * data % expert).eq(&0.0)
}

/// Prefill of some prompts on one replica of the pool, from stage to stage.
fn prefill_time(pool: &PrefillPool, tables: &mut impl Tables, setup: &InferenceSetup, sequences: f64) -> Seconds {
    let Replica { shape, work, device, .. } = pool.replica;
    let bytes = Bytes(sequences * setup.input_tokens * f64::from(shape.hidden) * work.widths.activation);
    let hop = device.device.collectives.point_to_point(bytes, work.split.tensor, &device.device.accelerator.fabric);
    prefill_pass(tables, setup, sequences).total() + hop * (f64::from(pool.pipeline) - 1.0)
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
    number as u64 as f64
}
