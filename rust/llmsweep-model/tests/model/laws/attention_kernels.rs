//! Whatever a fit finds within its bounds: faster hardware is never slower, more work never faster, nothing beats the datasheet.
use llmsweep_model::law::{Chip, Family};
use llmsweep_model::quantity::{Bytes, BytesPerSec, FlopsPerSec};
use proptest::prelude::*;

const FAMILIES: [&str; 6] =
    ["prefill_attention", "decode_attention", "latent_prefill", "latent_decode", "convolution", "scan"];

const CHIP: Chip = Chip {
    peak: FlopsPerSec(989.4e12),
    plain_peak: FlopsPerSec(989.4e12),
    bandwidth: BytesPerSec(3.35e12),
    units: 132.0,
    l2: Bytes(52.4e6),
    link: BytesPerSec(450e9),
    network: BytesPerSec(50e9),
    weight_bytes: 2.0,
    operand_bytes: 2.0,
    result_bytes: 2.0,
};

/// One kernel of a family: batch and tokens come first in every family.
#[derive(Clone, Debug)]
struct Kernel {
    family: &'static Family,
    coefficients: Vec<f64>,
    batch: f64,
    tokens: f64,
    rest: Vec<f64>,
}

impl Kernel {
    fn time(&self, chip: &Chip, batch: f64, tokens: f64, warm: bool) -> f64 {
        let inputs: Vec<f64> = [batch, tokens].into_iter().chain(self.rest.iter().copied()).collect();
        let columns: Vec<Vec<f64>> = inputs.into_iter().map(|value| vec![value]).collect();
        self.family.times(&self.coefficients, chip, &columns, warm)[0]
    }

    /// Operations and bytes that no kernel can do without.
    fn least(&self) -> (f64, f64) {
        let (b, s, rest) = (self.batch, self.tokens, &self.rest);
        match self.family.name {
            "prefill_attention" => {
                let (h, kv, d) = (rest[0], rest[1], rest[2]);
                (2.0 * b * h * d * s * (s + 1.0), 4.0 * b * s * d * (h + kv))
            }
            "decode_attention" => {
                let (h, kv, d) = (rest[0], rest[1], rest[2]);
                (4.0 * b * h * d * s, 4.0 * b * s * d * kv)
            }
            "latent_prefill" => (320.0 * b * rest[0] * s * (s + 1.0), 0.0),
            "latent_decode" => (2176.0 * b * rest[0] * s, 1152.0 * b * s),
            "convolution" => (0.0, 4.0 * b * s * rest[0]),
            _ => (4.0 * b * s * rest[0] * rest[1] * rest[3], 4.0 * b * s * rest[0] * rest[1]),
        }
    }
}

fn kernel() -> impl Strategy<Value = Kernel> {
    let family = prop::sample::select(FAMILIES.to_vec());
    (family, 0..9_u32, 0..17_u32, 0..7_u32, 0..7_u32, 0..4_usize).prop_flat_map(
        |(name, batch, tokens, kv, group, width)| {
            let family = Family::by_name(name).expect("a family of the list");
            let power = |exponent: u32| f64::from(1 << exponent);
            let heads = power(kv) * power(group.min(7 - kv.min(7)));
            let rest = match name {
                "prefill_attention" | "decode_attention" => vec![heads, power(kv), [64.0, 80.0, 128.0, 256.0][width]],
                "convolution" => vec![heads * 64.0, 4.0],
                "scan" => vec![heads, 64.0, 8.0, 128.0, 256.0],
                _ => vec![heads],
            };
            let within = family.coefficients.iter().map(|coefficient| (coefficient.low, coefficient.high));
            let coefficients: Vec<_> = within.map(|(low, high)| (low.ln()..=high.ln()).prop_map(f64::exp)).collect();
            coefficients.prop_map(move |coefficients| Kernel {
                family,
                coefficients,
                batch: power(batch),
                tokens: power(tokens),
                rest: rest.clone(),
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_better_chip_is_never_slower(kernel in kernel(), warm: bool, peak in 1.0..4.0_f64, bandwidth in 1.0..4.0_f64) {
        let faster = FlopsPerSec(CHIP.peak.0 * peak);
        let better = Chip { peak: faster, plain_peak: faster, bandwidth: CHIP.bandwidth * bandwidth, ..CHIP };
        let (base, better) =
            (kernel.time(&CHIP, kernel.batch, kernel.tokens, warm), kernel.time(&better, kernel.batch, kernel.tokens, warm));
        prop_assert!(better <= base * (1.0 + 1e-9), "{kernel:?}: {base} s, better chip {better} s");
    }

    #[test]
    fn more_work_is_never_faster(kernel in kernel(), warm: bool, more in 1.0..4.0_f64) {
        let base = kernel.time(&CHIP, kernel.batch, kernel.tokens, warm);
        prop_assert!(kernel.time(&CHIP, kernel.batch * more, kernel.tokens, warm) >= base * (1.0 - 1e-9), "{kernel:?}");
        // One token runs in another kernel than a prompt of two.
        if kernel.tokens > 1.0 {
            prop_assert!(kernel.time(&CHIP, kernel.batch, kernel.tokens * more, warm) >= base * (1.0 - 1e-9), "{kernel:?}");
        }
    }

    #[test]
    fn nothing_beats_the_datasheet_cold(kernel in kernel()) {
        let (flops, bytes) = kernel.least();
        let least = (flops / CHIP.peak.0).max(bytes / CHIP.bandwidth.0);
        let time = kernel.time(&CHIP, kernel.batch, kernel.tokens, false);
        prop_assert!(time >= least * (1.0 - 1e-9), "{kernel:?}: {time} s, {least} s by the datasheet");
        prop_assert!(time >= kernel.time(&CHIP, kernel.batch, kernel.tokens, true) * (1.0 - 1e-9));
    }
}
