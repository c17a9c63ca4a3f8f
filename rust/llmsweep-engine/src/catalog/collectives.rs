//! Collectives: the laws of `systems/collectives.toml`, and those fitted to one accelerator in their place.
use llmsweep_model::collective::{CollectiveModel, ExchangeKernels, Exchanges, Library, Network};
use llmsweep_model::hardware::LinkKind;
use llmsweep_model::law::{
    AllGatherLaw, AllToAllLaw, CombineLaw, DispatchLaw, EngineAllReduceLaw, Law, ReduceScatterLaw, RingLaw,
};

use super::accelerator::AcceleratorEntry;
use super::fields::Fields;
use super::kernels::{DEEPEP, DEEPEP_LOW_LATENCY, Kernels, coefficients_of};
use super::systems::{positive, seconds, section};
use crate::node::{DocumentError, Node};

/// Tables of `collectives.toml`.
pub const COLLECTIVES_KEYS: [&str; 7] =
    ["switched", "pcie", "host", "direct", "between_nodes", "engine_all_reduce", "exchange"];

/// Keys of `[switched]`, `[pcie]` and `[host]`: a table for each collective.
pub const LIBRARY_KEYS: [&str; 5] = ["all_reduce", "all_gather", "reduce_scatter", "all_to_all", "source"];

/// Keys of `[direct]`.
pub const DIRECT_KEYS: [&str; 5] =
    ["mesh_efficiency", "point_latency_s", "point_switched_efficiency", "point_pcie_efficiency", "source"];

/// Keys of `[between_nodes]`.
pub const BETWEEN_NODES_KEYS: [&str; 7] =
    ["base_s", "inner_step_s", "step_s", "efficiency", "inner_share", "all_to_all_efficiency", "source"];

/// Keys of `[exchange]`: kernels of two sorts.
pub const EXCHANGE_KEYS: [&str; 2] = ["low_latency", "bulk"];

/// Keys of `[exchange.…]`: a table for each direction.
pub const EXCHANGE_KERNELS_KEYS: [&str; 3] = ["dispatch", "combine", "source"];

/// Software whose collectives every engine and training stack uses.
const LIBRARY: &str = "nccl";

/// The precision under which collectives stand: bytes are bytes.
const PRECISION: &str = "bf16";

/// Reads the file.
pub(super) fn collectives(node: &Node) -> Result<CollectiveModel, DocumentError> {
    let fields = Fields::new(node, "the table of constants of collectives", &COLLECTIVES_KEYS)?;
    let direct = section(&fields, "direct", &DIRECT_KEYS)?;
    let between = section(&fields, "between_nodes", &BETWEEN_NODES_KEYS)?;
    let own = if fields.has("engine_all_reduce") { Some(law(&fields, "engine_all_reduce")?) } else { None };
    let exchanges = match fields.table("exchange", &EXCHANGE_KEYS)? {
        Some(table) => {
            Some(Exchanges { low_latency: exchange(&table, "low_latency")?, bulk: exchange(&table, "bulk")? })
        }
        None => None,
    };
    let mesh_efficiency = positive(&direct, "mesh_efficiency")?;
    Ok(CollectiveModel {
        switched: library(&fields, "switched")?,
        pcie: library(&fields, "pcie")?,
        host: library(&fields, "host")?,
        mesh_efficiency,
        point_latency: seconds(&direct, "point_latency_s")?,
        point_efficiency: [
            positive(&direct, "point_switched_efficiency")?,
            mesh_efficiency,
            positive(&direct, "point_pcie_efficiency")?,
        ],
        network: Network {
            base: seconds(&between, "base_s")?,
            inner_step: seconds(&between, "inner_step_s")?,
            step: seconds(&between, "step_s")?,
            efficiency: positive(&between, "efficiency")?,
            inner_share: positive(&between, "inner_share")?,
            all_to_all_efficiency: positive(&between, "all_to_all_efficiency")?,
        },
        own,
        exchanges,
    })
}

