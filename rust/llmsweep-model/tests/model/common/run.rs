//! One setup through all levels, as the one-row path does it.
use super::hardware::{Machine, SERVING_CLOCK, TRAINING_CLOCK};
use super::precision;
use super::software;
use llmsweep_model::arch::ModelShape;
use llmsweep_model::flops::ForwardFlops;
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::memory::state::{GradientPrecision, Optimizer};
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::parallel::pipeline::{Cut, Schedule, stages};
use llmsweep_model::phase::inference::allocator::KvAllocator;
use llmsweep_model::phase::inference::offload::HostShare;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::speculation::{Drafter, Guess, Speculation};
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork, PassTime};
use llmsweep_model::phase::inference::{
    self, Admission, InferenceRow, InferenceSetup, PrefillPool, Replica, Request, ServingMode, Tables, disaggregated,
};
use llmsweep_model::phase::training::{self, Replicas, TrainingLevels, TrainingRow, TrainingSetup};
use llmsweep_model::phase::training_memory::Refusal;
use llmsweep_model::phase::training_stage::{StageInput, TrainingStage};
use llmsweep_model::phase::training_times::{TrainingLayout, TrainingTimes, TrainingWork};
use llmsweep_model::precision::{KvPrecision, Quantised};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;
use llmsweep_model::subset::Subset;
use llmsweep_model::system::{ServingEngine, TrainingSystem};
use llmsweep_model::work::adapters::{Mode, Target};
use llmsweep_model::work::attention::AttentionKernel;

/// A layout of one device.
pub(crate) const ONE: TrainingLayout = TrainingLayout {
    tensor: 1,
    expert: 1,
    expert_tensor: 1,
    context: 1,
    sequence_parallel: false,
    sequence_length: 2048,
    micro_batch: 1,
    recompute: Recompute::None,
    kernel: AttentionKernel::Flash,
    multi_token_prediction: false,
    recompute_modules: Module::CHEAP,
    mode: Mode::Pretraining,
    lora_rank: 16,
    lora_modules: Target::ALL,
    gradient: GradientPrecision::Fp32,
    context_exchange: ContextExchange::Ring,
    expert_imbalance: 1.0,
};

/// A run of one device and one micro-batch.
pub(crate) const STEP: TrainingSetup = TrainingSetup {
    devices: 1,
    pipeline: 1,
    virtual_pipeline: 1,
    global_batch: 1,
    zero_stage: 0,
    data_parallel_replicate: 1,
    optimizer: Optimizer::AdamW,
    tokens: 1e12,
    tokens_per_parameter: 0.0,
    device_mtbf_hours: 50_000.0,
    checkpoint_interval: Seconds(0.0),
    spares: 0.0,
    schedule: Schedule::OneForwardOneBackward,
    first_stage_layers: 0,
    last_stage_layers: 0,
    embedding_as_layers: false,
    recompute_layers: 0,
    offload: Subset::NONE,
};

/// Counts a layout in bf16.
pub(crate) fn count(shape: &ModelShape, layout: TrainingLayout) -> Result<TrainingWork, Reject> {
    TrainingWork::count(shape, precision("bf16"), layout, &software::training())
}

/// A training step in bf16.
pub(crate) fn train(
    shape: &ModelShape,
    machine: &Machine,
    layout: TrainingLayout,
    setup: &TrainingSetup,
) -> Result<TrainingRow, Reject> {
    try_train(shape, machine, layout, setup).map_err(|refusal| refusal.reject)
}

/// The same with the memory that a refused step would need.
pub(crate) fn try_train(
    shape: &ModelShape,
    machine: &Machine,
    layout: TrainingLayout,
    setup: &TrainingSetup,
) -> Result<TrainingRow, Refusal> {
    train_with(&software::training(), shape, machine, layout, setup)
}

/// The same with other software.
pub(crate) fn train_with(
    system: &TrainingSystem,
    shape: &ModelShape,
    machine: &Machine,
    layout: TrainingLayout,
    setup: &TrainingSetup,
) -> Result<TrainingRow, Refusal> {
    let work = count(shape, layout)?;
    let device = machine.device("bf16", TRAINING_CLOCK);
    let times = TrainingTimes::of(&work, &device, system);
    let replicas = Replicas::of(&work, setup)?;
    let input = StageInput { shape, work: &work, recompute_layers: setup.recompute_layers };
    let stages = TrainingStage::all(&input, &stages(shape, &setup.cut())?);
    let precision = precision("bf16");
    let operations = software::operations();
    let levels = TrainingLevels {
        shape,
        precision,
        work: &work,
        times: &times,
        device: &device,
        system,
        operations: &operations,
    };
    training::row(levels, replicas, &stages, setup)
}

/// A prompt of 1,024 tokens, an answer of 256, one request.
pub(crate) const REQUEST: InferenceSetup = InferenceSetup {
    input_tokens: 1024.0,
    output_tokens: 256.0,
    input_cv: 0.0,
    output_cv: 0.0,
    length_correlation: 0.0,
    pipeline: 1,
    data: 1,
    mode: ServingMode::Continuous,
    concurrency: 1.0,
    admission_interval: 1.0,
    prefix: Prefix::NONE,
    guess: Guess::NONE,
    allocator: KvAllocator::Paged,
    max_model_len: 0.0,
    host: HostShare::NONE,
    arrival_rate: 0.0,
    slo_ttft: Seconds::ZERO,
    slo_tpot: Seconds::ZERO,
    max_batch: f64::INFINITY,
    decode_workers: 1.0,
    two_batch_overlap: false,
    attention_dp_wait_steps: 0.0,
};

