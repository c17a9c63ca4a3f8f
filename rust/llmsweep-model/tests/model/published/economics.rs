//! Energy and carbon against model cards.
use crate::common::close;
use crate::common::hardware::H100;
use crate::common::software::operations;
use llmsweep_model::economics::{Factors, Fleet, HOUR, KILOWATT_HOUR, Tariff, Upkeep};
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::Seconds;

/// Llama 3.1's model card (Meta 2024): 30.84 million hours of H100 at 700 W, 8,930 t of carbon dioxide equivalent where they ran. It counts
/// the boards with Meta's PUE, 1.08, and no hosts; the grid is the mean of the United States.
#[test]
fn carbon_of_llama3_405b() {
    const DEVICE_HOURS: f64 = 30.84e6;
    let boards_alone = Operations { host_power_share: 0.0, pue: 1.08, ..operations() };
    let carbon = |operations: &Operations| {
        let upkeep = Upkeep::of(
            &Tariff::of(&H100.accelerator(), operations),
            Fleet { devices: DEVICE_HOURS, spares: 0.0 },
            Factors::NONE,
        );
        upkeep.carbon(Seconds(HOUR)).expect("the test's H100 has a board power")
    };
    close(carbon(&boards_alone), 8.93e6, 0.03);
    // Hosts count here: 1.82 · 1.2 / 1.08 of it.
    close(carbon(&operations()) / carbon(&boards_alone), 1.82 * 1.2 / 1.08, 1e-12);
}

/// NVIDIA's datasheet: a DGX H100 of eight draws 10.2 kW at most.
#[test]
fn power_of_a_dgx_h100() {
    let bare = Operations { pue: 1.0, ..operations() };
    let upkeep =
        Upkeep::of(&Tariff::of(&H100.accelerator(), &bare), Fleet { devices: 8.0, spares: 0.0 }, Factors::NONE);
    close(upkeep.facility.expect("a board power").0, 10_200.0, 2e-3);
    let day = upkeep.facility_energy(Seconds(24.0 * HOUR)).expect("a board power");
    close(day.0 / KILOWATT_HOUR, 244.6, 1e-3);
}
