//! Money and energy.
use crate::hardware::Accelerator;
use crate::quantity::{Joules, Seconds, Usd, UsdPerSec, Watts};

/// Seconds of an hour.
pub const HOUR: f64 = 3600.0;

/// What the devices of a setup cost and draw; `None` where the catalogue has no price or power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upkeep {
    /// Rental of all devices.
    pub rental: Option<UsdPerSec>,
    /// Board power of all devices at full load.
    pub power: Option<Watts>,
}

impl Upkeep {
    /// Of `devices` accelerators, the rental times `price_scale`.
    #[must_use]
    pub fn of(accelerator: &Accelerator, devices: f64, price_scale: f64) -> Self {
        Self {
            rental: accelerator.rental.map(|rental| rental * (devices * price_scale)),
            power: accelerator.board_power.map(|power| power * devices),
        }
    }

    /// Rental of a duration: 1,000 devices at 2 USD/h for a day cost 48,000 USD.
    #[must_use]
    pub fn cost(&self, time: Seconds) -> Option<Usd> {
        self.rental.map(|rental| rental * time)
    }

    /// Energy of a duration at full board power: an upper estimate, for kernels rarely draw it all.
    #[must_use]
    pub fn energy(&self, time: Seconds) -> Option<Joules> {
        self.power.map(|power| power * time)
    }
}
