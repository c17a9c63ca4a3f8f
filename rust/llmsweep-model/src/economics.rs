//! Money, energy and carbon.
use crate::hardware::Accelerator;
use crate::operations::Operations;
use crate::quantity::{Joules, Seconds, Usd, UsdPerSec, Watts};

/// Seconds of an hour.
pub const HOUR: f64 = 3600.0;
/// Seconds of a Julian year.
pub const YEAR: f64 = 365.25 * 24.0 * HOUR;
/// Joules of a kilowatt-hour.
pub const KILOWATT_HOUR: f64 = 3.6e6;

/// What is paid for: devices at work, and spares that wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fleet {
    /// Accelerators at work.
    pub devices: f64,
    /// Accelerators that wait for one of them to fail.
    pub spares: f64,
}

/// What-if factors on what the catalogue says of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// On the rental.
    pub price: f64,
    /// On the board power.
    pub power: f64,
}

impl Factors {
    /// The catalogue's own numbers.
    pub const NONE: Self = Self { price: 1.0, power: 1.0 };
}

impl Fleet {
    /// All that is paid for.
    #[must_use]
    pub fn paid(&self) -> f64 {
        self.devices + self.spares
    }
}

/// What one device costs and draws, the same for every setup of it; `None` where the catalogue has no price or power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tariff {
    rental: Option<UsdPerSec>,
    power: Option<Watts>,
    facility: Option<Watts>,
    capital: Option<UsdPerSec>,
    idle_power_share: f64,
    usd_per_joule: f64,
    kg_co2_per_joule: f64,
}

impl Tariff {
    /// Of an accelerator.
    ///
    /// The facility draws `board power · (1 + hosts) · PUE`. Owning costs `purchase · overhead · (1/years + operations per year) / busy share`,
    /// and electricity.
    #[must_use]
    pub fn of(accelerator: &Accelerator, operations: &Operations) -> Self {
        let surroundings = (1.0 + operations.host_power_share) * operations.pue;
        let yearly = 1.0 / operations.amortisation_years + operations.operations_share_per_year;
        let capital = operations.capital_overhead * yearly / (YEAR * operations.busy_share);
        Self {
            rental: accelerator.rental,
            power: accelerator.board_power,
            facility: accelerator.board_power.map(|power| power * surroundings),
            capital: accelerator.purchase.map(|price| UsdPerSec(price.0 * capital)),
            idle_power_share: operations.idle_power_share,
            usd_per_joule: operations.usd_per_kwh / KILOWATT_HOUR,
            kg_co2_per_joule: operations.kg_co2_per_kwh / KILOWATT_HOUR,
        }
    }
}

/// What the devices of a setup cost and draw; `None` where the catalogue has no price or power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upkeep {
    /// Rental of all devices, spares included.
    pub rental: Option<UsdPerSec>,
    /// Board power of the devices at work, at full load.
    pub power: Option<Watts>,
    /// What the facility draws for them: boards, idle spares, hosts, network, cooling.
    pub facility: Option<Watts>,
    /// What it costs to own all devices, electricity included.
    pub ownership: Option<UsdPerSec>,
    /// Carbon dioxide of the facility's electricity. \[kg/s\]
    pub carbon: Option<f64>,
}

impl Upkeep {
    /// Of a fleet, with rental and board power times their factors.
    #[must_use]
    pub fn of(tariff: &Tariff, fleet: Fleet, factors: Factors) -> Self {
        let paid = fleet.paid();
        let drawing = (fleet.devices + tariff.idle_power_share * fleet.spares) * factors.power;
        let facility = tariff.facility.map(|power| power * drawing);
        let owned = |(capital, power): (UsdPerSec, Watts)| capital * paid + UsdPerSec(power.0 * tariff.usd_per_joule);
        Self {
            rental: tariff.rental.map(|rental| rental * (paid * factors.price)),
            power: tariff.power.map(|power| power * (fleet.devices * factors.power)),
            facility,
            ownership: tariff.capital.zip(facility).map(owned),
            carbon: facility.map(|power| power.0 * tariff.kg_co2_per_joule),
        }
    }

    /// That of two fleets; `None` where either has none.
    ///
    /// ```
    /// # use llmsweep_model::{economics::Upkeep, quantity::*};
    /// let hopper = Upkeep { rental: Some(UsdPerSec(2.0)), power: Some(Watts(700.0)), facility: None, ownership: None, carbon: None };
    /// let blackwell = Upkeep { rental: None, power: Some(Watts(1200.0)), ..hopper };
    /// let both = hopper.plus(&blackwell);
    /// assert_eq!((both.rental, both.power), (None, Some(Watts(1900.0))));
    /// ```
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            rental: self.rental.zip(other.rental).map(|(one, two)| one + two),
            power: self.power.zip(other.power).map(|(one, two)| one + two),
            facility: self.facility.zip(other.facility).map(|(one, two)| one + two),
            ownership: self.ownership.zip(other.ownership).map(|(one, two)| one + two),
            carbon: self.carbon.zip(other.carbon).map(|(one, two)| one + two),
        }
    }

    /// Rental of a duration.
    ///
    /// ```
    /// # use llmsweep_model::{economics::Upkeep, quantity::*};
    /// let rental = Some(UsdPerSec(1000.0 * 2.0 / 3600.0));
    /// let upkeep = Upkeep { rental, power: None, facility: None, ownership: None, carbon: None };
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
    /// let power = Some(Watts(700.0));
    /// let upkeep = Upkeep { rental: None, power, facility: None, ownership: None, carbon: None };
    /// assert_eq!(upkeep.energy(Seconds(3600.0)), Some(Joules(2.52e6)));
    /// ```
    #[must_use]
    pub fn energy(&self, time: Seconds) -> Option<Joules> {
        self.power.map(|power| power * time)
    }

    /// Energy that the facility draws in a duration, boards at full power.
    #[must_use]
    pub fn facility_energy(&self, time: Seconds) -> Option<Joules> {
        self.facility.map(|power| power * time)
    }

    /// What it costs to own the devices for a duration.
    #[must_use]
    pub fn ownership(&self, time: Seconds) -> Option<Usd> {
        self.ownership.map(|rate| rate * time)
    }

    /// Carbon dioxide of a duration. \[kg\]
    #[must_use]
    pub fn carbon(&self, time: Seconds) -> Option<f64> {
        self.carbon.map(|rate| rate * time.0)
    }
}
