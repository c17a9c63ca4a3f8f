//! Constants of software: collectives, the training stack, serving engines; and of operations.
use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::system::{ServingEngine, TrainingSystem};

use super::collectives::collectives;
use super::constant::{every, keys};
use super::efficiency::required_share;
use super::fields::Fields;
use super::intervals::Intervals;
use super::operations::OPERATIONS;
use super::training_system::TRAINING;
use crate::axes::ENGINE_NAMES;
use crate::node::{DocumentError, Node};

/// Constants of software; the folder `systems` must give all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Systems {
    /// Collectives of the mean architecture.
    pub collectives: Option<CollectiveModel>,
    /// The training stack.
    pub training: Option<TrainingSystem>,
    /// Serving engines, in the order of [`ENGINE_NAMES`].
    pub engines: Option<Vec<ServingEngine>>,
    /// How far measurements lie from predictions.
    pub intervals: Intervals,
    /// How clusters are run.
    pub operations: Option<Operations>,
}

impl Systems {
    /// Takes the file of this name.
    pub(super) fn take(&mut self, name: &str, node: &Node) -> Result<(), DocumentError> {
        match name {
            "collectives" => self.collectives = Some(collectives(node)?),
            "training" => {
                let allowed: Vec<&str> = keys(&TRAINING).chain(["source"]).collect();
                let fields = Fields::new(node, "the table of constants of training", &allowed)?;
                self.training = Some(every(&fields, &TRAINING)?);
            }
            "serving" => self.engines = Some(engines(node)?),
            "intervals" => self.intervals = Intervals::decode(node)?,
            "operations" => {
                let allowed: Vec<&str> = keys(&OPERATIONS).chain(["source"]).collect();
                let fields = Fields::new(node, "the table of constants of operations", &allowed)?;
                self.operations = Some(every(&fields, &OPERATIONS)?);
            }
            _ => {
                let message = format!(
                    "\"{name}.toml\" has no meaning here: allowed are collectives, intervals, operations, serving, training"
                );
                return Err(DocumentError::new(&node.place, message));
            }
        }
        Ok(())
    }

    /// Whether all four files have been read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.collectives.is_some() && self.training.is_some() && self.engines.is_some() && self.operations.is_some()
    }
}

/// A number from `least` to `most` that must be given.
pub(super) fn within(fields: &Fields, key: &str, least: f64, most: f64) -> Result<f64, DocumentError> {
    match fields.node(key).and_then(super::fields::number) {
        Some(number) if number.is_finite() && (least..=most).contains(&number) => Ok(number),
        Some(number) => {
            let allowed = if most.is_finite() {
                format!("numbers from {least} to {most}")
            } else {
                format!("finite numbers of at least {least}")
            };
            Err(fields.error(key, format!("\"{key}\" of {} is \"{number}\", allowed are {allowed}", fields.what())))
        }
        None => fields.required_positive(key),
    }
}

/// A number of at least zero that must be given.
pub(super) fn amount(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    within(fields, key, 0.0, f64::INFINITY)
}

/// A share, zero and one among them.
pub(super) fn share(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    within(fields, key, 0.0, 1.0)
}

/// A factor that only adds: at least one.
pub(super) fn surplus(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    within(fields, key, 1.0, f64::INFINITY)
}

/// A number above zero that must be given: something is divided by it.
pub(super) fn positive(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    fields.required_positive(key)
}

pub(super) fn seconds(fields: &Fields, key: &str) -> Result<Seconds, DocumentError> {
    Ok(Seconds(amount(fields, key)?))
}

pub(super) fn section<'a>(fields: &Fields<'a>, key: &str, allowed: &[&str]) -> Result<Fields<'a>, DocumentError> {
    let missing = || DocumentError::new(fields.place(), format!("{} lacks the table [{key}]", fields.what()));
    fields.table(key, allowed)?.ok_or_else(missing)
}

/// Keys of `[common]` in `serving.toml`.
pub const COMMON_KEYS: [&str; 9] = [
    "kernel_start_s",
    "burst_requests",
    "burst_weight",
    "queue_weight",
    "routing_independence",
    "logit_bytes",
    "pool_batch_tokens",
    "pool_rank_imbalance",
    "source",
];

/// Keys of an `[engine.…]` table in `serving.toml`.
pub const ENGINE_KEYS: [&str; 11] = [
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
];

fn engines(node: &Node) -> Result<Vec<ServingEngine>, DocumentError> {
    let fields = Fields::new(node, "the table of constants of serving", &["engine", "common"])?;
    let common = section(&fields, "common", &COMMON_KEYS)?;
    let all = section(&fields, "engine", &ENGINE_NAMES)?;
    ENGINE_NAMES.iter().map(|name| engine(&all, name, &common)).collect()
}

fn engine(all: &Fields, name: &str, common: &Fields) -> Result<ServingEngine, DocumentError> {
    let own = section(all, name, &ENGINE_KEYS)?;
    Ok(ServingEngine {
        host_step: seconds(&own, "host_step_s")?,
        host_request: seconds(&own, "host_request_s")?,
        memory_fraction: required_share(&own, "memory_fraction")?,
        reserve: Bytes(amount(&own, "reserve_bytes")?),
        fraction_of_free: own.flag("fraction_of_free")?,
        output_reserved: within(&own, "output_reserved", 0.0, 1.0)?,
        block_tokens: surplus(&own, "block_tokens")?,
        first_token: seconds(&own, "first_token_s")?,
        first_token_layer: seconds(&own, "first_token_layer_s")?,
        first_token_expert_layer: seconds(&own, "first_token_expert_layer_s")?,
        kernel_start: seconds(common, "kernel_start_s")?,
        burst_requests: positive(common, "burst_requests")?,
        burst_weight: amount(common, "burst_weight")?,
        queue_weight: amount(common, "queue_weight")?,
        routing_independence: required_share(common, "routing_independence")?,
        logit_bytes: amount(common, "logit_bytes")?,
        pool_batch_tokens: positive(common, "pool_batch_tokens")?,
        pool_rank_imbalance: surplus(common, "pool_rank_imbalance")?,
    })
}
