//! Ideals of training.
use llmsweep_model::economics::{Fleet, HOUR, Tariff, Upkeep};
use llmsweep_model::phase::training_flops::needed;
use llmsweep_model::phase::training_times::TrainingWork;
use llmsweep_model::quantity::{FlopsPerSec, Seconds};

use super::Span;
use crate::context::axis;
use crate::values::Value;

/// What a box of a training cell could reach at best.
pub(in crate::evaluate) struct TrainingIdeal<'a> {
    pub(in crate::evaluate) span: Span<'a>,
    pub(in crate::evaluate) work: &'a TrainingWork,
    /// Arithmetic peak of one device.
    pub(in crate::evaluate) peak: FlopsPerSec,
    /// Devices' time for one sequence, at least.
    pub(in crate::evaluate) sequence: Seconds,
    /// The part of the time that failures leave at most.
    pub(in crate::evaluate) goodput: f64,
    /// What one device costs and draws.
    pub(in crate::evaluate) upkeep: Upkeep,
}

const MILLION: f64 = 1e6;

impl TrainingIdeal<'_> {
    /// The best value of an objective, times its sign.
    pub(super) fn best(&self, value: &Value, sign: f64) -> Option<f64> {
        if let Some(axis) = value.axis() {
            return Some(self.span.best(axis, sign));
        }
        if sign > 0.0 { self.least(value.name) } else { self.most(value.name).map(|most| -most) }
    }

    /// The smallest value of a column that is small at best.
    fn least(&self, column: &str) -> Option<f64> {
        let Self { span, upkeep, .. } = self;
        let devices = || span.most(axis::DEVICES);
        match column {
            "step_time_s" => Some((self.sequence * span.least(axis::GLOBAL_BATCH)).0 / devices()),
            "time_to_train_s" => Some(self.run().0 / devices()),
            "device_hours" => Some(self.run().0 / HOUR),
            "cost_usd" => upkeep.cost(self.run()).map(|cost| cost.0),
            "usd_per_million_tokens" => upkeep.cost(self.token()).map(|cost| cost.0 * MILLION),
            "energy_j" => upkeep.energy(self.run()).map(|energy| energy.0),
            "j_per_token" => upkeep.energy(self.token()).map(|energy| energy.0),
            "ownership_usd" => upkeep.ownership(self.run()).map(|cost| cost.0),
            "facility_energy_j" => upkeep.facility_energy(self.run()).map(|energy| energy.0),
            "co2_kg" => upkeep.carbon(self.run()),
            "nodes" => Some(1.0),
            "memory_bytes" | "bubble_fraction" | "exposed_communication_fraction" => Some(0.0),
            _ => None,
        }
    }

    /// The largest value of a column that is large at best.
    fn most(&self, column: &str) -> Option<f64> {
        match column {
            "tokens_per_s" => Some(self.span.most(axis::DEVICES) / self.token().0),
            "tokens_per_s_per_device" => Some(1.0 / self.token().0),
            "mfu" => Some(self.utilisation(self.needed(self.work.flops.attention_causal))),
            "mfu_non_causal" => Some(self.utilisation(self.needed(self.work.flops.attention_full))),
            "hfu" => Some(self.utilisation(self.work.hardware_flops)),
            "goodput" => Some(self.goodput),
            _ => None,
        }
    }

    /// Devices' time for one token.
    fn token(&self) -> Seconds {
        self.sequence / f64::from(self.work.layout.sequence_length)
    }

    /// Devices' time for the whole run on the wall clock.
    fn run(&self) -> Seconds {
        self.useful() / self.goodput
    }

    /// The same without what failures and checkpoints take.
    fn useful(&self) -> Seconds {
        let by_parameters = self.span.least(axis::TOKENS_PER_PARAMETER) * self.work.total_parameters;
        let tokens = self.span.least(axis::TOKENS);
        // Where some rows say the one and some the other, either may be less.
        let least = match (self.span.least(axis::TOKENS_PER_PARAMETER), self.span.most(axis::TOKENS_PER_PARAMETER)) {
            (_, 0.0) => tokens,
            (0.0, _) => tokens.min(self.least_positive_tokens()),
            _ => by_parameters,
        };
        self.token() * least
    }

    fn least_positive_tokens(&self) -> f64 {
        let numbers = self.span.context.numbers(axis::TOKENS_PER_PARAMETER).iter();
        let positive = numbers.copied().filter(|number| *number > 0.0);
        positive.fold(f64::INFINITY, f64::min) * self.work.total_parameters
    }

    fn needed(&self, attention: f64) -> f64 {
        needed(&self.work.flops, attention, &self.work.adapters, &self.work.layout)
    }

    /// FLOPs of one sequence over what its devices could do meanwhile.
    fn utilisation(&self, flops: f64) -> f64 {
        flops / (self.peak * self.sequence).0
    }
}

/// What one device of a fleet costs and draws where the rental is least.
pub(in crate::evaluate) fn upkeep_of_one(tariff: &Tariff, span: &Span) -> Upkeep {
    Upkeep::of(tariff, Fleet { devices: 1.0, spares: 0.0 }, span.least(axis::PRICE_SCALE))
}
