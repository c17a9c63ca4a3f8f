//! Ideals of training.
use llmsweep_model::economics::{Fleet, HOUR, Tariff, Upkeep};
use llmsweep_model::phase::training_flops::needed;
use llmsweep_model::phase::training_times::TrainingWork;
use llmsweep_model::quantity::{FlopsPerSec, Seconds};

use super::Span;
use crate::context::axis;

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
    /// How a column's best value follows, if it does: the smallest where the sign is positive, else the largest.
    pub(super) fn bound(column: &str, sign: f64) -> Option<fn(&TrainingIdeal) -> Option<f64>> {
        if sign > 0.0 { least(column) } else { most(column) }
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

/// What one device of a fleet costs and draws where rental and power are least.
pub(in crate::evaluate) fn upkeep_of_one(tariff: &Tariff, span: &Span) -> Upkeep {
    Upkeep::of(tariff, Fleet { devices: 1.0, spares: 0.0 }, span.least_factors())
}

/// Of columns that are small at best.
fn least(column: &str) -> Option<fn(&TrainingIdeal) -> Option<f64>> {
    Some(match column {
        "step_time_s" => {
            |own| Some((own.sequence * own.span.least(axis::GLOBAL_BATCH)).0 / own.span.most(axis::DEVICES))
        }
        "time_to_train_s" => |own| Some(own.run().0 / own.span.most(axis::DEVICES)),
        "device_hours" => |own| Some(own.run().0 / HOUR),
        "cost_usd" => |own| own.upkeep.cost(own.run()).map(|cost| cost.0),
        "usd_per_million_tokens" => |own| own.upkeep.cost(own.token()).map(|cost| cost.0 * MILLION),
        "energy_j" => |own| own.upkeep.energy(own.run()).map(|energy| energy.0),
        "j_per_token" => |own| own.upkeep.energy(own.token()).map(|energy| energy.0),
        "ownership_usd" => |own| own.upkeep.ownership(own.run()).map(|cost| cost.0),
        "facility_energy_j" => |own| own.upkeep.facility_energy(own.run()).map(|energy| energy.0),
        "co2_kg" => |own| own.upkeep.carbon(own.run()),
        "nodes" => |_| Some(1.0),
        "memory_bytes" | "bubble_fraction" | "exposed_communication_fraction" => |_| Some(0.0),
        _ => return None,
    })
}

/// Of columns that are large at best.
fn most(column: &str) -> Option<fn(&TrainingIdeal) -> Option<f64>> {
    Some(match column {
        "tokens_per_s" => |own| Some(own.span.most(axis::DEVICES) / own.token().0),
        "tokens_per_s_per_device" => |own| Some(1.0 / own.token().0),
        "mfu" => |own| Some(own.utilisation(own.needed(own.work.flops.attention_causal))),
        "mfu_non_causal" => |own| Some(own.utilisation(own.needed(own.work.flops.attention_full))),
        "hfu" => |own| Some(own.utilisation(own.work.hardware_flops)),
        "goodput" => |own| Some(own.goodput),
        _ => return None,
    })
}
