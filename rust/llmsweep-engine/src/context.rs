//! A sweep with its names resolved: the plan, and the catalogue objects that its values stand for.
pub mod axis;
mod resolve;

use std::collections::BTreeMap;

use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::economics::{Factors, HOUR};
use llmsweep_model::hardware::{Accelerator, Pods};
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::memory::state::{GradientPrecision, Optimizer};
use llmsweep_model::operations::Operations;
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::parallel::pipeline::Schedule;
use llmsweep_model::phase::Device;
use llmsweep_model::phase::inference::ServingMode;
use llmsweep_model::phase::inference::allocator::KvAllocator;
use llmsweep_model::phase::inference::speculation::Speculation;
use llmsweep_model::phase::training_state::Offload;
use llmsweep_model::precision::{KvPrecision, Precision, Quantised};
use llmsweep_model::quantity::UsdPerSec;
use llmsweep_model::reject::Reject;
use llmsweep_model::subset::Subset;
use llmsweep_model::system::{ServingEngine, TrainingSystem};
use llmsweep_model::work::adapters::{Mode, Target};
use llmsweep_model::work::attention::AttentionKernel;

use crate::axes::{AXES, Phase};
use crate::catalog::collectives::fitted;
use crate::catalog::constant::overridden;
use crate::catalog::kernels::ANY_ENGINE;
use crate::catalog::operations::OPERATIONS;
use crate::catalog::{AcceleratorEntry, Catalog, ModelEntry, NetworkEntry, Provenance, ResolvedLaws};
use crate::plan::{Plan, PlanAxis, Point};
use crate::spec::{AxisValue, Search, Spec};
use crate::spread::Spread;
use resolve::{
    SIXTEEN_BITS, attention_ratios, choices, entries, kernels, laws_of, models_of, named_engines, named_stacks,
    networks, spreads, stack_names, stack_systems, subsets, with_engine, with_pool,
};

/// What a sweep can't be compiled for, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(pub String);

/// A compiled sweep.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its rows.
    pub plan: Plan,
    /// The models on the model axis.
    pub models: Vec<ModelEntry>,
    /// The precisions on the precision axis, then those that only a prefill pool has.
    pub precisions: Vec<&'static Precision>,
    /// The formats on the cache axis; empty in training.
    pub kv_precisions: Vec<&'static KvPrecision>,
    /// The accelerators on the accelerator axis, then those that only a prefill pool has.
    pub accelerators: Vec<AcceleratorEntry>,
    /// The networks on the network axis; `None` for the accelerator's usual one.
    pub networks: Vec<Option<NetworkEntry>>,
    /// Constants of the stacks on the stack axis; empty in inference.
    pub stacks: Vec<TrainingSystem>,
    /// Their names.
    pub stack_names: Vec<String>,
    /// Of each accelerator, the speed of each stack's attention over the law's.
    pub attention_ratios: Vec<Vec<f64>>,
    /// How the cluster is run: the catalogue's constants, or the specification's own.
    pub operations: Operations,
    /// The engines on the engine axis; empty in training.
    pub engines: Vec<ServingEngine>,
    recomputes: Vec<Recompute>,
    attention_kernels: Vec<AttentionKernel>,
    exchanges: Vec<ContextExchange>,
    optimizers: Vec<Optimizer>,
    schedules: Vec<Schedule>,
    recompute_modules: Vec<Subset>,
    training_modes: Vec<Mode>,
    lora_modules: Vec<Subset>,
    gradients: Vec<GradientPrecision>,
    offloads: Vec<Subset>,
    modes: Vec<ServingMode>,
    quantised: Vec<Quantised>,
    speculations: Vec<Speculation>,
    allocators: Vec<KvAllocator>,
    /// The models on the draft-model axis; `None` for none.
    drafts: Vec<Option<ModelEntry>>,
    /// Positions of the prefill pools' accelerators; `None` for that of the decode pool.
    prefill_accelerators: Vec<Option<usize>>,
    /// The same of their precisions.
    prefill_precisions: Vec<Option<usize>>,
    /// Of each accelerator, engine, precision that it computes in, and cache format.
    laws: Vec<Vec<Vec<Option<Vec<ResolvedLaws>>>>>,
    /// Of each accelerator, with the kernels of each engine on the engine axis.
    collectives: Vec<Vec<CollectiveModel>>,
    prices: BTreeMap<String, f64>,
    /// What decides on the number of replicas.
    pub search: Search,
    /// Of each model, stack or engine, and serving mode.
    spreads: Vec<Vec<Vec<Spread>>>,
    numbers: [Vec<f64>; AXES.len()],
}

