//! Whatever a fit finds within its bounds: faster hardware is never slower, more work never faster, nothing beats the datasheet.
use llmsweep_model::law::{Chip, Family, GemmLaw, GemmShape, GroupedGemmLaw, GroupedShape, Law};
use llmsweep_model::quantity::{Bytes, BytesPerSec, FlopsPerSec, Seconds};
use proptest::prelude::*;

const CHIP: Chip = Chip {
    peak: FlopsPerSec(1978.9e12),
    plain_peak: FlopsPerSec(989.4e12),
    bandwidth: BytesPerSec(3.35e12),
    units: 132.0,
    l2: Bytes(52.4e6),
    link: BytesPerSec(450e9),
    network: BytesPerSec(50e9),
    weight_bytes: 1.0,
    operand_bytes: 1.0,
    result_bytes: 2.0,
};

fn coefficients(family: &str) -> impl Strategy<Value = Vec<f64>> + use<> {
    let family = Family::by_name(family).expect("a family of the registry");
    let within = family.coefficients.iter().map(|coefficient| (coefficient.low, coefficient.high));
    within.map(|(low, high)| (low.ln()..=high.ln()).prop_map(f64::exp)).collect::<Vec<_>>()
}

fn gemm() -> impl Strategy<Value = GemmShape> {
    (0..16_u32, 4..17_u32, 4..17_u32).prop_map(|(m, n, k)| GemmShape {
        m: f64::from(1 << m),
        n: f64::from(1 << n),
        k: f64::from(1 << k),
    })
}

fn grouped() -> impl Strategy<Value = GroupedShape> {
    (0..16_u32, 10..14_u32, 6..15_u32, 0..4_u32, 0..6_u32, 0..4_u32, any::<bool>(), 1.0..6.0_f64).prop_map(
        |(tokens, hidden, intermediate, top_k, spare, ranks, gated, hottest)| GroupedShape {
            tokens: f64::from(1 << tokens),
            hidden: f64::from(1 << hidden),
            intermediate: f64::from(1 << intermediate),
            top_k: f64::from(1 << top_k),
            experts: f64::from(1 << (top_k + spare + ranks)),
            expert_parallel: f64::from(1 << ranks),
            gated,
            hottest,
            active: 0.0,
        },
    )
}

fn faster(peak: f64, bandwidth: f64) -> Chip {
    Chip { peak: FlopsPerSec(CHIP.peak.0 * peak), bandwidth: BytesPerSec(CHIP.bandwidth.0 * bandwidth), ..CHIP }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn faster_chips_multiply_no_slower(
        law in coefficients("gemm"), shape in gemm(), peak in 1.0..4.0_f64, bandwidth in 1.0..4.0_f64, warm in any::<bool>(),
    ) {
        let law = GemmLaw::of(&law);
        prop_assert!(law.seconds(&faster(peak, bandwidth), &shape, warm) <= law.seconds(&CHIP, &shape, warm));
    }

    #[test]
    fn larger_products_take_no_less(
        law in coefficients("gemm"), shape in gemm(), m in 1.0..3.0_f64, n in 1.0..3.0_f64, k in 1.0..3.0_f64, warm in any::<bool>(),
    ) {
        let law = GemmLaw::of(&law);
        let larger = GemmShape { m: shape.m * m, n: shape.n * n, k: shape.k * k };
        prop_assert!(law.seconds(&CHIP, &larger, warm) >= law.seconds(&CHIP, &shape, warm));
    }

    #[test]
    fn products_never_beat_the_datasheet(law in coefficients("gemm"), shape in gemm()) {
        let GemmShape { m, n, k } = shape;
        let time = GemmLaw::of(&law).seconds(&CHIP, &shape, false).0;
        prop_assert!(time >= 2.0 * m * n * k / CHIP.peak.0);
        prop_assert!(time >= (m * k + n * k + 2.0 * m * n) / CHIP.bandwidth.0);
    }

    /// Rounding of activations can be counted apart, and there is none at 16 bits; a warm cache only helps.
    #[test]
    fn products_are_sums(law in coefficients("gemm"), shape in gemm()) {
        let law = GemmLaw::of(&law);
        let apart = law.multiplication(&CHIP, &shape, false) + law.quantisation(&CHIP, shape.m, shape.k);
        prop_assert_eq!(law.seconds(&CHIP, &shape, false), apart);
        let wide = Chip { operand_bytes: 2.0, ..CHIP };
        prop_assert_eq!(law.quantisation(&wide, shape.m, shape.k), Seconds::ZERO);
        prop_assert!(law.seconds(&CHIP, &shape, true) <= apart);
        prop_assert!(law.multiplication(&CHIP, &shape, false) >= law.launch);
    }

    #[test]
    fn faster_chips_run_experts_no_slower(
        law in coefficients("grouped_gemm"), shape in grouped(), peak in 1.0..4.0_f64, bandwidth in 1.0..4.0_f64,
    ) {
        let law = GroupedGemmLaw::of(&law);
        prop_assert!(law.seconds(&faster(peak, bandwidth), &shape) <= law.seconds(&CHIP, &shape));
    }

    #[test]
    fn more_work_for_experts_takes_no_less(
        law in coefficients("grouped_gemm"), shape in grouped(), tokens in 1.0..3.0_f64, width in 1.0..3.0_f64, hottest in 1.0..3.0_f64,
    ) {
        let law = GroupedGemmLaw::of(&law);
        let larger = GroupedShape {
            tokens: shape.tokens * tokens,
            intermediate: shape.intermediate * width,
            hottest: shape.hottest * hottest,
            ..shape
        };
        prop_assert!(law.seconds(&CHIP, &larger) >= law.seconds(&CHIP, &shape));
    }

    #[test]
    fn experts_never_beat_the_datasheet(law in coefficients("grouped_gemm"), shape in grouped()) {
        let matrices = if shape.gated { 3.0 } else { 2.0 };
        let weights = matrices * shape.hidden * shape.intermediate;
        let rows = shape.tokens * shape.top_k / shape.expert_parallel * shape.hottest;
        let active = (shape.experts / shape.expert_parallel).min(rows.max(1.0));
        let time = GroupedGemmLaw::of(&law).seconds(&CHIP, &shape).0;
        prop_assert!(time >= 2.0 * rows * weights / CHIP.peak.0);
        prop_assert!(time >= active * weights / CHIP.bandwidth.0);
    }
}

#[test]
fn rounding_takes_its_traffic() {
    let family = Family::by_name("quantise").expect("a family of the registry");
    let time = |m: f64| family.times(&[1e-6, 5.0], &CHIP, &[vec![m], vec![4096.0]], true)[0];
    assert!((time(0.0) - 1e-6).abs() < 1e-15);
    assert!((time(8192.0) - 1e-6 - 5.0 * 8192.0 * 4096.0 / 3.35e12).abs() < 1e-12);
}