struct Direct<'a> {
    shape: &'a ModelShape,
    work: &'a InferenceWork,
    device: &'a InferenceDevice,
    drafter: Option<&'a Drafter>,
}

impl Tables for Direct<'_> {
    fn prefill_chunk(&mut self, sequences: f64, tokens: f64, past: f64) -> PassTime {
        let own = self.device.prefill_chunk(self.shape, self.work, sequences, (tokens, past));
        self.drafter.map_or(own, |drafter| own.plus(drafter.prefill_chunk(self.device, sequences, (tokens, past))))
    }

    fn guess(&mut self, requests: f64) -> PassTime {
        self.drafter.map_or(PassTime::default(), |drafter| drafter.guess(self.device, requests))
    }

    fn decode(&mut self, requests: f64) -> PassTime {
        self.device.decode(self.shape, self.work, requests)
    }

    fn prefill_flops(&mut self, input_tokens: f64) -> f64 {
        ForwardFlops::of_sequence(self.shape, input_tokens).prompt()
    }
}

/// A deployment: `tensor` and `expert` ways, weights in `format`, the cache in fp16.
pub(crate) fn serve(
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    ranks: (u32, u32),
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    serve_with(&software::serving(), shape, machine, format, ranks, setup)
}

/// The same on another engine.
pub(crate) fn serve_with(
    engine: &ServingEngine,
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    (tensor, expert): (u32, u32),
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    serve_all(engine, shape, machine, format, (tensor, expert, 1), setup, (Speculation::None, None))
}

/// The same with something that guesses tokens ahead.
pub(crate) fn serve_speculating(
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    (tensor, expert): (u32, u32),
    setup: &InferenceSetup,
    speculation: (Speculation, Option<&ModelShape>),
) -> Result<InferenceRow, Reject> {
    serve_all(&software::serving(), shape, machine, format, (tensor, expert, 1), setup, speculation)
}

/// The same on context-parallel ranks: the last number.
pub(crate) fn serve_over(
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    ranks: (u32, u32, u32),
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    serve_all(&software::serving(), shape, machine, format, ranks, setup, (Speculation::None, None))
}

fn serve_all(
    engine: &ServingEngine,
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    (tensor, expert, context): (u32, u32, u32),
    setup: &InferenceSetup,
    (speculation, draft): (Speculation, Option<&ModelShape>),
) -> Result<InferenceRow, Reject> {
    let kv = KvPrecision::by_name("fp16").expect("fp16 is in the table");
    let work = InferenceWork::count(shape, precision(format), Quantised::Usual, kv, (tensor, expert, context))?;
    let device = InferenceDevice::of(&machine.device(format, SERVING_CLOCK), engine);
    let stages = stages(shape, &Cut::even(setup.pipeline, 1));
    let drafter =
        Drafter::of(speculation, shape, draft, (precision(format), Quantised::Usual, kv), (tensor, expert, context))?;
    let drafter = drafter.as_ref();
    let mut tables = Direct { shape, work: &work, device: &device, drafter };
    let stages = stages.as_deref().map_err(|reject| *reject)?;
    let replica = Replica { shape, work: &work, device: &device, engine, stages, drafter };
    let request = Request::of(&replica, &mut tables, setup, Admission::of(&replica, setup));
    inference::row(&replica, &mut tables, setup, &request)
}

/// A prefill pool: workers, their attention replicas, devices of one, devices that share experts.
pub(crate) type Pool = (f64, f64, u32, u32);

/// A deployment in two pools of one accelerator, both without a pipeline.
pub(crate) fn serve_apart(
    shape: &ModelShape,
    machine: &Machine,
    format: &str,
    (tensor, expert): (u32, u32),
    (workers, data, prefill_tensor, prefill_expert): Pool,
    setup: &InferenceSetup,
) -> Result<InferenceRow, Reject> {
    let kv = KvPrecision::by_name("fp16").expect("fp16 is in the table");
    let work = InferenceWork::count(shape, precision(format), Quantised::Usual, kv, (tensor, expert, 1))?;
    let prefill_work =
        InferenceWork::count(shape, precision(format), Quantised::Usual, kv, (prefill_tensor, prefill_expert, 1))?;
    let engine = software::serving();
    let device = InferenceDevice::of(&machine.device(format, SERVING_CLOCK), &engine);
    let stages = stages(shape, &Cut::even(1, 1))?;
    let replica = |work| Replica { shape, work, device: &device, engine: &engine, stages: &stages, drafter: None };
    let pool = PrefillPool { replica: replica(&prefill_work), workers, data, pipeline: 1, same_accelerator: true };
    disaggregated::row(
        &replica(&work),
        &mut Direct { shape, work: &work, device: &device, drafter: None },
        &pool,
        &mut Direct { shape, work: &prefill_work, device: &device, drafter: None },
        &InferenceSetup { mode: ServingMode::Disaggregated, pipeline: 1, ..*setup },
    )
}
