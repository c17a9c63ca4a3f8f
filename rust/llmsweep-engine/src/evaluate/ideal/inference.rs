//! Ideals of serving.
use llmsweep_model::bound::ROUNDING;
use llmsweep_model::economics::{HOUR, Upkeep};
use llmsweep_model::phase::inference::ideal::ServingIdeal;
use llmsweep_model::quantity::Seconds;

/// What a serving setup could reach at best under one load.
pub(in crate::evaluate) struct InferenceIdeal {
    pub(in crate::evaluate) ideal: ServingIdeal,
    /// What all devices cost and draw where the rental is least.
    pub(in crate::evaluate) upkeep: Upkeep,
    /// Devices that are paid for.
    pub(in crate::evaluate) devices: f64,
    /// Tokens of an answer.
    pub(in crate::evaluate) output: f64,
}

const MILLION: f64 = 1e6;

impl InferenceIdeal {
    /// How a column's best value follows, if it does: the smallest where the sign is positive, else the largest.
    pub(super) fn bound(column: &str, sign: f64) -> Option<fn(&Self) -> Option<f64>> {
        if sign > 0.0 { Self::least(column) } else { Self::most(column) }
    }

    /// Time of all devices for one request.
    fn request(&self) -> Seconds {
        Seconds(1.0 / self.ideal.requests_per_s)
    }

    /// The same for one answered token.
    fn token(&self) -> Seconds {
        self.request() / self.output
    }

    /// Of columns that are small at best.
    fn least(column: &str) -> Option<fn(&Self) -> Option<f64>> {
        Some(match column {
            "ttft_s" => |own| Some(own.ideal.ttft.0),
            "tpot_s" => |own| Some(own.ideal.tpot.0),
            "e2e_s" => |own| lower(Some(own.ideal.e2e.0)),
            "device_count" => |own| Some(own.devices),
            "usd_per_hour" => |own| lower(own.upkeep.rental.map(|rental| rental.0 * HOUR)),
            "power_w" => |own| lower(own.upkeep.power.map(|power| power.0)),
            "cost_usd" => |own| lower(own.upkeep.cost(own.request()).map(|cost| cost.0)),
            "usd_per_million_tokens" => |own| lower(own.upkeep.cost(own.token()).map(|cost| cost.0 * MILLION)),
            "energy_j" => |own| lower(own.upkeep.energy(own.request()).map(|energy| energy.0)),
            "j_per_token" => |own| lower(own.upkeep.energy(own.token()).map(|energy| energy.0)),
            "ownership_usd" => |own| lower(own.upkeep.ownership(own.request()).map(|cost| cost.0)),
            "facility_energy_j" => |own| lower(own.upkeep.facility_energy(own.request()).map(|energy| energy.0)),
            "co2_kg" => |own| lower(own.upkeep.carbon(own.request())),
            "nodes" => |_| Some(1.0),
            "memory_bytes" => |_| Some(0.0),
            _ => return None,
        })
    }

    /// Of columns that are large at best.
    fn most(column: &str) -> Option<fn(&Self) -> Option<f64>> {
        Some(match column {
            "requests_per_s" | "goodput_requests_per_s" => |own| Some(higher(own.ideal.requests_per_s)),
            "tokens_per_s" => |own| Some(higher(own.ideal.requests_per_s * own.output)),
            "tokens_per_s_per_device" => |own| Some(higher(own.ideal.requests_per_s * own.output / own.devices)),
            "tokens_per_s_per_user" => |own| Some(higher(1.0 / own.ideal.tpot.0)),
            "slo_attainment" => |_| Some(1.0),
            _ => return None,
        })
    }
}

/// Sums and products in another order than those of a row differ by rounding.
fn lower(least: Option<f64>) -> Option<f64> {
    least.map(|least| least * (1.0 - ROUNDING))
}

fn higher(most: f64) -> f64 {
    most * (1.0 + ROUNDING)
}