/// An accelerator as one cell of the plan sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolvedDevice {
    /// Hardware with its what-if factors, and what times it.
    pub device: Device,
    /// How its efficiencies are known.
    pub provenance: Provenance,
}

impl Context {
    /// Resolves a specification's names. The catalogue must hold its inline tables already.
    pub fn compile(spec: &Spec, catalog: &Catalog) -> Result<Self, CompileError> {
        let plan = Plan::new(spec.phase, &spec.axes);
        let names = |axis| plan.axis(axis).map(PlanAxis::names).unwrap_or_default();
        let models = entries(&names(axis::MODEL), "model", |id| catalog.model(id))?;
        let (accelerator_names, prefill_accelerators) =
            with_pool(names(axis::ACCELERATOR), &names(axis::PREFILL_ACCELERATOR));
        let accelerators = entries(&accelerator_names, "accelerator", |id| catalog.accelerator(id))?;
        let networks = networks(catalog, &names(axis::NETWORK))?;
        let systems = catalog.systems();
        let incomplete = |what: &str| {
            CompileError(format!(
                "the catalogue has no constants of {what}: a folder like the shipped one must come first"
            ))
        };
        let serving = systems.serving.ok_or_else(|| incomplete("serving (systems/serving.toml)"))?;
        let named_engines = named_engines(catalog, &names(axis::ENGINE))?;
        if !catalog.efficiencies().is_complete() {
            return Err(incomplete("kernels (efficiency/default.toml)"));
        }
        let general = systems.collectives.ok_or_else(|| incomplete("collectives (systems/collectives.toml)"))?;
        let engine_kernels: Vec<&str> = match spec.phase {
            Phase::Inference => named_engines.iter().map(|engine| engine.kernels).collect(),
            Phase::Training => vec![ANY_ENGINE],
        };
        let collectives = accelerators
            .iter()
            .map(|entry| {
                let model = catalog.efficiencies().collectives(&entry.architecture, general);
                engine_kernels.iter().map(|engine| fitted(&model, catalog.kernels(), entry, engine)).collect()
            })
            .collect();
        let defaults = systems.training.ok_or_else(|| incomplete("training (systems/training.toml)"))?;
        let named = named_stacks(catalog, &names(axis::STACK))?;
        let attention_ratios = accelerators.iter().map(|entry| attention_ratios(&named, entry)).collect();
        let (precision_names, prefill_precisions) = with_pool(names(axis::PRECISION), &names(axis::PREFILL_PRECISION));
        let precisions: Vec<&'static Precision> =
            precision_names.iter().filter_map(|name| Precision::by_name(name)).collect();
        let kv_precisions: Vec<&'static KvPrecision> =
            names(axis::KV_PRECISION).iter().filter_map(|name| KvPrecision::by_name(name)).collect();
        let laws = accelerators
            .iter()
            .map(|entry| {
                let of_engine =
                    |engine: &&str| laws_of(catalog, entry, engine, &precisions, &kv_precisions, spec.phase);
                engine_kernels.iter().map(of_engine).collect()
            })
            .collect();
        let modes = choices(&names(axis::MODE), &ServingMode::ALL);
        let software: Vec<Option<&str>> = match spec.phase {
            Phase::Inference => named_engines.iter().map(|engine| Some(engine.id.as_str())).collect(),
            Phase::Training => named.iter().map(|stack| stack.map(|stack| stack.id.as_str())).collect(),
        };
        let spreads = spreads(&systems.intervals, spec.phase, &models, &software, &modes);
        Ok(Self {
            models,
            precisions,
            kv_precisions,
            accelerators,
            networks,
            stacks: stack_systems(&named, &defaults),
            stack_names: stack_names(&named),
            attention_ratios,
            operations: systems
                .operations
                .map(|operations| overridden(operations, &OPERATIONS, &spec.operations))
                .ok_or_else(|| incomplete("operations (systems/operations.toml)"))?,
            engines: named_engines.iter().map(|engine| engine.system(&serving)).collect(),
            recomputes: choices(&names(axis::RECOMPUTE), &Recompute::ALL),
            attention_kernels: choices(&names(axis::ATTENTION_KERNEL), &AttentionKernel::ALL),
            exchanges: choices(&names(axis::CONTEXT_EXCHANGE), &ContextExchange::ALL),
            optimizers: choices(&names(axis::OPTIMIZER), &Optimizer::ALL),
            modes,
            allocators: choices(&names(axis::KV_ALLOCATOR), &KvAllocator::ALL),
            speculations: choices(&names(axis::SPECULATION), &Speculation::ALL),
            drafts: models_of(catalog, &names(axis::DRAFT_MODEL))?,
            prefill_accelerators,
            prefill_precisions,
            schedules: choices(&names(axis::SCHEDULE), &Schedule::ALL),
            recompute_modules: subsets(&names(axis::RECOMPUTE_MODULES), &Module::NAMES),
            training_modes: choices(&names(axis::TRAINING_MODE), &Mode::ALL),
            lora_modules: subsets(&names(axis::LORA_MODULES), &Target::NAMES),
            quantised: choices(&names(axis::QUANTISED), &Quantised::ALL),
            gradients: choices(&names(axis::GRADIENT), &GradientPrecision::ALL),
            offloads: subsets(&names(axis::OFFLOAD), &Offload::NAMES),
            laws,
            collectives,
            prices: spec.prices.clone(),
            search: spec.search,
            spreads,
            numbers: plan.numbers(),
            plan,
        })
    }

