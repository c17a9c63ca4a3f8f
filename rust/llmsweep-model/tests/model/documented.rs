//! The worked numbers of docs/model.md.
use crate::common::hardware::{B200, H100, H200, TRAINING_CLOCK};
use crate::common::run::{ONE, REQUEST, STEP, count, serve, serve_apart, serve_speculating, train};
use crate::common::shapes::{gpt3_175b, llama2_7b, llama2_70b, llama3_405b};
use crate::common::software::operations;
use llmsweep_model::collective::Ring;
use llmsweep_model::distribution::Cumulants;
use llmsweep_model::economics::{Factors, Fleet, HOUR, Tariff, Upkeep};
use llmsweep_model::kernel::Pass;
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::parallel::pipeline::{Passes, Schedule, Walk};
use llmsweep_model::phase::inference::allocator::KvAllocator;
use llmsweep_model::phase::inference::lengths::longest_of;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::queue::wait_of_late;
use llmsweep_model::phase::inference::speculation::{Guess, Speculation};
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use llmsweep_model::phase::share::Bottleneck;
use llmsweep_model::phase::training::{TrainingRow, TrainingSetup};
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::subset::Subset;
use llmsweep_model::work::adapters::{Mode, NF4_BITS, Target};
use llmsweep_model::work::{Collective, Widths, Work};

/// What the page prints has three digits.
const PRINTED: f64 = 6e-3;

/// All numbers of one example, so that a change of constants shows every line of the page that is stale.
#[derive(Default)]
struct Page(Vec<String>);

