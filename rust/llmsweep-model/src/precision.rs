//! Number formats: how many bits a value takes in memory, scales included, and which units compute with it.
//!
//! A precision is one row of [`Precision::ALL`]. `weight_bits` and `activation_bits` count the shared scales:
//! mxfp4 stores 4 bits and one 8-bit exponent per 32 values (OCP Microscaling v1.0, section 5.2), 4.25 bits;
//! nvfp4 one 8-bit scale per 16 values, 4.5 bits.

/// What a matrix unit multiplies; selects the peak rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComputeFormat {
    /// IEEE single precision on the vector units.
    Fp32,
    /// TensorFloat-32.
    Tf32,
    /// IEEE half precision.
    Fp16,
    /// bfloat16.
    Bf16,
    /// 8-bit floating point (E4M3 or E5M2).
    Fp8,
    /// 8-bit integer.
    Int8,
    /// 4-bit floating point (E2M1).
    Fp4,
    /// 4-bit integer.
    Int4,
}

impl ComputeFormat {
    /// Every format, in the order of [`ComputeFormat::index`].
    pub const ALL: [Self; 8] =
        [Self::Fp32, Self::Tf32, Self::Fp16, Self::Bf16, Self::Fp8, Self::Int8, Self::Fp4, Self::Int4];

    /// Name in catalogue files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Tf32 => "tf32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
            Self::Fp4 => "fp4",
            Self::Int4 => "int4",
        }
    }

    /// Position in [`ComputeFormat::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A precision of weights and arithmetic: one row of [`Precision::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precision {
    /// Name in specifications and columns.
    pub name: &'static str,
    /// Bits of a quantised weight, scales included.
    pub weight_bits: f64,
    /// Bits of an activation that enters a matrix multiplication, scales included.
    pub activation_bits: f64,
    /// Bits of what is never quantised: embeddings, LM head, norms, router, residual stream.
    pub unquantised_bits: f64,
    /// What the matrix units multiply; the first that the accelerator has.
    pub compute: &'static [ComputeFormat],
    /// Whether weights are expanded to the compute format on the fly (weight-only quantisation).
    pub weight_only: bool,
    /// Whether models are trained in it.
    pub trains: bool,
    /// One line for the documentation.
    pub doc: &'static str,
}

use ComputeFormat::{Bf16, Fp4, Fp8, Fp16, Fp32, Int4, Int8, Tf32};

/// 16-bit arithmetic: bfloat16, or half precision where the chip lacks it (Volta, Turing).
const SIXTEEN: &[ComputeFormat] = &[Bf16, Fp16];

const fn row(
    name: &'static str,
    weight_bits: f64,
    activation_bits: f64,
    compute: &'static [ComputeFormat],
    trains: bool,
    doc: &'static str,
) -> Precision {
    let weight_only = weight_bits < activation_bits;
    let unquantised_bits = if weight_bits > 16.0 { 32.0 } else { 16.0 };
    Precision { name, weight_bits, activation_bits, unquantised_bits, compute, weight_only, trains, doc }
}

