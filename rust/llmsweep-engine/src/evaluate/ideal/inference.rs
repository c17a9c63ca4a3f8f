//! Ideals of serving.
use llmsweep_model::economics::{HOUR, Upkeep};
use llmsweep_model::phase::inference::ideal::ServingIdeal;
use llmsweep_model::phase::training_ideal::ROUNDING;
use llmsweep_model::quantity::Seconds;

use super::Span;
use crate::values::Value;

/// What a serving setup could reach at best under one load.
pub(in crate::evaluate) struct InferenceIdeal<'a> {
    pub(in crate::evaluate) span: Span<'a>,
    pub(in crate::evaluate) ideal: ServingIdeal,
    /// What all devices cost and draw where the rental is least.
    pub(in crate::evaluate) upkeep: Upkeep,
    /// Devices that are paid for.
    pub(in crate::evaluate) devices: f64,
    /// Tokens of an answer.
    pub(in crate::evaluate) output: f64,
}

const MILLION: f64 = 1e6;

impl InferenceIdeal<'_> {
    /// The best value of an objective, times its sign.
    pub(super) fn best(&self, value: &Value, sign: f64) -> Option<f64> {
        if let Some(axis) = value.axis() {
            return Some(self.span.best(axis, sign));
        }
        if sign > 0.0 { self.least(value.name) } else { self.most(value.name).map(|most| -most) }
    }

    /// Time of all devices for one request.
    fn request(&self) -> Seconds {
        Seconds(1.0 / self.ideal.requests_per_s)
    }

    /// The same for one answered token.
    fn token(&self) -> Seconds {
        self.request() / self.output
    }

    /// The smallest value of a column that is small at best.
    fn least(&self, column: &str) -> Option<f64> {
        let Self { ideal, upkeep, .. } = self;
        match column {
            "ttft_s" => Some(ideal.ttft.0),
            "tpot_s" => Some(ideal.tpot.0),
            "e2e_s" => Some(ideal.e2e.0),
            "device_count" => Some(self.devices),
            "usd_per_hour" => upkeep.rental.map(|rental| rental.0 * HOUR),
            "power_w" => upkeep.power.map(|power| power.0),
            "cost_usd" => upkeep.cost(self.request()).map(|cost| cost.0),
            "usd_per_million_tokens" => upkeep.cost(self.token()).map(|cost| cost.0 * MILLION),
            "energy_j" => upkeep.energy(self.request()).map(|energy| energy.0),
            "j_per_token" => upkeep.energy(self.token()).map(|energy| energy.0),
            "ownership_usd" => upkeep.ownership(self.request()).map(|cost| cost.0),
            "facility_energy_j" => upkeep.facility_energy(self.request()).map(|energy| energy.0),
            "co2_kg" => upkeep.carbon(self.request()),
            "nodes" => Some(1.0),
            "memory_bytes" => Some(0.0),
            _ => None,
        }
        .map(|least| least * (1.0 - ROUNDING))
    }

    /// The largest value of a column that is large at best.
    fn most(&self, column: &str) -> Option<f64> {
        let ideal = &self.ideal;
        match column {
            "requests_per_s" | "goodput_requests_per_s" => Some(ideal.requests_per_s),
            "tokens_per_s" => Some(ideal.requests_per_s * self.output),
            "tokens_per_s_per_device" => Some(ideal.requests_per_s * self.output / self.devices),
            "tokens_per_s_per_user" => Some(1.0 / ideal.tpot.0),
            "slo_attainment" => Some(1.0),
            _ => None,
        }
        .map(|most| most * (1.0 + ROUNDING))
    }
}
