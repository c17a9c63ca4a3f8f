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

    /// Rental of a duration.
    ///
    /// ```
    /// # use llmsweep_model::{economics::Upkeep, quantity::*};
    /// let upkeep = Upkeep { rental: Some(UsdPerSec(1000.0 * 2.0 / 3600.0)), power: None };
    /// let day = upkeep.cost(Seconds(86_400.0)).unwrap();
    /// assert!((day.0 - 48_000.0).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn cost(&self, time: Seconds) -> Option<Usd> {
        self.rental.map(|rental| rental * time)
    }

    /// Energy of a duration at full board power: an upper estimate, for kernels rarely draw it all.
    ///
    /// ```
    /// # use llmsweep_model::{economics::Upkeep, quantity::*};
    /// let upkeep = Upkeep { rental: None, power: Some(Watts(700.0)) };
    /// assert_eq!(upkeep.energy(Seconds(3600.0)), Some(Joules(2.52e6)));
    /// ```
    #[must_use]
    pub fn energy(&self, time: Seconds) -> Option<Joules> {
        self.power.map(|power| power * time)
    }
}