impl Precision {
    /// Every precision; a new one is a new row here, its peak in the accelerators and its curve in the efficiencies.
    pub const ALL: &'static [Self] = &[
        row("fp32", 32.0, 32.0, &[Fp32], true, "IEEE single precision on the vector units"),
        row("tf32", 32.0, 32.0, &[Tf32], true, "single precision in memory, TensorFloat-32 on the matrix units"),
        row("fp16", 16.0, 16.0, &[Fp16], true, "IEEE half precision"),
        row("bf16", 16.0, 16.0, &[Bf16], true, "bfloat16"),
        row("fp8", 8.0, 8.0, &[Fp8], true, "W8A8 in E4M3 with one scale per tensor or row"),
        row(
            "fp8_block",
            8.0 + 32.0 / (128.0 * 128.0),
            8.0 + 32.0 / 128.0,
            &[Fp8],
            true,
            "W8A8 in E4M3 with one 32-bit scale per 128 × 128 weights and per 128 activations (DeepSeek-V3)",
        ),
        row("mxfp8", 8.25, 8.25, &[Fp8], true, "E4M3 with one 8-bit exponent per 32 values (OCP Microscaling)"),
        row("int8", 8.0, 8.0, &[Int8], false, "W8A8 integers with one scale per channel and token (SmoothQuant)"),
        row("w8a16", 8.125, 16.0, SIXTEEN, false, "8-bit integer weights, one 16-bit scale per 128; 16-bit arithmetic"),
        row(
            "w4a16",
            4.15625,
            16.0,
            SIXTEEN,
            false,
            "4-bit integer weights, 16-bit scale and 4-bit zero per 128 (AWQ, GPTQ)",
        ),
        row(
            "q4_k_m",
            4.83,
            16.0,
            SIXTEEN,
            false,
            "llama.cpp's Q4_K_M: 4- and 6-bit super-blocks, 4.83 bits on average",
        ),
        row("int4", 4.125, 4.125, &[Int4], false, "W4A4 integers with one 16-bit scale per 128"),
        row("mxfp4", 4.25, 4.25, &[Fp4], false, "E2M1 with one 8-bit exponent per 32 values (OCP Microscaling)"),
        row("nvfp4", 4.5, 4.5, &[Fp4], true, "E2M1 with one E4M3 scale per 16 values (NVIDIA Blackwell)"),
    ];

    /// The precision of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|precision| precision.name == name)
    }

    /// Bytes of one quantised weight.
    #[must_use]
    pub fn weight_bytes(&self) -> f64 {
        self.weight_bits / 8.0
    }

    /// Bytes of one activation entering a matrix multiplication.
    #[must_use]
    pub fn activation_bytes(&self) -> f64 {
        self.activation_bits / 8.0
    }

    /// Bytes of one value of what is never quantised.
    #[must_use]
    pub fn unquantised_bytes(&self) -> f64 {
        self.unquantised_bits / 8.0
    }
}

/// Which matrices of the layers a precision holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantised {
    /// As checkpoints are published: experts alone where there are some and their weights have fewer than 8 bits, else all.
    Usual,
    /// All.
    All,
    /// The routed experts; the others stay in 16 bits.
    Experts,
}

impl Quantised {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 3] = [("usual", Self::Usual), ("all", Self::All), ("experts", Self::Experts)];

    /// Whether experts alone are held in a precision.
    ///
    /// ```
    /// # use llmsweep_model::precision::{Precision, Quantised};
    /// let of = |name| Precision::by_name(name).expect("it is known");
    /// assert!(Quantised::Usual.only_experts(of("mxfp4"), true) && !Quantised::Usual.only_experts(of("fp8"), true));
    /// ```
    #[must_use]
    pub fn only_experts(self, precision: &Precision, has_experts: bool) -> bool {
        has_experts
            && match self {
                Self::Usual => precision.weight_bits < 8.0,
                Self::All => false,
                Self::Experts => true,
            }
    }
}

/// A format of the key-value cache: one row of [`KvPrecision::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvPrecision {
    /// Name in specifications and columns.
    pub name: &'static str,
    /// Bits of one cached value, scales included.
    pub bits: f64,
    /// One line for the documentation.
    pub doc: &'static str,
}

impl KvPrecision {
    /// Every cache format.
    pub const ALL: &'static [Self] = &[
        Self { name: "fp32", bits: 32.0, doc: "IEEE single precision" },
        Self { name: "fp16", bits: 16.0, doc: "IEEE half precision" },
        Self { name: "bf16", bits: 16.0, doc: "bfloat16" },
        Self { name: "fp8", bits: 8.0, doc: "E4M3 with one scale per tensor or head" },
        Self { name: "int8", bits: 8.125, doc: "8-bit integers with one 16-bit scale per 128" },
        Self { name: "int4", bits: 4.15625, doc: "4-bit integers with 16-bit scale and 4-bit zero per 128" },
        Self { name: "nvfp4", bits: 4.5, doc: "E2M1 with one E4M3 scale per 16" },
    ];

    /// The cache format of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|format| format.name == name)
    }

    /// Bytes of one cached value.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        self.bits / 8.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microscaling_counts_its_exponents() {
        assert_eq!(Precision::by_name("mxfp4").map(|p| p.weight_bits), Some(4.0 + 8.0 / 32.0));
        assert_eq!(Precision::by_name("nvfp4").map(|p| p.weight_bits), Some(4.0 + 8.0 / 16.0));
    }

    #[test]
    fn names_are_unique() {
        for (index, precision) in Precision::ALL.iter().enumerate() {
            assert!(Precision::ALL[index + 1..].iter().all(|other| other.name != precision.name));
        }
    }
}
