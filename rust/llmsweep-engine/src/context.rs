//! A sweep with its names resolved: the plan, and the catalogue objects that its values stand for.
use std::collections::BTreeMap;

use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::economics::HOUR;
use llmsweep_model::hardware::{Accelerator, Pods};
use llmsweep_model::kernel::KernelModel;
use llmsweep_model::law::Chip;
use llmsweep_model::memory::activations::Recompute;
use llmsweep_model::memory::state::Optimizer;
use llmsweep_model::parallel::context::ContextExchange;
use llmsweep_model::phase::Device;
use llmsweep_model::phase::inference::ServingMode;
use llmsweep_model::precision::{KvPrecision, Precision};
use llmsweep_model::quantity::UsdPerSec;
use llmsweep_model::reject::Reject;
use llmsweep_model::system::{ServingEngine, TrainingSystem};
use llmsweep_model::work::attention::AttentionKernel;

use crate::axes::{AXES, ENGINE_NAMES, Phase};
use crate::catalog::collectives::fitted;
use crate::catalog::kernels::ANY_ENGINE;
use crate::catalog::kernels::chip;
use crate::catalog::{AcceleratorEntry, Catalog, ModelEntry, NetworkEntry, Provenance, ResolvedLaws};
use crate::plan::{Plan, PlanAxis, Point, position};
use crate::spec::{AxisValue, Spec};

/// Registry positions of the axes that evaluation reads.
pub mod axis {
    use super::position;

    macro_rules! positions {
        ($($constant:ident = $name:literal;)*) => {$(
            #[doc = concat!("Position of `", $name, "`.")]
            pub const $constant: usize = position($name);
        )*};
    }

    positions! {
        MODEL = "model";
        PRECISION = "precision";
        KV_PRECISION = "kv_precision";
        TENSOR = "tensor_parallel";
        EXPERT = "expert_parallel";
        EXPERT_TENSOR = "expert_tensor_parallel";
        CONTEXT = "context_parallel";
        SEQUENCE_PARALLEL = "sequence_parallel";
        SEQUENCE_LENGTH = "sequence_length";
        MICRO_BATCH = "micro_batch";
        RECOMPUTE = "recompute";
        PREDICTION = "multi_token_prediction";
        ATTENTION_KERNEL = "attention_kernel";
        CONTEXT_EXCHANGE = "context_exchange";
        EXPERT_IMBALANCE = "expert_imbalance";
        ACCELERATOR = "accelerator";
        NETWORK = "network";
        NICS = "nics_per_device";
        POD_DEVICES = "pod_devices";
        OVERSUBSCRIPTION = "oversubscription";
        ENGINE = "engine";
        PEAK_SCALE = "peak_flops_scale";
        BANDWIDTH_SCALE = "hbm_bandwidth_scale";
        MEMORY_SCALE = "memory_scale";
        SCALE_UP_SCALE = "scale_up_bandwidth_scale";
        NETWORK_SCALE = "network_bandwidth_scale";
        PRICE_SCALE = "price_scale";
        PIPELINE = "pipeline_parallel";
        VIRTUAL = "virtual_pipeline";
        DEVICES = "devices";
        GLOBAL_BATCH = "global_batch";
        ZERO = "zero_stage";
        REPLICATE = "data_parallel_replicate";
        OPTIMIZER = "optimizer";
        TOKENS = "tokens";
        DATA = "data_parallel";
        MODE = "serving_mode";
        CONCURRENCY = "concurrency";
        INPUT = "input_tokens";
        OUTPUT = "output_tokens";
    }
}

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
    /// The precisions on the precision axis.
    pub precisions: Vec<&'static Precision>,
    /// The formats on the cache axis; empty in training.
    pub kv_precisions: Vec<&'static KvPrecision>,
    /// The accelerators on the accelerator axis.
    pub accelerators: Vec<AcceleratorEntry>,
    /// The networks on the network axis; `None` for the accelerator's usual one.
    pub networks: Vec<Option<NetworkEntry>>,
    /// Constants of training.
    pub training: TrainingSystem,
    /// The engines on the engine axis; empty in training.
    pub engines: Vec<ServingEngine>,
    recomputes: Vec<Recompute>,
    attention_kernels: Vec<AttentionKernel>,
    exchanges: Vec<ContextExchange>,
    optimizers: Vec<Optimizer>,
    modes: Vec<ServingMode>,
    /// Of each accelerator, engine, precision that it computes in, and cache format.
    laws: Vec<Vec<Vec<Option<Vec<ResolvedLaws>>>>>,
    /// Of each accelerator, with the kernels of each engine on the engine axis.
    collectives: Vec<Vec<CollectiveModel>>,
    prices: BTreeMap<String, f64>,
    numbers: Vec<Vec<f64>>,
}

