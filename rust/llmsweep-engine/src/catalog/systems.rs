//! Constants of software: collectives, the training stack, serving engines.
use llmsweep_model::collective::{CollectiveModel, OneShot};
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::system::{ServingEngine, TrainingSystem};

use super::fields::Fields;
use crate::axes::ENGINE_NAMES;
use crate::node::{DocumentError, Node};

/// Constants of software; the folder `systems` must give all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Systems {
    /// Collectives; the latency factor is 1.
    pub collectives: Option<CollectiveModel>,
    /// The training stack.
    pub training: Option<TrainingSystem>,
    /// Serving engines, in the order of [`ENGINE_NAMES`].
    pub engines: Option<Vec<ServingEngine>>,
}

impl Systems {
    /// Takes the file of this name: `collectives`, `training` or `serving`.
    pub(super) fn take(&mut self, name: &str, node: &Node) -> Result<(), DocumentError> {
        match name {
            "collectives" => self.collectives = Some(collectives(node)?),
            "training" => self.training = Some(training(node)?),
            "serving" => self.engines = Some(engines(node)?),
            _ => {
                let message =
                    format!("\"{name}.toml\" has no meaning here; allowed are collectives, training, serving");
                return Err(DocumentError::new(&node.place, message));
            }
        }
        Ok(())
    }

    /// Whether all three files have been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.collectives.is_some() && self.training.is_some() && self.engines.is_some()
    }
}

/// A number of at least zero that must be given.
fn amount(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    match fields.node(key).and_then(super::fields::number) {
        Some(number) if number.is_finite() && number >= 0.0 => Ok(number),
        Some(number) => {
            Err(fields.error(key, format!("\"{key}\" is \"{number}\", allowed are finite numbers of at least 0")))
        }
        None => fields.required_positive(key),
    }
}

fn seconds(fields: &Fields, key: &str) -> Result<Seconds, DocumentError> {
    Ok(Seconds(amount(fields, key)?))
}

fn section<'a>(fields: &Fields<'a>, key: &str, allowed: &[&str]) -> Result<Fields<'a>, DocumentError> {
    let missing = || DocumentError::new(fields.place(), format!("{} lacks the table [{key}]", fields.what()));
    fields.table(key, allowed)?.ok_or_else(missing)
}

fn collectives(node: &Node) -> Result<CollectiveModel, DocumentError> {
    let fields = Fields::new(node, "the constants of collectives", &["inside_node", "between_nodes", "one_shot"])?;
    let inside = section(
        &fields,
        "inside_node",
        &[
            "base_s",
            "step_s",
            "all_to_all_doubling_s",
            "root_coefficient_sqrt_s",
            "all_reduce_efficiency",
            "all_gather_efficiency",
            "reduce_scatter_efficiency",
            "all_to_all_efficiency",
            "efficiency_loss",
            "pcie_pair_efficiency",
            "pcie_efficiency",
            "mesh_efficiency",
            "source",
        ],
    )?;
    let between = section(
        &fields,
        "between_nodes",
        &["base_s", "inner_step_s", "step_s", "efficiency", "inner_share", "all_to_all_efficiency", "source"],
    )?;
    let one_shot =
        fields.table("one_shot", &["base_s", "doubling_s", "efficiency", "two_shot_latency", "source"])?.map(|table| {
            Ok::<_, DocumentError>(OneShot {
                base: seconds(&table, "base_s")?,
                doubling: seconds(&table, "doubling_s")?,
                efficiency: amount(&table, "efficiency")?,
                two_shot_latency: amount(&table, "two_shot_latency")?,
            })
        });
    Ok(CollectiveModel {
        base: seconds(&inside, "base_s")?,
        step: seconds(&inside, "step_s")?,
        all_to_all_doubling: seconds(&inside, "all_to_all_doubling_s")?,
        latency_factor: 1.0,
        root_coefficient: amount(&inside, "root_coefficient_sqrt_s")?,
        efficiency: [
            amount(&inside, "all_reduce_efficiency")?,
            amount(&inside, "all_gather_efficiency")?,
            amount(&inside, "reduce_scatter_efficiency")?,
            amount(&inside, "all_to_all_efficiency")?,
        ],
        efficiency_loss: amount(&inside, "efficiency_loss")?,
        pcie_pair_efficiency: amount(&inside, "pcie_pair_efficiency")?,
        pcie_efficiency: amount(&inside, "pcie_efficiency")?,
        mesh_efficiency: amount(&inside, "mesh_efficiency")?,
        network_base: seconds(&between, "base_s")?,
        network_inner_step: seconds(&between, "inner_step_s")?,
        network_step: seconds(&between, "step_s")?,
        network_efficiency: amount(&between, "efficiency")?,
        network_inner_share: amount(&between, "inner_share")?,
        network_all_to_all_efficiency: amount(&between, "all_to_all_efficiency")?,
        one_shot: one_shot.transpose()?,
    })
}