fn library(fields: &Fields, key: &str) -> Result<Library, DocumentError> {
    let table = section(fields, key, &LIBRARY_KEYS)?;
    Ok(Library {
        all_reduce: law(&table, "all_reduce")?,
        all_gather: law::<AllGatherLaw>(&table, "all_gather")?.0,
        reduce_scatter: law::<ReduceScatterLaw>(&table, "reduce_scatter")?.0,
        all_to_all: law::<AllToAllLaw>(&table, "all_to_all")?.0,
    })
}

fn exchange(fields: &Fields, key: &str) -> Result<ExchangeKernels, DocumentError> {
    let table = section(fields, key, &EXCHANGE_KERNELS_KEYS)?;
    Ok(ExchangeKernels {
        dispatch: law::<DispatchLaw>(&table, "dispatch")?.0,
        combine: law::<CombineLaw>(&table, "combine")?.0,
    })
}

/// A law whose table has a key for each coefficient, and its source.
fn law<L: Law>(fields: &Fields, key: &str) -> Result<L, DocumentError> {
    let names = L::COEFFICIENTS.iter().map(|coefficient| coefficient.name);
    let allowed: Vec<&str> = names.chain(["source"]).collect();
    let table = section(fields, key, &allowed)?;
    Ok(L::of(&coefficients_of(&table, L::COEFFICIENTS)?))
}

/// The laws fitted to an accelerator, in place of the general ones; of an engine's kernels those of `engine`.
pub(crate) fn fitted(
    general: &CollectiveModel,
    kernels: &Kernels,
    entry: &AcceleratorEntry,
    engine: &str,
) -> CollectiveModel {
    let mut model = *general;
    let library = match entry.accelerator.fabric.tiers()[0].kind {
        LinkKind::Switched => &mut model.switched,
        LinkKind::Pcie => &mut model.pcie,
        LinkKind::HostPcie => &mut model.host,
        LinkKind::Mesh | LinkKind::Network => return model,
    };
    let id = entry.id.as_str();
    take(&mut library.all_reduce, kernels, id, LIBRARY);
    take_ring::<AllGatherLaw>(&mut library.all_gather, |law| law.0, kernels, id);
    take_ring::<ReduceScatterLaw>(&mut library.reduce_scatter, |law| law.0, kernels, id);
    take_ring::<AllToAllLaw>(&mut library.all_to_all, |law| law.0, kernels, id);
    if let Some(law) = kernels.law(id, EngineAllReduceLaw::FAMILY, PRECISION, engine) {
        model.own = Some(EngineAllReduceLaw::of(&law.coefficients));
    }
    if let Some(exchanges) = &mut model.exchanges {
        for (pair, software) in [(&mut exchanges.low_latency, DEEPEP_LOW_LATENCY), (&mut exchanges.bulk, DEEPEP)] {
            if let Some(law) = exact(kernels, id, DispatchLaw::FAMILY, software) {
                pair.dispatch = DispatchLaw::of(law).0;
            }
            if let Some(law) = exact(kernels, id, CombineLaw::FAMILY, software) {
                pair.combine = CombineLaw::of(law).0;
            }
        }
    }
    model
}

fn take<L: Law>(slot: &mut L, kernels: &Kernels, accelerator: &str, software: &str) {
    if let Some(coefficients) = exact(kernels, accelerator, L::FAMILY, software) {
        *slot = L::of(coefficients);
    }
}

fn take_ring<L: Law>(slot: &mut RingLaw, ring: impl Fn(L) -> RingLaw, kernels: &Kernels, accelerator: &str) {
    if let Some(coefficients) = exact(kernels, accelerator, L::FAMILY, LIBRARY) {
        *slot = ring(L::of(coefficients));
    }
}

/// The law of this software and no other.
fn exact<'a>(kernels: &'a Kernels, accelerator: &str, family: &str, software: &str) -> Option<&'a [f64]> {
    let mut laws = kernels.of(accelerator, family);
    laws.find(|(key, _)| key.engine == software && key.precision == PRECISION).map(|(_, law)| &law.coefficients[..])
}
