//! What failures and checkpoints leave of a training run's time.
use crate::economics::HOUR;
use crate::operations::Operations;
use crate::quantity::{Bytes, Seconds};
use crate::reject::Reject;

/// A run of which less than this is useful makes no progress that anyone would wait for.
pub const LEAST_GOODPUT: f64 = 0.01;
/// Longer than the age of the universe: keeps the products of a device that never fails finite.
const NEVER: Seconds = Seconds(1e18);

/// What fails, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// Accelerators that take part.
    pub devices: f64,
    /// Accelerators that wait for one of them to fail.
    pub spares: f64,
    /// Mean time between failures of one device, whatever fails with it. \[h\]
    pub device_mtbf_hours: f64,
    /// Useful time between two checkpoints; zero for the best.
    pub interval: Seconds,
    /// One checkpoint: weights, master weights and moments.
    pub checkpoint: Bytes,
}

/// Useful time over wall time, and what makes the difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goodput {
    /// Useful time over wall time, in (0, 1].
    pub share: f64,
    /// Mean time between two failures of the run.
    pub mtbf: Seconds,
    /// Useful time between two checkpoints, the one used.
    pub interval: Seconds,
    /// Writing one checkpoint.
    pub write: Seconds,
    /// What the training waits for it.
    pub pause: Seconds,
    /// From a failure to the first step after it.
    pub recovery: Seconds,
}

impl Goodput {
    /// Of a run in its steady state. A failure strikes at any time, restarts and checkpoints included, and loses what was done since the
    /// last checkpoint.
    ///
    /// Wall time of one interval `τ` with a pause `δ`, a recovery `R` and failures every `M`: `M·e^(R/M)·(e^((τ+δ)/M) − 1)`, which for rare
    /// failures is `τ + δ + (R + τ/2)·τ/M`: half an interval is lost.
    ///
    /// # Source
    /// Daly 2006, doi:10.1016/j.future.2004.11.016, the complete cost function; exponential times between failures.
    ///
    /// # Errors
    /// [`Reject::FailsTooOften`] where less than [`LEAST_GOODPUT`] of the time is useful.
    pub fn of(reliability: &Reliability, operations: &Operations) -> Result<Self, Reject> {
        let mtbf = Seconds(reliability.device_mtbf_hours * HOUR / reliability.devices).min(NEVER);
        let write = write_time(reliability.checkpoint, reliability.devices, operations);
        let pause = write * (1.0 - operations.checkpoint_asynchronous_share);
        let best = if reliability.interval > Seconds::ZERO { reliability.interval } else { daly(pause, mtbf) };
        // What is written in the background has to arrive before the next checkpoint starts.
        let interval = best.max(write - pause);
        let recovery = operations.detection + operations.restart + wait_for_node(reliability, mtbf, operations);
        let wall = mtbf * ((recovery / mtbf).exp() * ((interval + pause) / mtbf).exp_m1());
        let share = (interval / wall).min(1.0);
        // Not a number where the wall time overflows: refused too.
        if share >= LEAST_GOODPUT {
            Ok(Self { share, mtbf, interval, write, pause, recovery })
        } else {
            Err(Reject::FailsTooOften)
        }
    }
}

/// What [`Goodput::of`] leaves at most, however often and however fast checkpoints are written: `M·e^(R/M)·(e^((τ+δ)/M) − 1) ≥ e^(R/M)·τ`.
///
/// 16,384 devices that fail once in 50,000 hours each: a failure in 3 hours, of which 20 minutes of recovery leave 0.9.
#[must_use]
pub fn most_goodput(devices: f64, device_mtbf_hours: f64, operations: &Operations) -> f64 {
    let mtbf = Seconds(device_mtbf_hours * HOUR / devices).min(NEVER);
    let recovery = operations.detection + operations.restart;
    // An exponential is no exact number.
    (-(recovery / mtbf)).exp() * (1.0 + 1e-12)
}

/// Writing a checkpoint of which every device has an equal part: as fast as devices or file system, whichever is slower.
///
/// Llama-3.1-405B's 5.7 TB on 16,384 devices: 0.35 s at 1 GB/s each, but 2.8 s at the 2 TB/s of its file system.
fn write_time(checkpoint: Bytes, devices: f64, operations: &Operations) -> Seconds {
    let all_devices = operations.checkpoint_device_bandwidth * devices;
    checkpoint / all_devices.min(operations.checkpoint_storage_bandwidth)
}

/// Mean wait for a node to take the place of a failed one.
///
/// By Little's law `node · hardware failures · repair time` devices are away at any time; spares that cover them leave no wait, and where
/// they cover a part, so much of the failures does not wait.
fn wait_for_node(reliability: &Reliability, mtbf: Seconds, operations: &Operations) -> Seconds {
    let away = operations.node_devices * operations.hardware_failure_share * (operations.repair / mtbf);
    let uncovered = if away > reliability.spares { 1.0 - reliability.spares / away } else { 0.0 };
    operations.repair * (operations.hardware_failure_share * uncovered)
}

/// The useful time between two checkpoints that Young found best to first order, `√(2δM)`.
///
/// # Source
/// Young 1974, doi:10.1145/361147.361115.
///
/// ```
/// # use llmsweep_model::{goodput::young, quantity::Seconds};
/// // A pause of 5 minutes and a failure a day: 2 hours.
/// assert_eq!(young(Seconds(300.0), Seconds(86_400.0)), Seconds(7200.0));
/// ```
#[must_use]
pub fn young(pause: Seconds, mtbf: Seconds) -> Seconds {
    Seconds((2.0 * pause.0 * mtbf.0).sqrt())
}

/// The same to higher order: `√(2δM)·(1 + ⅓·√(δ/2M) + ⅑·δ/2M) − δ`, and `M` where a pause takes `2M` or more.
///
/// # Source
/// Daly 2006, doi:10.1016/j.future.2004.11.016, the higher-order optimum.
///
/// ```
/// # use llmsweep_model::{goodput::daly, quantity::Seconds};
/// // Young's 7,200 s, 1.41 % longer, less the pause: 7,001.4 s.
/// assert!((daly(Seconds(300.0), Seconds(86_400.0)).0 - 7001.4).abs() < 0.1);
/// ```
#[must_use]
pub fn daly(pause: Seconds, mtbf: Seconds) -> Seconds {
    let ratio = pause.0 / (2.0 * mtbf.0);
    if ratio >= 1.0 {
        return mtbf;
    }
    young(pause, mtbf) * (1.0 + ratio.sqrt() / 3.0 + ratio / 9.0) - pause
}
