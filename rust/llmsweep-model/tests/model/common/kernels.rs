//! Laws of kernels as the catalogue has them for the H100, of the engine in the middle.
use llmsweep_model::kernel::Laws;
use llmsweep_model::law::{
    ConvolutionLaw, DecodeAttentionLaw, ElementwiseLaw, Family, GemmLaw, GroupedGemmLaw, LatentDecodeLaw,
    LatentPrefillLaw, Law, PrefillAttentionLaw, QuantiseLaw, ScanLaw,
};
use llmsweep_model::precision::Precision;
use llmsweep_model::quantity::{Bytes, Seconds};

const GEMM_BF16: [f64; 11] =
    [2.7597e-06, 0.85568, 0.85266, 1.9592e-09, 1113.1, 83.232, 1.6323e-2, 0.11939, 5.0, 1.2047, 4.2188e-3];
const GEMM_FP8: [f64; 11] =
    [5.5205e-06, 0.95881, 0.81511, 6.6309e-10, 162_610.0, 508.06, 0.35731, 0.37476, 6.4601, 1.0, 0.20647];
/// With weights of 8 bits that are multiplied in 16.
const GEMM_W8A16: [f64; 11] =
    [2.2815e-05, 0.734, 0.75586, 2.2016e-09, 2681.2, 133.24, 0.58095, 2.3464e-2, 5.0, 2.8221, 0.03];

const EXPERTS_BF16: [f64; 10] =
    [2.6656e-06, 5.8237e-08, 3.0917e-06, 2.0075, 0.34656, 5.991, 0.78973, 21.738, 1.3154, 6.348e-09];
const EXPERTS_FP8: [f64; 10] =
    [1.6956e-05, 9.2015e-08, 4.1772e-07, 0.42045, 0.43301, 547.83, 0.37016, 27.449, 0.14084, 2.6796e-09];
const EXPERTS_W4A16: [f64; 10] =
    [1.4642e-05, 4.0036e-08, 3.2421e-06, 8.7777, 0.23884, 3.2958, 1.0, 17.259, 0.34774, 3.2716e-10];

const ATTENTION: [f64; 11] =
    [1.2653e-05, 0.77269, 0.74123, 1.0682, 0.44355, 0.51666, 0.2987, 3.3434e-07, 1.9759, 0.25459, 0.96467];
const CACHE: [f64; 13] = [
    9.6447e-06, 0.91994, 0.99603, 0.93388, 6.9998e-4, 0.13959, 3.4243e-06, 2.1139e-06, 3.6767e-08, 3.0469e-11,
    1.1314e-06, 0.3704, 0.7353,
];
const LATENT_ATTENTION: [f64; 9] =
    [1.225e-05, 0.24224, 0.23495, 0.37625, 0.25276, 6.233e-08, 0.73917, 0.30551, 0.54587];
const LATENT_CACHE: [f64; 10] =
    [1.133e-05, 0.9932, 5.3973e-4, 0.76846, 51.078, 4.9445e-06, 9.6543e-08, 1.8129e-06, 0.12402, 0.69097];
const CONVOLUTION: [f64; 5] = [4.1616e-06, 1.1669e-07, 0.73565, 0.72711, 0.65204];

/// A law that nobody measured.
fn assumed<L: Law>() -> L {
    L::of(&Family::by_name(L::FAMILY).expect("a law of the registry").defaults())
}

/// The laws of a precision that the tests name, with a cache of 16 bits.
pub(super) fn laws(precision: &Precision) -> Laws {
    let (gemm, experts) = match precision.name {
        "fp8" => (GEMM_FP8, EXPERTS_FP8),
        "w4a16" => (GEMM_W8A16, EXPERTS_W4A16),
        _ => (GEMM_BF16, EXPERTS_BF16),
    };
    let gemm = GemmLaw::of(&gemm);
    Laws {
        gemm,
        plain_gemm: GemmLaw::of(&GEMM_BF16),
        quantise: QuantiseLaw { launch: Seconds::ZERO, traffic: Bytes(gemm.quantise_bytes.0) },
        experts: GroupedGemmLaw::of(&experts),
        attention: PrefillAttentionLaw::of(&ATTENTION),
        cache: DecodeAttentionLaw::of(&CACHE),
        latent_attention: LatentPrefillLaw::of(&LATENT_ATTENTION),
        latent_cache: LatentDecodeLaw::of(&LATENT_CACHE),
        convolution: ConvolutionLaw::of(&CONVOLUTION),
        scan: assumed::<ScanLaw>(),
        elementwise: assumed::<ElementwiseLaw>(),
        backward_attention_ratio: 0.75,
    }
}