    /// The values of an axis as numbers.
    #[must_use]
    pub fn numbers(&self, axis: usize) -> &[f64] {
        &self.numbers[axis]
    }

    /// The schedules on the schedule axis; none in inference.
    #[must_use]
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// The number that a point has on an axis.
    #[must_use]
    pub fn number(&self, point: &Point, axis: usize) -> f64 {
        self.numbers[axis][point.index(axis)]
    }

    /// The whole number that a point has on an axis.
    #[must_use]
    pub fn count(&self, point: &Point, axis: usize) -> u32 {
        self.number(point, axis) as u32
    }

    /// Whether a point has true on an axis.
    #[must_use]
    pub fn flag(&self, point: &Point, axis: usize) -> bool {
        self.number(point, axis) > 0.0
    }

    /// The model of a point.
    #[must_use]
    pub fn model(&self, point: &Point) -> &ModelEntry {
        &self.models[point.index(axis::MODEL)]
    }

    /// The precision of a point.
    #[must_use]
    pub fn precision(&self, point: &Point) -> &'static Precision {
        self.precisions[point.index(axis::PRECISION)]
    }

    /// The cache's format of a point of inference.
    #[must_use]
    pub fn kv_precision(&self, point: &Point) -> &'static KvPrecision {
        self.kv_precisions[point.index(axis::KV_PRECISION)]
    }

    /// Which matrices of a point of inference are quantised.
    #[must_use]
    pub fn quantised(&self, point: &Point) -> Quantised {
        self.quantised[point.index(axis::QUANTISED)]
    }

    /// What a point recomputes.
    #[must_use]
    pub fn recompute(&self, point: &Point) -> Recompute {
        self.recomputes[point.index(axis::RECOMPUTE)]
    }

    /// The modules that a point recomputes where it does so selectively.
    #[must_use]
    pub fn recompute_modules(&self, point: &Point) -> Subset {
        self.recompute_modules[point.index(axis::RECOMPUTE_MODULES)]
    }

    /// What a point trains.
    #[must_use]
    pub fn training_mode(&self, point: &Point) -> Mode {
        self.training_modes[point.index(axis::TRAINING_MODE)]
    }

    /// The matrices that have adapters at a point.
    #[must_use]
    pub fn lora_modules(&self, point: &Point) -> Subset {
        self.lora_modules[point.index(axis::LORA_MODULES)]
    }

    /// The format of a point's sum of gradients.
    #[must_use]
    pub fn gradient(&self, point: &Point) -> GradientPrecision {
        self.gradients[point.index(axis::GRADIENT)]
    }

    /// What lives in the host's memory at a point.
    #[must_use]
    pub fn offload(&self, point: &Point) -> Subset {
        self.offloads[point.index(axis::OFFLOAD)]
    }

    /// How a point computes attention.
    #[must_use]
    pub fn attention_kernel(&self, point: &Point) -> AttentionKernel {
        self.attention_kernels[point.index(axis::ATTENTION_KERNEL)]
    }

    /// What a point's context-parallel ranks send each other.
    #[must_use]
    pub fn context_exchange(&self, point: &Point) -> ContextExchange {
        self.exchanges[point.index(axis::CONTEXT_EXCHANGE)]
    }

    /// The optimizer of a point.
    #[must_use]
    pub fn optimizer(&self, point: &Point) -> Optimizer {
        self.optimizers[point.index(axis::OPTIMIZER)]
    }

    /// The pipeline schedule of a point.
    #[must_use]
    pub fn schedule(&self, point: &Point) -> Schedule {
        self.schedules[point.index(axis::SCHEDULE)]
    }

    /// The serving mode of a point.
    #[must_use]
    pub fn mode(&self, point: &Point) -> ServingMode {
        self.modes[point.index(axis::MODE)]
    }

    /// How the engine of a point sets room for the cache aside.
    #[must_use]
    pub fn allocator(&self, point: &Point) -> KvAllocator {
        self.allocators[point.index(axis::KV_ALLOCATOR)]
    }

    /// What guesses tokens at a point, and the draft model that it names.
    #[must_use]
    pub fn speculation(&self, point: &Point) -> (Speculation, Option<&ModelEntry>) {
        (self.speculations[point.index(axis::SPECULATION)], self.drafts[point.index(axis::DRAFT_MODEL)].as_ref())
    }

    /// The engine of a point.
    #[must_use]
    pub fn engine(&self, point: &Point) -> &ServingEngine {
        &self.engines[point.index(axis::ENGINE)]
    }

    /// The training stack of a point.
    #[must_use]
    pub fn stack(&self, point: &Point) -> &TrainingSystem {
        &self.stacks[point.index(axis::STACK)]
    }

    /// How far measurements lie from the predictions of a point.
    #[must_use]
    pub fn spread(&self, point: &Point) -> Spread {
        let (software, mode) = match self.plan.phase {
            Phase::Training => (point.index(axis::STACK), 0),
            Phase::Inference => (point.index(axis::ENGINE), point.index(axis::MODE)),
        };
        self.spreads[point.index(axis::MODEL)][software][mode]
    }

    /// The accelerator of a point with its network, price and what-if factors.
    #[must_use]
    pub fn accelerator(&self, point: &Point) -> Accelerator {
        self.accelerator_of(point, point.index(axis::ACCELERATOR))
    }

    /// The same of the accelerator at a position.
    #[must_use]
    pub fn accelerator_of(&self, point: &Point, position: usize) -> Accelerator {
        let entry = &self.accelerators[position];
        let base = match &self.networks[point.index(axis::NETWORK)] {
            Some(network) => entry.with_network(network, self.number(point, axis::NICS)),
            None => entry.accelerator,
        };
        let own_price = self.prices.get(&entry.id).map(|usd_per_hour| UsdPerSec(usd_per_hour / HOUR));
        let scale = |axis| self.number(point, axis);
        let accumulation = match self.plan.phase {
            Phase::Inference if self.engine(point).half_accumulation > 0.0 => entry.half_accumulation,
            _ => 1.0,
        };
        let pods = Pods {
            devices: self.count(point, axis::POD_DEVICES),
            oversubscription: self.number(point, axis::OVERSUBSCRIPTION),
        };
        Accelerator {
            peaks: base.peaks.scaled(scale(axis::PEAK_SCALE) * accumulation),
            memory: base.memory * scale(axis::MEMORY_SCALE),
            memory_bandwidth: base.memory_bandwidth * scale(axis::BANDWIDTH_SCALE),
            fabric: base.fabric.scaled(scale(axis::SCALE_UP_SCALE), scale(axis::NETWORK_SCALE)).with_pods(pods),
            rental: own_price.or(base.rental),
            ..base
        }
    }

    /// What-if factors of a point on what its devices cost and draw.
    #[must_use]
    pub fn factors(&self, point: &Point) -> Factors {
        Factors { price: self.number(point, axis::PRICE_SCALE), power: self.number(point, axis::POWER_SCALE) }
    }

    /// Everything that times the accelerator of a point.
    pub fn device(&self, point: &Point) -> Result<ResolvedDevice, Reject> {
        self.device_of(point, point.index(axis::ACCELERATOR), point.index(axis::PRECISION))
    }

    /// Positions of the accelerator and the precision of a point's prefill pool.
    #[must_use]
    pub fn prefill_pool(&self, point: &Point) -> (usize, usize) {
        let accelerator = self.prefill_accelerators[point.index(axis::PREFILL_ACCELERATOR)];
        let precision = self.prefill_precisions[point.index(axis::PREFILL_PRECISION)];
        (
            accelerator.unwrap_or_else(|| point.index(axis::ACCELERATOR)),
            precision.unwrap_or_else(|| point.index(axis::PRECISION)),
        )
    }

    /// The same of the accelerator and the precision at these positions.
    pub fn device_of(
        &self,
        point: &Point,
        accelerator_position: usize,
        precision_position: usize,
    ) -> Result<ResolvedDevice, Reject> {
        let accelerator = self.accelerator_of(point, accelerator_position);
        let precision = self.precisions[precision_position];
        let phase = self.plan.phase;
        let engine = if phase == Phase::Inference { point.index(axis::ENGINE) } else { 0 };
        let mut collectives = self.collectives[accelerator_position][engine];
        let cache = if phase == Phase::Inference { point.index(axis::KV_PRECISION) } else { 0 };
        let laws = &self.laws[accelerator_position][engine][precision_position];
        let resolved = laws.as_ref().map(|caches| caches[cache]).ok_or(Reject::PrecisionUnsupported)?;
        let cache_format = if phase == Phase::Inference { self.kv_precision(point).name } else { SIXTEEN_BITS };
        let mut kernels =
            kernels(&resolved, &accelerator, precision, cache_format).ok_or(Reject::PrecisionUnsupported)?;
        if phase == Phase::Inference {
            if self.engine(point).library_all_reduce > 0.0 {
                collectives.own = None;
            }
            with_engine(&mut kernels, self.engine(point), &accelerator, self.kv_precision(point));
        } else {
            kernels.attention_ratio = self.attention_ratios[accelerator_position][point.index(axis::STACK)];
        }
        Ok(ResolvedDevice { device: Device { accelerator, kernels, collectives }, provenance: resolved.provenance })
    }

    /// The names that the label column of an axis decodes to; empty where the axis has none.
    #[must_use]
    pub fn axis_names(&self, position: usize) -> Vec<String> {
        self.plan.axis(position).map(PlanAxis::names).unwrap_or_default()
    }

    /// The value of a point on every axis, as text.
    #[must_use]
    pub fn values(&self, point: &Point) -> Vec<(&'static str, AxisValue)> {
        let axes = self.plan.axes.iter();
        axes.map(|axis| (axis.axis.name, axis.values[point.index(axis.position)].clone())).collect()
    }
}
