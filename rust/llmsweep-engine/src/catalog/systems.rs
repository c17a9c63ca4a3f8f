//! Constants of software: collectives, the training stack, serving engines; and of operations.
use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::Seconds;
use llmsweep_model::system::{ServingEngine, TrainingSystem};

use super::collectives::collectives;
use super::constant::{every, keys};
use super::fields::Fields;
use super::intervals::Intervals;
use super::operations::OPERATIONS;
use super::serving_engine::SERVING;
use super::training_system::TRAINING;
use crate::node::{DocumentError, Node};

/// Constants of software; the folder `systems` must give all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Systems {
    /// Collectives of the mean architecture.
    pub collectives: Option<CollectiveModel>,
    /// The training stack.
    pub training: Option<TrainingSystem>,
    /// A serving engine of which nothing in particular is known.
    pub serving: Option<ServingEngine>,
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
            "serving" => {
                let allowed: Vec<&str> = keys(&SERVING).chain(["source"]).collect();
                let fields = Fields::new(node, "the table of constants of serving", &allowed)?;
                self.serving = Some(every(&fields, &SERVING)?);
            }
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
        self.collectives.is_some() && self.training.is_some() && self.serving.is_some() && self.operations.is_some()
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
