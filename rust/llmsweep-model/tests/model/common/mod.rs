//! Models, machines and software for the tests, as plain numbers.
pub(crate) mod hardware;
mod kernels;
pub(crate) mod run;
pub(crate) mod shapes;
pub(crate) mod software;

use llmsweep_model::precision::Precision;

/// `|value / published − 1| ≤ tolerance`.
#[track_caller]
pub(crate) fn close(value: f64, published: f64, tolerance: f64) {
    let error = (value / published - 1.0).abs();
    assert!(error <= tolerance, "{value:e} is {:.3} % from {published:e}", error * 100.0);
}

/// A precision that exists.
pub(crate) fn precision(name: &str) -> &'static Precision {
    Precision::by_name(name).expect("a test names a precision of the table")
}
