//! Passes over memory: norms, activation functions, rotations, additions.
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::{Bytes, Seconds};

/// `t = t₀ + bytes / (bandwidth · e)`.
///
/// ```
/// # use llmsweep_model::{law::{Chip, ElementwiseLaw}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(1e15), plain_peak: FlopsPerSec(1e15), bandwidth: BytesPerSec(2e12), units: 132.0, l2: Bytes(5e7),
/// #     link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = ElementwiseLaw { launch: Seconds(2e-6), memory_efficiency: 0.8 };
/// assert_eq!(law.seconds(&chip, Bytes(16e6)), Seconds(2e-6 + 1e-5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementwiseLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Share of the memory bandwidth that long passes reach, `e`.
    pub memory_efficiency: f64,
}

impl ElementwiseLaw {
    /// Time of a pass that reads and writes `bytes` together.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, bytes: Bytes) -> Seconds {
        self.launch + self.streaming(chip, bytes)
    }

    /// The same without its start.
    #[must_use]
    pub fn streaming(&self, chip: &Chip, bytes: Bytes) -> Seconds {
        bytes / (chip.bandwidth * self.memory_efficiency)
    }
}

impl Law for ElementwiseLaw {
    const FAMILY: &'static str = "elementwise";
    const DOC: &'static str = "Passes over memory: norms, activation functions, rotations, additions.";
    const INPUTS: &'static [Input] = &[Input { name: "bytes", doc: "bytes read and written" }];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 0.5e-6, start: 2.35e-6, high: 50e-6 },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth that long passes reach",
            low: 0.05,
            start: 0.80,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        Self { launch: Seconds(coefficients[0]), memory_efficiency: coefficients[1] }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], _warm: bool) -> Seconds {
        self.seconds(chip, Bytes(inputs[0]))
    }
}
