//! What the traffic can't be at once.
use super::report::Report;
use super::{AxisValue, AxisValues};

/// Refuses arrivals at a rate together with a number of requests in flight, of which one follows from the other.
pub(super) fn check(axes: &[AxisValues], report: &mut Report) {
    let given = |name: &str| axes.iter().find(|axis| axis.axis.name == name && axis.place.is_some());
    let (Some(rate), Some(concurrency)) = (given("arrival_rate_per_s"), given("concurrency")) else { return };
    let arrives = |value: &AxisValue| matches!(value, AxisValue::Number(number) if *number > 0.0);
    if let (Some(place), true) = (&concurrency.place, rate.values.iter().any(arrives)) {
        report.wrong(place, "concurrency follows from arrival_rate_per_s: give one of the two");
    }
}
