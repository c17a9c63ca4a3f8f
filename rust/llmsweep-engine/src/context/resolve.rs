//! From the names of a specification to what they stand for.
use llmsweep_model::hardware::Accelerator;
use llmsweep_model::kernel::KernelModel;
use llmsweep_model::law::Chip;
use llmsweep_model::phase::inference::ServingMode;
use llmsweep_model::precision::{ComputeFormat, KvPrecision, Precision};
use llmsweep_model::subset::Subset;
use llmsweep_model::system::TrainingSystem;

use super::CompileError;
use crate::axes::{Phase, SAME};
use crate::catalog::intervals::Intervals;
use crate::catalog::kernels::chip;
use crate::catalog::{AcceleratorEntry, Catalog, EngineEntry, ModelEntry, NetworkEntry, ResolvedLaws, StackEntry};
use crate::spread::Spread;

pub(super) fn choices<T: Copy>(names: &[String], all: &[(&str, T)]) -> Vec<T> {
    names.iter().filter_map(|name| all.iter().find(|(known, _)| known == name)).map(|(_, value)| *value).collect()
}

pub(super) fn subsets(names: &[String], all: &[&str]) -> Vec<Subset> {
    names.iter().filter_map(|name| Subset::parse(name, all)).collect()
}

/// A copy of what the catalogue has under a name.
pub(super) fn entry<T: Clone>(id: &str, kind: &str, found: Option<&T>) -> Result<T, CompileError> {
    found.cloned().ok_or_else(|| CompileError(format!("the catalogue has no {kind} \"{id}\"")))
}

/// Copies of what the catalogue has under these names.
pub(super) fn entries<'a, T: Clone + 'a>(
    names: &[String],
    kind: &str,
    find: impl Fn(&str) -> Option<&'a T>,
) -> Result<Vec<T>, CompileError> {
    names.iter().map(|id| entry(id, kind, find(id))).collect()
}

/// The names of an axis followed by those that only the prefill pool's axis has, and where each of the latter stands; `None` for
/// [`SAME`].
pub(super) fn with_pool(mut names: Vec<String>, pool: &[String]) -> (Vec<String>, Vec<Option<usize>>) {
    let positions = pool.iter().map(|name| {
        (name != SAME).then(|| {
            names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.clone());
                names.len() - 1
            })
        })
    });
    let positions = positions.collect();
    (names, positions)
}

/// The format of caches where there is none: attention of training is in 16 bits.
pub(super) const SIXTEEN_BITS: &str = "bf16";
/// 16 bits where the chip lacks bfloat16.
const HALF_PRECISION: &str = "fp16";

/// The laws of an accelerator with an engine's kernels: for each precision that it computes in, one for each cache format.
pub(super) fn laws_of(
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
pub(super) fn kernels(
    resolved: &ResolvedLaws,
    accelerator: &Accelerator,
    precision: &Precision,
    cache_format: &str,
) -> Option<KernelModel> {
    // Volta and Turing have no bfloat16; their 16 bits are those of half precision.
    let sixteen_bits = if accelerator.peaks.get(ComputeFormat::Bf16).is_some() { SIXTEEN_BITS } else { HALF_PRECISION };
    let plain = if precision.unquantised_bits > 16.0 { precision.name } else { sixteen_bits };
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
        attention_ratio: 1.0,
        start: resolved.laws.elementwise.launch,
        peak: own.peak,
        plain_peak: plain.peak,
        bandwidth: own.bandwidth,
    })
}

/// Spreads of each model's predictions with each software in each mode; training has one mode.
pub(super) fn spreads(
    intervals: &Intervals,
    phase: Phase,
    models: &[ModelEntry],
    software: &[Option<&str>],
    modes: &[ServingMode],
) -> Vec<Vec<Vec<Spread>>> {
    let modes = if modes.is_empty() { &[ServingMode::Continuous] } else { modes };
    let of = |experts: bool| {
        let with = |software| modes.iter().map(|&mode| Spread::of(intervals, phase, mode, experts, software)).collect();
        software.iter().copied().map(with).collect()
    };
    models.iter().map(|model| of(model.shape.moe.is_some())).collect()
}

/// The networks of these names; `None` for the accelerator's usual one.
pub(super) fn networks(catalog: &Catalog, names: &[String]) -> Result<Vec<Option<NetworkEntry>>, CompileError> {
    let missing = |id: &str| CompileError(format!("the catalogue has no network \"{id}\""));
    let named = |id: &String| match id.as_str() {
        "default" => Ok(None),
        id => catalog.network(id).cloned().map(Some).ok_or_else(|| missing(id)),
    };
    names.iter().map(named).collect()
}

/// The models of these names; `None` for `none`.
pub(super) fn models_of(catalog: &Catalog, names: &[String]) -> Result<Vec<Option<ModelEntry>>, CompileError> {
    let named = |id: &String| match id.as_str() {
        "none" => Ok(None),
        id => {
            let missing = || CompileError(format!("the catalogue has no model \"{id}\""));
            catalog.model(id).cloned().map(Some).ok_or_else(missing)
        }
    };
    names.iter().map(named).collect()
}

/// The engines of these names.
pub(super) fn named_engines<'a>(catalog: &'a Catalog, names: &[String]) -> Result<Vec<&'a EngineEntry>, CompileError> {
    let missing = |id: &str| CompileError(format!("the catalogue has no engine \"{id}\""));
    names.iter().map(|id| catalog.engine(id).ok_or_else(|| missing(id))).collect()
}

/// The stacks of these names; `None` for the defaults.
pub(super) fn named_stacks<'a>(
    catalog: &'a Catalog,
    names: &[String],
) -> Result<Vec<Option<&'a StackEntry>>, CompileError> {
    let missing = |id: &str| CompileError(format!("the catalogue has no stack \"{id}\""));
    let named = |id: &String| match id.as_str() {
        "default" => Ok(None),
        id => catalog.stack(id).map(Some).ok_or_else(|| missing(id)),
    };
    names.iter().map(named).collect()
}

/// Speed of each stack's attention over the accelerator's law.
pub(super) fn attention_ratios(stacks: &[Option<&StackEntry>], accelerator: &AcceleratorEntry) -> Vec<f64> {
    let ratio = |stack: &StackEntry| stack.attention_ratio.get(&accelerator.architecture).copied();
    stacks.iter().map(|stack| stack.and_then(ratio).unwrap_or(1.0)).collect()
}

/// Constants of the stacks: what they do not say is as in the defaults.
pub(super) fn stack_systems(stacks: &[Option<&StackEntry>], defaults: &TrainingSystem) -> Vec<TrainingSystem> {
    stacks.iter().map(|stack| stack.map_or(*defaults, |stack| stack.system(defaults))).collect()
}

/// Names of the stacks.
pub(super) fn stack_names(stacks: &[Option<&StackEntry>]) -> Vec<String> {
    let name = |stack: Option<&StackEntry>| stack.map_or("physical defaults", |stack| &stack.name).to_owned();
    stacks.iter().copied().map(name).collect()
}
