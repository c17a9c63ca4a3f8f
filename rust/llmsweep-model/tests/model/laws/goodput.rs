//! Goodput is a share, and falls with everything that fails or waits.
use crate::common::software::operations;
use llmsweep_model::goodput::{Goodput, LEAST_GOODPUT, Reliability};
use llmsweep_model::operations::Operations;
use llmsweep_model::quantity::{Bytes, Seconds};
use llmsweep_model::reject::Reject;
use proptest::prelude::*;

/// A logarithm of base ten for each number, so that every order of magnitude is met.
fn run() -> impl Strategy<Value = Reliability> {
    let logs = (0.0..6.0_f64, -2.0..5.0_f64, 2.0..8.0_f64, 8.0..14.0_f64);
    (logs, prop_oneof![Just(Seconds(0.0)), (0.0..6.0_f64).prop_map(|log| Seconds(10_f64.powf(log)))]).prop_map(
        |((devices, spares, mtbf, checkpoint), interval)| Reliability {
            devices: 10_f64.powf(devices).floor(),
            spares: 10_f64.powf(spares).floor(),
            device_mtbf_hours: 10_f64.powf(mtbf),
            interval,
            checkpoint: Bytes(10_f64.powf(checkpoint)),
        },
    )
}

fn of(run: &Reliability) -> f64 {
    Goodput::of(run, &operations()).map_or(0.0, |goodput| goodput.share)
}

/// What rounding and the approximation of the best interval may add.
const SLACK: f64 = 1.0 + 1e-3;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn is_a_share(run in run(), asynchronous in 0.0..=1.0_f64) {
        let operations = Operations { checkpoint_asynchronous_share: asynchronous, ..operations() };
        match Goodput::of(&run, &operations) {
            Ok(goodput) => {
                prop_assert!(goodput.share >= LEAST_GOODPUT && goodput.share <= 1.0);
                prop_assert!(goodput.interval.0 > 0.0 && goodput.pause <= goodput.write);
                prop_assert!(goodput.interval >= goodput.write - goodput.pause);
                prop_assert!(goodput.recovery >= operations.detection + operations.restart);
            }
            Err(reject) => prop_assert_eq!(reject, Reject::FailsTooOften),
        }
    }

    #[test]
    fn falls_with_devices_and_rises_with_what_lasts(run in run(), factor in 1.0..100.0_f64) {
        let base = of(&run);
        // At a given interval more devices may win more by writing faster than they lose by failing more.
        let best = Reliability { interval: Seconds(0.0), ..run };
        let more_devices = Reliability { devices: best.devices * factor, ..best };
        prop_assert!(of(&more_devices) <= of(&best) * SLACK);
        let lasting = Reliability { device_mtbf_hours: run.device_mtbf_hours * factor, ..run };
        prop_assert!(of(&lasting) * SLACK >= base);
        let larger = Reliability { checkpoint: run.checkpoint * factor, ..run };
        prop_assert!(of(&larger) <= base * SLACK);
        let more_spares = Reliability { spares: run.spares * factor, ..run };
        prop_assert!(of(&more_spares) >= base);
    }

    #[test]
    fn no_interval_a_fifth_off_beats_the_best(run in run()) {
        let best = Reliability { interval: Seconds(0.0), ..run };
        let Ok(goodput) = Goodput::of(&best, &operations()) else { return Ok(()) };
        for factor in [0.8, 1.2] {
            let other = Reliability { interval: goodput.interval * factor, ..best };
            prop_assert!(of(&other) <= goodput.share * (1.0 + 1e-12));
        }
    }
}

/// Spares that cover what is away at any time leave no wait, none leave all of it.
#[test]
fn spares_take_the_wait_away() {
    let base = operations();
    let run = Reliability {
        devices: 16_384.0,
        spares: 0.0,
        device_mtbf_hours: 50_000.0,
        interval: Seconds(3600.0),
        checkpoint: Bytes(5.67e12),
    };
    let recovery = |spares: f64| Goodput::of(&Reliability { spares, ..run }, &base).expect("runs").recovery;
    assert_eq!(recovery(8.0), base.detection + base.restart);
    assert_eq!(recovery(0.0), base.detection + base.restart + base.repair * base.hardware_failure_share);
    assert!(recovery(0.5) < recovery(0.0) && recovery(0.5) > recovery(8.0));
}

/// What never fails but for its checkpoints, and what fails before it has started.
#[test]
fn at_the_ends() {
    let run = Reliability {
        devices: 1.0,
        spares: 0.0,
        device_mtbf_hours: f64::MAX,
        interval: Seconds(99.0),
        checkpoint: Bytes(1e9),
    };
    let goodput = Goodput::of(&run, &operations()).expect("never fails");
    assert!((goodput.share - 0.99).abs() < 1e-9, "{}", goodput.share);
    for run in [
        Reliability { device_mtbf_hours: f64::MIN_POSITIVE, ..run },
        Reliability { device_mtbf_hours: 0.01, interval: Seconds(1e9), ..run },
        Reliability { interval: Seconds(1e-300), ..run },
        Reliability { device_mtbf_hours: 50_000.0, interval: Seconds(f64::MAX), ..run },
    ] {
        assert_eq!(Goodput::of(&run, &operations()), Err(Reject::FailsTooOften), "{run:?}");
    }
}