impl Page {
    fn says(&mut self, what: &str, value: f64, printed: f64, tolerance: f64) {
        if (value / printed - 1.0).abs() > tolerance {
            self.0.push(format!("{what}: {value:.6e}, the page says {printed:.3e}"));
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        assert!(self.0.is_empty() || std::thread::panicking(), "docs/model.md is stale:\n{}", self.0.join("\n"));
    }
}

fn llama3_405b_on_16384() -> TrainingRow {
    let layout =
        TrainingLayout { tensor: 8, sequence_parallel: true, sequence_length: 8192, recompute: Recompute::Full, ..ONE };
    let setup =
        TrainingSetup { devices: 16_384, pipeline: 16, global_batch: 2048, zero_stage: 1, tokens: 15.6e12, ..STEP };
    train(&llama3_405b(), &H100, layout, &setup).expect("fits with full recomputation")
}

#[test]
fn cached_prefixes() {
    let mut page = Page::default();
    let prefill = |hit_rate| {
        let prefix = Prefix { hit_rate, shared: false };
        let setup = InferenceSetup { input_tokens: 4096.0, output_tokens: 1.0, prefix, ..REQUEST };
        serve(&llama2_7b(), &H100, "fp16", (1, 1), &setup).expect("7B fits an H100").prefill.0
    };
    page.says("prefill of 4,096 tokens", prefill(0.0), 89.2e-3, PRINTED);
    page.says("half of it cached", prefill(0.5), 47.8e-3, PRINTED);
}

#[test]
fn room_for_caches() {
    let mut page = Page::default();
    page.says("activations", llama2_70b_on_four().room.activations, 0.62e9, 0.01);
    let waste = |allocator| {
        let setup =
            InferenceSetup { input_tokens: 161.0, output_tokens: 338.0, allocator, max_model_len: 2048.0, ..REQUEST };
        serve(&llama2_7b(), &H100, "fp16", (1, 1), &setup).expect("7B fits an H100").room.waste
    };
    page.says("empty pages", waste(KvAllocator::Paged), 0.022, 0.02);
    page.says("empty pieces", waste(KvAllocator::Contiguous), 0.84, 0.01);
}

#[test]
fn speculation() {
    let mut page = Page::default();
    let small = llama2_7b();
    let step = |requests, kind| {
        let guess = Guess { tokens: 4.0, acceptance: 0.8 };
        let setup = InferenceSetup { mode: ServingMode::Static, concurrency: requests, guess, ..REQUEST };
        serve_speculating(&llama2_70b(), &H200, "bf16", (4, 1), &setup, (kind, Some(&small))).expect("fits")
    };
    let (plain, guessed) = (step(1.0, Speculation::None), step(1.0, Speculation::Draft));
    page.says("E", guessed.terms.tokens, 3.36, PRINTED);
    page.says("TPOT", plain.tpot.0, 12.35e-3, PRINTED);
    page.says("guessed", guessed.tpot.0, 6.229e-3, PRINTED);
    page.says("TPOT of 256", step(256.0, Speculation::None).tpot.0, 31.16e-3, PRINTED);
    page.says("guessed, of 256", step(256.0, Speculation::Draft).tpot.0, 43.69e-3, PRINTED);
}

fn llama2_70b_on_four() -> InferenceRow {
    let setup = InferenceSetup { concurrency: 64.0, ..REQUEST };
    serve(&llama2_70b(), &H100, "fp8", (4, 1), &setup).expect("70 GB on four H100")
}

#[test]
fn training_step() {
    let mut page = Page::default();
    let row = llama3_405b_on_16384();
    page.says("step", row.step.0, 12.23, PRINTED);
    page.says("kernels", row.terms.compute().0, 6.00, PRINTED);
    page.says("tensor", row.terms.tensor.0, 0.262, PRINTED);
    page.says("bubble", row.terms.bubble.0, 5.80, PRINTED);
    page.says("data", row.terms.data.0, 0.131, PRINTED);
    page.says("pipeline", row.terms.pipeline.0, 0.044, 0.02);
    assert!(row.terms.optimizer < Seconds(1e-3));
    page.says("tokens_per_s", row.tokens_per_s, 1.379e6, PRINTED);
    page.says("MFU", row.model_flops / row.peak_flops, 0.2147, PRINTED);
    page.says("HFU", row.hardware_flops / row.peak_flops, 0.2873, PRINTED);
    page.says("days of steps", row.training_time.0 / 86_400.0, 131.0, PRINTED);
    assert_eq!((row.replicas, row.micro_batches), (128.0, 16.0));
}

#[test]
fn whole_run() {
    let mut page = Page::default();
    let row = llama3_405b_on_16384();
    page.says("M", row.goodput.mtbf.0 / HOUR, 3.05, PRINTED);
    page.says("write", row.goodput.write.0, 2.84, PRINTED);
    page.says("interval", row.goodput.interval.0, 248.0, 1e-3);
    page.says("recovery", row.goodput.recovery.0, 2004.0, PRINTED);
    page.says("goodput", row.goodput.share, 0.815, 2e-3);
    page.says("days", row.time_to_train.0 / 86_400.0, 161.0, PRINTED);
    page.says("failures", row.time_to_train / row.goodput.mtbf, 1270.0, PRINTED);
}

#[test]
fn pipelines() {
    let mut page = Page::default();
    let one = Seconds(1.0);
    let stage = Passes { forward: one, input: one, weight: one, paired: Seconds::ZERO };
    let bubble = |schedule, chunks| {
        let mut walk = Walk::new(schedule, 8.0, chunks, 64.0);
        walk.add(stage, 8.0);
        walk.bubble(&stage).0
    };
    page.says("interleaved over compute", bubble(Schedule::OneForwardOneBackward, 4.0) / (64.0 * 3.0), 0.027, 0.02);
    page.says("1f1b", bubble(Schedule::OneForwardOneBackward, 1.0), 21.0, PRINTED);
    page.says("zero_bubble_h1", bubble(Schedule::ZeroBubbleH1, 1.0), 7.0, PRINTED);
    page.says("zero_bubble_v", 1.0 + bubble(Schedule::ZeroBubbleV, 2.0), 1.0, PRINTED);
    page.says("dualpipe", bubble(Schedule::DualPipe, 1.0), 6.0, PRINTED);
}

#[test]
fn training_memory() {
    let mut page = Page::default();
    let memory = llama3_405b_on_16384().memory;
    page.says("weights", memory.weights, 6.4e9, PRINTED);
    page.says("gradients", memory.gradients, 12.8e9, PRINTED);
    page.says("optimizer", memory.optimizer, 0.3e9, PRINTED);
    page.says("activations", memory.activations, 4.5e9, PRINTED);
    page.says("temporary", memory.temporary, 0.8e9, 0.02);
    page.says("peak", memory.peak, 25.7e9, PRINTED);
}

#[test]
fn training_modes() {
    let mut page = Page::default();
    let layout = TrainingLayout {
        mode: Mode::Lora,
        lora_rank: 4,
        lora_modules: Subset::of(&[Target::Attention as usize]),
        ..ONE
    };
    let work = count(&gpt3_175b(), layout).expect("counts");
    page.says("trainable parameters", work.adapters.parameters, 37.7e6, PRINTED);
    page.says("bits of a frozen weight", NF4_BITS, 4.127, 1e-4);
}

#[test]
fn kernels() {
    let mut page = Page::default();
    let device = H100.device("bf16", TRAINING_CLOCK).kernels;
    let mut work = Work::default();
    work.gemm("mlp up", 8192.0, 2.0 * 53_248.0 / 8.0, 16_384.0, &Widths::of(crate::common::precision("bf16")));
    let op = &work.ops[0];
    page.says("flops", op.flops.0, 3.57e12, PRINTED);
    page.says("bytes", op.bytes.0, 922e6, PRINTED);
    page.says("time", device.time(op, Pass::Forward).0, 5.71e-3, PRINTED);
}

#[test]
fn all_reduces() {
    let mut page = Page::default();
    let model = H100.collectives();
    let time = |bytes: f64, ring: Ring| model.time(Collective::AllReduce, Bytes(bytes), ring, &H100.fabric()).0;
    let bytes = 536_870_912.0;
    page.says("eight ranks", time(bytes, Ring::new(8.0, 1.0)), 2.08e-3, PRINTED);
    page.says("bus bandwidth", 1.75 * bytes / time(bytes, Ring::new(8.0, 1.0)), 452.7e9, PRINTED);
    page.says("sixteen nodes", time(1.0, Ring::new(16.0, 8.0)), 120e-6, PRINTED);
}

#[test]
fn serving() {
    let mut page = Page::default();
    let row = llama2_70b_on_four();
    page.says("tpot", row.tpot.0, 29.56e-3, PRINTED);
    page.says("kernels", row.terms.kernels.total().0, 9.37e-3, PRINTED);
    page.says("cache", row.terms.cache.total().0, 2.69e-3, PRINTED);
    page.says("tensor", row.terms.tensor.0, 2.38e-3, PRINTED);
    page.says("host", row.terms.host.0, 1.13e-3, PRINTED);
    page.says("prefill", row.terms.prefill.0, 13.99e-3, PRINTED);
    page.says("ttft", row.ttft.0, 0.3723, PRINTED);
    page.says("tokens_per_s", row.tokens_per_s, 2124.0, PRINTED);
    page.says("room.cache", row.room.cache, 51.6e9, PRINTED);
    page.says("max_concurrency", row.max_concurrency(), 489.0, 1e-12);
    assert_eq!(row.bottleneck(), Bottleneck::Prefill);
}

#[test]
fn traffic() {
    let mut page = Page::default();
    let vary = InferenceSetup { output_cv: 1.0, ..REQUEST };
    page.says("answer of a running request", vary.held_answer(), 512.0, 1e-12);
    page.says("the longer of two", longest_of(2.0, 1.0), 1.444, PRINTED);
    page.says("wait for constant service", 0.5 * wait_of_late(0.5, [1.0; 4]).mean, 0.5, 1e-12);
    page.says("wait for exponential service", 0.5 * wait_of_late(0.5, [1.0, 2.0, 6.0, 24.0]).mean, 1.0, 1e-12);
    page.says("99 in 100 of an exponential wait", Cumulants::exponential(1.0).quantile(0.99), 4.53, PRINTED);
    let setup = InferenceSetup { arrival_rate: 6.0, ..REQUEST };
    let row = serve(&llama2_70b(), &H100, "fp8", (4, 1), &setup).expect("fits");
    page.says("max_requests_per_s", row.max_requests_per_s, 12.73, PRINTED);
    page.says("requests in a step", row.running, 30.8, PRINTED);
    page.says("ttft", row.ttft.0, 0.1643, PRINTED);
    page.says("ttft of 99 in 100", row.ttft_times.quantile(0.99), 0.270, PRINTED);
    page.says("tpot", row.tpot.0, 19.46e-3, PRINTED);
    page.says("tpot of 99 in 100", row.tpot_times(&setup).quantile(0.99), 25.74e-3, PRINTED);
}

#[test]
fn bounds() {
    let small = serve(&llama2_7b(), &H100, "fp16", (1, 1), &REQUEST).expect("fits");
    let large = serve(&llama2_70b(), &B200, "w4a16", (1, 1), &REQUEST).expect("fits");
    // The page gives the weights alone; the row's bound reads the cache of one request too.
    assert!(small.tpot_bound.time() > Seconds(13.2e9 / 3.35e12) && small.tpot_bound.time() < Seconds(4.2e-3));
    assert!(large.tpot_bound.time() > Seconds(36.0e9 / 8e12) && large.tpot_bound.time() < Seconds(4.6e-3));
}

#[test]
fn economics() {
    let mut page = Page::default();
    let upkeep =
        Upkeep::of(&Tariff::of(&H100.accelerator(), &operations()), Fleet { devices: 4.0, spares: 0.0 }, Factors::NONE);
    let hourly = upkeep.cost(Seconds(HOUR)).expect("the test's H100 has a price");
    page.says("hourly", hourly.0, 8.0, 1e-12);
    page.says("per million tokens", hourly.0 / HOUR / llama2_70b_on_four().tokens_per_s * 1e6, 1.046, PRINTED);
    let power = upkeep.power.expect("the test's H100 has a board power");
    page.says("energy per token", power.0 / llama2_70b_on_four().tokens_per_s, 1.318, PRINTED);
    let facility = upkeep.facility.expect("a board power");
    page.says("facility", facility.0, 6115.0, PRINTED);
    page.says("owned", upkeep.ownership(Seconds(HOUR)).expect("a purchase price").0, 8.36, PRINTED);
    page.says("carbon", upkeep.carbon(Seconds(HOUR)).expect("a board power"), 2.28, PRINTED);
}

#[test]
fn two_pools() {
    let mut page = Page::default();
    let setup = InferenceSetup { concurrency: 64.0, decode_workers: 2.0, ..REQUEST };
    let row = serve_apart(&llama2_70b(), &H100, "fp8", (4, 1), (2.0, 1.0, 4, 1), &setup).expect("fits");
    let pools = row.pools.expect("two pools");
    page.says("S", pools.service.0, 0.0503, PRINTED);
    page.says("W", pools.wait.0, 0.01955, PRINTED);
    page.says("burst", pools.burst.0, 0.0779, PRINTED);
    page.says("hand-off bytes", pools.handoff.bytes, 335.5e6, PRINTED);
    page.says("hand-off", pools.handoff.time.0, 1.76e-3, PRINTED);
    page.says("exposed", pools.handoff.exposed.0, 0.022e-3, PRINTED);
    page.says("R", row.running, 30.9, PRINTED);
    page.says("TPOT", row.tpot.0, 12.83e-3, PRINTED);
    page.says("TTFT", row.ttft.0, 0.2208, PRINTED);
    page.says("tokens/s", row.tokens_per_s, 4814.0, PRINTED);
    page.says("utilisation", pools.prefill_utilisation, 0.473, PRINTED);
}
