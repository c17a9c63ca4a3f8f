//! Better hardware is never slower.
use super::layouts::{request, shape, training};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{serve, train};
use proptest::prelude::*;

/// Memory for anything, so that few random setups are refused.
const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn training_on_a_better_machine(
        shape in shape(), (layout, setup) in training(), peak in 1.0..4.0_f64, bandwidth in 1.0..4.0_f64, link in 1.0..4.0_f64,
        network in 1.0..4.0_f64, memory in 1.0..4.0_f64,
    ) {
        let better = Machine {
            bf16: ROOMY.bf16 * peak,
            bandwidth: ROOMY.bandwidth * bandwidth,
            link: ROOMY.link * link,
            network: ROOMY.network * network,
            memory: ROOMY.memory * memory,
            ..ROOMY
        };
        let Ok(base) = train(&shape, &ROOMY, layout, &setup) else { return Ok(()) };
        let row = train(&shape, &better, layout, &setup).expect("what fits in less memory fits in more");
        // Compute that shrinks leaves messages less to hide behind, so a step gains; it never loses more than rounding.
        prop_assert!(row.step.0 <= base.step.0 * (1.0 + 1e-9), "{:?} {:?}", row.terms, base.terms);
        prop_assert!(row.step_bound <= base.step_bound);
    }

    #[test]
    fn serving_on_a_better_machine(
        shape in shape(), setup in request(), tensor in super::layouts::power(3), peak in 1.0..4.0_f64, bandwidth in 1.0..4.0_f64,
        link in 1.0..4.0_f64,
    ) {
        let better = Machine {
            bf16: ROOMY.bf16 * peak, bandwidth: ROOMY.bandwidth * bandwidth, link: ROOMY.link * link, ..ROOMY
        };
        let Ok(base) = serve(&shape, &ROOMY, "bf16", (tensor, 1), &setup) else { return Ok(()) };
        let row = serve(&shape, &better, "bf16", (tensor, 1), &setup).expect("memory is the same");
        prop_assert!(row.tpot.0 <= base.tpot.0 * (1.0 + 1e-9));
        prop_assert!(row.prefill.0 <= base.prefill.0 * (1.0 + 1e-9));
        prop_assert!(row.tokens_per_s >= base.tokens_per_s * (1.0 - 1e-9));
    }

    /// More memory admits more requests. Each then waits for more company, so only room and throughput are promised.
    #[test]
    fn serving_with_more_memory(shape in shape(), setup in request(), memory in 1.0..4.0_f64) {
        let larger = Machine { memory: ROOMY.memory * memory, ..ROOMY };
        let Ok(base) = serve(&shape, &ROOMY, "bf16", (8, 1), &setup) else { return Ok(()) };
        let row = serve(&shape, &larger, "bf16", (8, 1), &setup).expect("what fits in less memory fits in more");
        prop_assert!(row.running >= base.running && row.max_concurrency() >= base.max_concurrency());
    }
}
