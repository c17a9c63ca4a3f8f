//! Rounding activations to a narrow format: a pass of its own before a multiplication.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, Seconds};

/// `t = t₀ + q·m·k / BW`: `m` rows of `k` values, `q` bytes of traffic for each (two passes over 16-bit values, one for the scale and one
/// that writes the narrow values, come to about five).
///
/// No public table times the pass alone; `q` is what the timings of multiplications contain beyond the multiplication
/// ([`GemmLaw::quantise_bytes`](super::GemmLaw::quantise_bytes)), so that it can be counted once where several multiplications share it.
///
/// ```
/// # use llmsweep_model::{law::{Chip, QuantiseLaw}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(2e15), plain_peak: FlopsPerSec(1e15), bandwidth: BytesPerSec(2e12), units: 132.0, l2: Bytes(5e7),
/// #     link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 1.0, operand_bytes: 1.0, result_bytes: 2.0 };
/// let law = QuantiseLaw { launch: Seconds(1e-6), traffic: Bytes(5.0) };
/// assert!((law.seconds(&chip, 1000.0, 4000.0).0 - 11e-6).abs() < 1e-12); // 20 MB at 2 TB/s
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantiseLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Traffic per value, `q`.
    pub traffic: Bytes,
}

impl QuantiseLaw {
    /// Time to round `rows` rows of `width` values.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, rows: f64, width: f64) -> Seconds {
        self.launch + Bytes(self.traffic.0 * rows * width) / chip.bandwidth
    }
}

impl Law for QuantiseLaw {
    const FAMILY: &'static str = "quantise";
    const DOC: &'static str = "Rounding activations to a narrow format before a multiplication.";
    const INPUTS: &'static [Input] =
        &[Input { name: "m", doc: "rows: tokens" }, Input { name: "k", doc: "values in a row" }];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-7, start: 1.5e-6, high: 50e-6 },
        Coefficient { name: "traffic_bytes", doc: "traffic per value", low: 2.5, start: 5.0, high: 60.0 },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[launch, traffic] = coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self { launch: Seconds(launch), traffic: Bytes(traffic) }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
        let &[rows, width] = inputs.first_chunk().expect("a value for each of the law's inputs");
        self.seconds(chip, rows, width)
    }
}
