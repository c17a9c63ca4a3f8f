//! From a point of the plan to its results.
//!
//! An evaluator keeps the levels of the last point that it saw and builds again only those whose axes changed. The one-row path is an
//! evaluator that has seen nothing yet: both run the same code.
mod by_axes;
mod experts;
mod followed;
pub(crate) mod gates;
pub mod ideal;
pub mod inference;
mod inference_setup;
mod memo;
pub(crate) mod prefill_pool;
mod seen;
pub mod training;
mod training_setup;

use llmsweep_model::economics::{Fleet, Upkeep};
use llmsweep_model::reject::Reject;

use crate::axes::Phase;
use crate::catalog::Provenance;
use crate::context::Context;
use crate::plan::Point;
use crate::spread::Spread;
use inference::{InferenceEvaluator, InferenceOutcome};
use training::{TrainingEvaluator, TrainingOutcome};

/// What every outcome has, whatever its phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Common {
    /// How the efficiencies are known; `None` where the precision does not run.
    pub provenance: Option<Provenance>,
    /// How far measurements lie from predictions of its class.
    pub spread: Spread,
    /// Accelerators of the setup, and those that wait beside it.
    pub fleet: Fleet,
    /// Devices of a usual host of the accelerator.
    pub host_devices: f64,
    /// Devices that prefill only, and their hosts; none where one pool does both.
    pub prefill_fleet: (f64, f64),
    /// What they cost and draw.
    pub upkeep: Upkeep,
    /// Parameters of the model.
    pub parameters: f64,
    /// Parameters that one token meets, embeddings counted.
    pub active_parameters: f64,
}

impl Common {
    /// Before any point is seen.
    pub(crate) const UNSEEN: Self = Self {
        provenance: None,
        spread: Spread::NONE,
        fleet: Fleet { devices: 0.0, spares: 0.0 },
        host_devices: 1.0,
        prefill_fleet: (0.0, 0.0),
        upkeep: Upkeep { rental: None, power: None, facility: None, ownership: None, carbon: None },
        parameters: 0.0,
        active_parameters: 0.0,
    };

    /// Hosts of the devices at work.
    #[must_use]
    pub fn nodes(&self) -> f64 {
        let (devices, hosts) = self.prefill_fleet;
        ((self.fleet.devices - devices) / self.host_devices).ceil() + hosts
    }

    /// With a pool that prefills beside the devices.
    #[must_use]
    pub fn with_prefill_pool(self, devices: f64, host_devices: f64, upkeep: &Upkeep) -> Self {
        Self {
            fleet: Fleet { devices: self.fleet.devices + devices, ..self.fleet },
            prefill_fleet: (devices, (devices / host_devices).ceil()),
            upkeep: self.upkeep.plus(upkeep),
            ..self
        }
    }
}

/// The results of one row, where its evaluator keeps them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// Of a training setup.
    Training(&'a TrainingOutcome),
    /// Of a serving setup.
    Inference(&'a InferenceOutcome),
}

/// What outcomes of both phases have.
pub(crate) trait Results {
    /// What every outcome has.
    fn common(&self) -> &Common;
    /// Why the setup can't run, if it can't.
    fn reject(&self) -> Option<Reject>;
}

impl Results for TrainingOutcome {
    fn common(&self) -> &Common {
        &self.common
    }

    #[inline]
    fn reject(&self) -> Option<Reject> {
        self.result.as_ref().err().copied()
    }
}

impl Results for InferenceOutcome {
    fn common(&self) -> &Common {
        &self.common
    }

    #[inline]
    fn reject(&self) -> Option<Reject> {
        self.result.as_ref().err().copied()
    }
}

impl Outcome<'_> {
    /// Why the setup can't run, if it can't.
    #[inline]
    #[must_use]
    pub fn reject(&self) -> Option<Reject> {
        match self {
            Self::Training(outcome) => Results::reject(*outcome),
            Self::Inference(outcome) => Results::reject(*outcome),
        }
    }
}

/// Evaluates points of one plan, fastest in the order of its rows.
pub enum Evaluator<'a> {
    /// Of a training sweep.
    Training(Box<TrainingEvaluator<'a>>),
    /// Of an inference sweep.
    Inference(Box<InferenceEvaluator<'a>>),
}

impl<'a> Evaluator<'a> {
    /// An evaluator that has seen nothing yet.
    #[must_use]
    pub fn new(context: &'a Context) -> Self {
        match context.plan.phase {
            Phase::Training => Self::Training(Box::new(TrainingEvaluator::new(context))),
            Phase::Inference => Self::Inference(Box::new(InferenceEvaluator::new(context))),
        }
    }

    /// The results of a point.
    #[inline]
    pub fn outcome(&mut self, point: &Point) -> Outcome<'_> {
        self.outcome_after(point, 0)
    }

    /// The results of a point that agrees with the last one on the first `held` digits of the plan: what [`Plan::step`](crate::plan::Plan::step)
    /// says, or the least of it over several steps. Only the axes after them are looked at.
    #[inline]
    pub fn outcome_after(&mut self, point: &Point, held: usize) -> Outcome<'_> {
        match self {
            Self::Training(evaluator) => Outcome::Training(evaluator.outcome_after(point, held)),
            Self::Inference(evaluator) => Outcome::Inference(evaluator.outcome_after(point, held)),
        }
    }
}
