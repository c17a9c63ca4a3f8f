//! The short causal convolution before a state-space layer's scan.
use super::residence::replayed;
use super::{Chip, Coefficient, Input, Law};
use crate::quantity::Seconds;

/// Over a prompt `t = t₀ + (N⁴ + M⁴)^¼`, for one token `t = t₀ + M₁`.
///
/// - `M = 4·b·s·ch/(BW·e)`: every channel of every token read and written, in 16 bits.
/// - `N = c·b·ch/SM`: a block per channel of a sequence, which takes its time however short the sequence is: a batch of short prompts pays
///   far more than its bytes.
/// - `M₁ = 4·b·ch·(1 + (width − 1))/(BW·e₁)`: the token and the `width − 1` before it, kept per channel.
///
/// In a timing loop either may sit in L2: `(ρ + x⁴)/(1 + x⁴)`. From 5,311 timings of TensorRT-LLM on eight accelerators (aiconfigurator).
///
/// ```
/// # use llmsweep_model::{law::{Chip, ConvolutionLaw, ConvolutionShape, Law}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = ConvolutionLaw::of(&[4e-6, 1.1e-7, 0.6, 0.6, 0.8]);
/// let shape = ConvolutionShape { batch: 1.0, sequence: 8192.0, channels: 6144.0, width: 4.0 };
/// assert!((law.seconds(&chip, &shape, false).0 - 104e-6).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvolutionLaw {
    /// Time of an empty kernel, `t₀`.
    pub launch: Seconds,
    /// Time that a unit needs for a channel of a sequence, `c`.
    pub channel: Seconds,
    /// Share of the memory bandwidth over a prompt, `e`.
    pub memory_efficiency: f64,
    /// Share of the memory bandwidth for one token, `e₁`.
    pub step_efficiency: f64,
    /// Share of the memory time that remains in L2, `ρ`.
    pub l2_ratio: f64,
}

/// What a convolution has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvolutionShape {
    /// Sequences.
    pub batch: f64,
    /// Tokens of each; 1 is a step of decoding.
    pub sequence: f64,
    /// Channels of the device.
    pub channels: f64,
    /// Tokens that the convolution spans.
    pub width: f64,
}

impl ConvolutionLaw {
    /// Time of one kernel.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &ConvolutionShape, warm: bool) -> Seconds {
        let &ConvolutionShape { batch, sequence, channels, width } = shape;
        let one = sequence <= 1.0;
        let bytes = 4.0 * batch * channels * if one { width } else { sequence };
        let efficiency = if one { self.step_efficiency } else { self.memory_efficiency };
        let stay = if warm { replayed(bytes, chip.l2.0, self.l2_ratio, 2) } else { 1.0 };
        let memory = bytes * stay / (chip.bandwidth.0 * efficiency);
        let begin = if one { 0.0 } else { self.channel.0 * batch * channels / chip.units.max(1.0) };
        let (begin, memory) = (begin * begin, memory * memory);
        let time = self.launch.0 + (begin * begin + memory * memory).sqrt().sqrt();
        let least = if warm { 0.0 } else { bytes / chip.bandwidth.0 };
        Seconds(time.max(least))
    }
}

impl Law for ConvolutionLaw {
    const FAMILY: &'static str = "convolution";
    const DOC: &'static str = "Short causal convolution of a state-space layer.";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "sequence", doc: "tokens of each; 1 is a step of decoding" },
        Input { name: "channels", doc: "channels" },
        Input { name: "width", doc: "tokens that the convolution spans" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of an empty kernel", low: 1e-6, start: 4e-6, high: 6e-5 },
        Coefficient {
            name: "channel_s",
            doc: "time that a unit needs for a channel of a sequence",
            low: 1e-9,
            start: 1.1e-7,
            high: 5e-6,
        },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth over a prompt",
            low: 0.1,
            start: 0.6,
            high: 1.1,
        },
        Coefficient {
            name: "step_efficiency",
            doc: "share of the memory bandwidth for one token",
            low: 0.1,
            start: 0.6,
            high: 1.1,
        },
        Coefficient {
            name: "l2_ratio",
            doc: "share of the memory time that remains in L2",
            low: 0.05,
            start: 0.6,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[launch, channel, memory_efficiency, step_efficiency, l2_ratio] =
            coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self { launch: Seconds(launch), channel: Seconds(channel), memory_efficiency, step_efficiency, l2_ratio }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, sequence, channels, width] = inputs.first_chunk().expect("a value for each of the law's inputs");
        self.seconds(chip, &ConvolutionShape { batch, sequence, channels, width }, warm)
    }
}
