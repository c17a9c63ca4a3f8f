//! The scan of a state-space layer: in chunks over a prompt, one state update per token in decoding.
use super::{Chip, Coefficient, Input, Law};
use crate::kernel::roofline;
use crate::quantity::{Bytes, Flops, Seconds};

/// Bytes of one value of a state: kept in 32 bits.
const STATE_BYTES: f64 = 4.0;

/// What a scan has to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanShape {
    /// Sequences.
    pub batch: f64,
    /// Tokens of each; 1 is a step of decoding.
    pub sequence: f64,
    /// Heads of the device, `H`.
    pub heads: f64,
    /// Width of a head, `P`.
    pub head_dim: f64,
    /// Groups of heads that share inputs and outputs of the state, `G`.
    pub groups: f64,
    /// Width of the state, `N`.
    pub state: f64,
    /// Tokens of a chunk, `Q`.
    pub chunk: f64,
}

impl ScanShape {
    /// Operations, a multiply-add as two (Dao and Gu 2024, section 6): products within a chunk, its state, and what the state adds.
    ///
    /// ```
    /// # use llmsweep_model::law::ScanShape;
    /// let shape = ScanShape { batch: 1.0, sequence: 256.0, heads: 64.0, head_dim: 64.0, groups: 8.0, state: 128.0, chunk: 256.0 };
    /// assert_eq!(shape.flops(), 256.0 * (2.0 * 256.0 * 128.0 * 8.0 + 2.0 * 256.0 * 4096.0 + 4.0 * 128.0 * 4096.0));
    /// ```
    #[must_use]
    pub fn flops(&self) -> f64 {
        let inner = self.heads * self.head_dim;
        let within = if self.sequence <= 1.0 {
            0.0
        } else {
            2.0 * self.chunk.min(self.sequence) * (self.state * self.groups + inner)
        };
        self.batch * self.sequence * (within + 4.0 * self.state * inner)
    }

    /// Bytes: inputs and results in 16 bits; the state once read and once written per chunk, per token in decoding.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        let inner = self.heads * self.head_dim;
        let token = 2.0 * (2.0 * inner + 2.0 * self.groups * self.state + self.heads);
        let chunks = (self.sequence / self.chunk).max(1.0);
        self.batch * (self.sequence * token + chunks * 2.0 * STATE_BYTES * inner * self.state)
    }
}

/// `t = t₀ + √((F/(P₁₆·e_c))² + (B/(BW·e_m))²)`, `F` and `B` of [`ScanShape`].
///
/// No public timings of it: the defaults are assumptions (`t₀`: five kernels over a prompt; a third of the 16-bit peak, as the paper's kernel
/// reaches against attention; the bandwidth of other memory-bound kernels).
///
/// ```
/// # use llmsweep_model::{law::{Chip, Law, ScanLaw, ScanShape}, quantity::*};
/// # let chip = Chip { peak: FlopsPerSec(989.4e12), plain_peak: FlopsPerSec(989.4e12), bandwidth: BytesPerSec(3.35e12), units: 132.0,
/// #     l2: Bytes(52.4e6), link: BytesPerSec(450e9), network: BytesPerSec(50e9), weight_bytes: 2.0, operand_bytes: 2.0, result_bytes: 2.0 };
/// let law = ScanLaw { launch: Seconds(12e-6), compute_efficiency: 0.3, memory_efficiency: 0.7 };
/// let step = ScanShape { batch: 64.0, sequence: 1.0, heads: 64.0, head_dim: 64.0, groups: 8.0, state: 128.0, chunk: 256.0 };
/// assert!((law.seconds(&chip, &step, false).0 - 127e-6).abs() < 1e-6); // 269 MB of states
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanLaw {
    /// Time of empty kernels, `t₀`.
    pub launch: Seconds,
    /// Share of the 16-bit peak, `e_c`.
    pub compute_efficiency: f64,
    /// Share of the memory bandwidth, `e_m`.
    pub memory_efficiency: f64,
}

impl ScanLaw {
    /// Time of all kernels of a scan.
    #[must_use]
    pub fn seconds(&self, chip: &Chip, shape: &ScanShape, warm: bool) -> Seconds {
        let (flops, bytes) = (Flops(shape.flops()), Bytes(shape.bytes()));
        let time = self.of_work(chip, flops, bytes);
        if warm { time } else { time.max(flops / chip.plain_peak).max(bytes / chip.bandwidth) }
    }

    /// The same for any recurrence (delta rule, Mamba-1, lightning) whose operations and bytes are counted.
    #[must_use]
    pub fn of_work(&self, chip: &Chip, flops: Flops, bytes: Bytes) -> Seconds {
        let rate = chip.plain_peak * self.compute_efficiency;
        self.launch + roofline(flops, rate, bytes, chip.bandwidth * self.memory_efficiency)
    }
}

impl Law for ScanLaw {
    const FAMILY: &'static str = "scan";
    const DOC: &'static str = "Scan of a state-space layer (Mamba-2).";
    const INPUTS: &'static [Input] = &[
        Input { name: "batch", doc: "sequences" },
        Input { name: "sequence", doc: "tokens of each; 1 is a step of decoding" },
        Input { name: "heads", doc: "heads" },
        Input { name: "head_dim", doc: "width of a head" },
        Input { name: "groups", doc: "groups of heads that share inputs and outputs of the state" },
        Input { name: "state", doc: "width of the state" },
        Input { name: "chunk", doc: "tokens of a chunk" },
    ];
    const COEFFICIENTS: &'static [Coefficient] = &[
        Coefficient { name: "launch_s", doc: "time of empty kernels", low: 1e-6, start: 12e-6, high: 1e-4 },
        Coefficient { name: "compute_efficiency", doc: "share of the 16-bit peak", low: 0.02, start: 0.3, high: 1.0 },
        Coefficient {
            name: "memory_efficiency",
            doc: "share of the memory bandwidth",
            low: 0.1,
            start: 0.7,
            high: 1.0,
        },
    ];

    fn of(coefficients: &[f64]) -> Self {
        let &[launch, compute_efficiency, memory_efficiency] =
            coefficients.first_chunk().expect("a value for each of the law's coefficients");
        Self { launch: Seconds(launch), compute_efficiency, memory_efficiency }
    }

    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds {
        let &[batch, sequence, heads, head_dim, groups, state, chunk] =
            inputs.first_chunk().expect("a value for each of the law's inputs");
        self.seconds(chip, &ScanShape { batch, sequence, heads, head_dim, groups, state, chunk }, warm)
    }
}