fn training(node: &Node) -> Result<TrainingSystem, DocumentError> {
    let fields = Fields::new(
        node,
        "the constants of training",
        &[
            "host_launch_s",
            "layer_launches",
            "expert_layer_floor_s",
            "tensor_exposed_overlapped",
            "tensor_exposed",
            "expert_all_to_all_ratio",
            "expert_imbalance",
            "logit_bytes",
            "gradient_accumulation_bytes",
            "gradient_message_bytes",
            "fragmentation",
            "context_bytes",
            "grouped_compute_ratio",
            "source",
        ],
    )?;
    Ok(TrainingSystem {
        host_launch: seconds(&fields, "host_launch_s")?,
        layer_launches: amount(&fields, "layer_launches")?,
        expert_layer_floor: seconds(&fields, "expert_layer_floor_s")?,
        tensor_exposed_overlapped: amount(&fields, "tensor_exposed_overlapped")?,
        tensor_exposed: amount(&fields, "tensor_exposed")?,
        expert_all_to_all_ratio: fields.required_positive("expert_all_to_all_ratio")?,
        expert_imbalance: fields.required_positive("expert_imbalance")?,
        logit_bytes: amount(&fields, "logit_bytes")?,
        gradient_accumulation_bytes: amount(&fields, "gradient_accumulation_bytes")?,
        gradient_message_bytes: amount(&fields, "gradient_message_bytes")?,
        fragmentation: fields.required_positive("fragmentation")?,
        context: Bytes(amount(&fields, "context_bytes")?),
        grouped_compute_ratio: fields.required_positive("grouped_compute_ratio")?,
    })
}

fn engines(node: &Node) -> Result<Vec<ServingEngine>, DocumentError> {
    let fields = Fields::new(node, "the constants of serving", &["engine", "common"])?;
    let common = section(
        &fields,
        "common",
        &[
            "burst_requests",
            "burst_weight",
            "queue_weight",
            "routing_independence",
            "grouped_compute_ratio",
            "logit_bytes",
            "source",
        ],
    )?;
    let all = section(&fields, "engine", &ENGINE_NAMES)?;
    ENGINE_NAMES.iter().map(|name| engine(&all, name, &common)).collect()
}

fn engine(all: &Fields, name: &str, common: &Fields) -> Result<ServingEngine, DocumentError> {
    let own = section(
        all,
        name,
        &[
            "host_step_s",
            "host_request_s",
            "memory_fraction",
            "reserve_bytes",
            "fraction_of_free",
            "output_reserved",
            "block_tokens",
            "first_token_s",
            "first_token_layer_s",
            "first_token_expert_layer_s",
            "source",
        ],
    )?;
    Ok(ServingEngine {
        host_step: seconds(&own, "host_step_s")?,
        host_request: seconds(&own, "host_request_s")?,
        memory_fraction: own.share("memory_fraction", 1.0)?.unwrap_or(1.0),
        reserve: Bytes(amount(&own, "reserve_bytes")?),
        fraction_of_free: own.flag("fraction_of_free")?,
        output_reserved: amount(&own, "output_reserved")?,
        block_tokens: own.required_positive("block_tokens")?,
        first_token: seconds(&own, "first_token_s")?,
        first_token_layer: seconds(&own, "first_token_layer_s")?,
        first_token_expert_layer: seconds(&own, "first_token_expert_layer_s")?,
        burst_requests: common.required_positive("burst_requests")?,
        burst_weight: amount(common, "burst_weight")?,
        queue_weight: amount(common, "queue_weight")?,
        routing_independence: common.required_positive("routing_independence")?,
        grouped_compute_ratio: common.required_positive("grouped_compute_ratio")?,
        logit_bytes: amount(common, "logit_bytes")?,
    })
}