/// An accelerator as one cell of the plan sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolvedDevice {
    /// Hardware with its what-if factors, and what times it.
    pub device: Device,
    /// How its efficiencies are known.
    pub provenance: Provenance,
}

fn choices<T: Copy>(names: &[String], all: &[(&str, T)]) -> Vec<T> {
    names.iter().filter_map(|name| all.iter().find(|(known, _)| known == name)).map(|(_, value)| *value).collect()
}

/// The format of caches where there is none: attention of training is in 16 bits.
const SIXTEEN_BITS: &str = "bf16";

/// The laws of an accelerator with an engine's kernels: for each precision that it computes in, one for each cache format.
fn laws_of(
    catalog: &Catalog,
    entry: &AcceleratorEntry,
    engine: &str,
    precisions: &[&'static Precision],
    caches: &[&'static KvPrecision],
    phase: Phase,
) -> Vec<Option<Vec<ResolvedLaws>>> {
    let sixteen_bits = KvPrecision::by_name(SIXTEEN_BITS);
    let caches: Vec<&KvPrecision> =
        if phase == Phase::Inference { caches.to_vec() } else { sixteen_bits.into_iter().collect() };
    let of_precision = |precision: &&'static Precision| {
        entry.accelerator.peaks.of(precision)?;
        caches.iter().map(|cache| catalog.laws(entry, precision, cache, engine, phase)).collect()
    };
    precisions.iter().map(of_precision).collect()
}

/// Laws with the hardware that they may know; `None` where the chip lacks the precision.
fn kernels(
    resolved: &ResolvedLaws,
    accelerator: &Accelerator,
    precision: &Precision,
    cache_format: &str,
) -> Option<KernelModel> {
    let plain = if precision.unquantised_bits > 16.0 { precision.name } else { SIXTEEN_BITS };
    let of_format = |format: &str| chip(accelerator, format);
    let (own, plain, cache) =
        (of_format(precision.name)?, of_format(plain).or_else(|| of_format(precision.name))?, of_format(cache_format)?);
    let sustained = |chip: Chip| Chip {
        peak: chip.peak * resolved.sustained_clock,
        plain_peak: chip.plain_peak * resolved.sustained_clock,
        ..chip
    };
    Some(KernelModel {
        laws: resolved.laws,
        chip: sustained(own),
        plain_chip: sustained(plain),
        cache_chip: sustained(cache),
        start: resolved.laws.elementwise.launch,
        peak: own.peak,
        plain_peak: plain.peak,
        bandwidth: own.bandwidth,
    })
}

impl Context {
    /// Resolves a specification's names. The catalogue must hold its inline tables already.
    pub fn compile(spec: &Spec, catalog: &Catalog) -> Result<Self, CompileError> {
        let plan = Plan::new(spec.phase, &spec.axes);
        let names = |axis: usize| plan.axis(axis).map(PlanAxis::names).unwrap_or_default();
        let missing = |kind: &str, id: &str| CompileError(format!("the catalogue has no {kind} \"{id}\""));
        let models = names(axis::MODEL)
            .iter()
            .map(|id| catalog.model(id).cloned().ok_or_else(|| missing("model", id)))
            .collect::<Result<_, _>>()?;
        let accelerators: Vec<AcceleratorEntry> = names(axis::ACCELERATOR)
            .iter()
            .map(|id| catalog.accelerator(id).cloned().ok_or_else(|| missing("accelerator", id)))
            .collect::<Result<_, _>>()?;
        let networks = names(axis::NETWORK)
            .iter()
            .map(|id| match id.as_str() {
                "default" => Ok(None),
                id => catalog.network(id).cloned().map(Some).ok_or_else(|| missing("network", id)),
            })
            .collect::<Result<_, _>>()?;
        let systems = catalog.systems();
        let incomplete = |what: &str| {
            CompileError(format!(
                "the catalogue has no constants of {what}: a folder like the shipped one must come first"
            ))
        };
        let all_engines = systems.engines.as_ref().ok_or_else(|| incomplete("serving (systems/serving.toml)"))?;
        let engines = names(axis::ENGINE)
            .iter()
            .filter_map(|name| ENGINE_NAMES.iter().position(|known| known == name))
            .map(|index| all_engines[index])
            .collect();
        if !catalog.efficiencies().is_complete() {
            return Err(incomplete("kernels (efficiency/default.toml)"));
        }
        let general = systems.collectives.ok_or_else(|| incomplete("collectives (systems/collectives.toml)"))?;
        let engine_names =
            if spec.phase == Phase::Inference { names(axis::ENGINE) } else { vec![ANY_ENGINE.to_owned()] };
        let collectives = accelerators
            .iter()
            .map(|entry| {
                let model = catalog.efficiencies().collectives(&entry.architecture, general);
                engine_names.iter().map(|engine| fitted(&model, catalog.kernels(), entry, engine)).collect()
            })
            .collect();
        let precisions: Vec<&'static Precision> =
            names(axis::PRECISION).iter().filter_map(|name| Precision::by_name(name)).collect();
        let kv_precisions: Vec<&'static KvPrecision> =
            names(axis::KV_PRECISION).iter().filter_map(|name| KvPrecision::by_name(name)).collect();
        let laws = accelerators
            .iter()
            .map(|entry| {
                let of_engine =
                    |engine: &String| laws_of(catalog, entry, engine, &precisions, &kv_precisions, spec.phase);
                engine_names.iter().map(of_engine).collect()
            })
            .collect();
        let mut numbers = vec![Vec::new(); AXES.len()];
        for plan_axis in &plan.axes {
            numbers[plan_axis.position].clone_from(&plan_axis.numbers);
        }
        Ok(Self {
            models,
            precisions,
            kv_precisions,
            accelerators,
            networks,
            training: systems.training.ok_or_else(|| incomplete("training (systems/training.toml)"))?,
            engines,
            recomputes: choices(&names(axis::RECOMPUTE), &Recompute::ALL),
            attention_kernels: choices(&names(axis::ATTENTION_KERNEL), &AttentionKernel::ALL),
            exchanges: choices(&names(axis::CONTEXT_EXCHANGE), &ContextExchange::ALL),
            optimizers: choices(&names(axis::OPTIMIZER), &Optimizer::ALL),
            modes: choices(&names(axis::MODE), &ServingMode::ALL),
            laws,
            collectives,
            prices: spec.prices.clone(),
            numbers,
            plan,
        })
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

    /// What a point recomputes.
    #[must_use]
    pub fn recompute(&self, point: &Point) -> Recompute {
        self.recomputes[point.index(axis::RECOMPUTE)]
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

    /// The serving mode of a point.
    #[must_use]
    pub fn mode(&self, point: &Point) -> ServingMode {
        self.modes[point.index(axis::MODE)]
    }

    /// The engine of a point.
    #[must_use]
    pub fn engine(&self, point: &Point) -> &ServingEngine {
        &self.engines[point.index(axis::ENGINE)]
    }

    /// The accelerator of a point with its network, price and what-if factors.
    #[must_use]
    pub fn accelerator(&self, point: &Point) -> Accelerator {
        let entry = &self.accelerators[point.index(axis::ACCELERATOR)];
        let base = match &self.networks[point.index(axis::NETWORK)] {
            Some(network) => entry.with_network(network, self.number(point, axis::NICS)),
            None => entry.accelerator,
        };
        let own_price = self.prices.get(&entry.id).map(|usd_per_hour| UsdPerSec(usd_per_hour / HOUR));
        let scale = |axis| self.number(point, axis);
        let pods = Pods {
            devices: self.count(point, axis::POD_DEVICES),
            oversubscription: self.number(point, axis::OVERSUBSCRIPTION),
        };
        Accelerator {
            peaks: base.peaks.scaled(scale(axis::PEAK_SCALE)),
            memory: base.memory * scale(axis::MEMORY_SCALE),
            memory_bandwidth: base.memory_bandwidth * scale(axis::BANDWIDTH_SCALE),
            fabric: base.fabric.scaled(scale(axis::SCALE_UP_SCALE), scale(axis::NETWORK_SCALE)).with_pods(pods),
            rental: own_price.or(base.rental),
            ..base
        }
    }

    /// Everything that times the accelerator of a point.
    pub fn device(&self, point: &Point) -> Result<ResolvedDevice, Reject> {
        let accelerator = self.accelerator(point);
        let precision = self.precision(point);
        let phase = self.plan.phase;
        let engine = if phase == Phase::Inference { point.index(axis::ENGINE) } else { 0 };
        let collectives = self.collectives[point.index(axis::ACCELERATOR)][engine];
        let cache = if phase == Phase::Inference { point.index(axis::KV_PRECISION) } else { 0 };
        let laws = &self.laws[point.index(axis::ACCELERATOR)][engine][point.index(axis::PRECISION)];
        let resolved = laws.as_ref().map(|caches| caches[cache]).ok_or(Reject::PrecisionUnsupported)?;
        let cache_format = if phase == Phase::Inference { self.kv_precision(point).name } else { SIXTEEN_BITS };
        let mut kernels =
            kernels(&resolved, &accelerator, precision, cache_format).ok_or(Reject::PrecisionUnsupported)?;
        if phase == Phase::Inference {
            kernels.start = self.engine(point).kernel_start;
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
