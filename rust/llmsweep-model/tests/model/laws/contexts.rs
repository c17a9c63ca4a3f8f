//! Context parallelism in serving: what ranks share, and what they do not.
use super::layouts::{power, request, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::serve_over;
use llmsweep_model::arch::MixerKind;
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Ranks hold the same weights, a part of every cache, and never beat physics; a token waits for messages that one rank would not need.
    #[test]
    fn ranks_share_caches_and_not_weights(shape in shape(), setup in request(), tensor in power(3), context in 1..4_u32) {
        let ranks = 1 << context;
        let with = |context| serve_over(&shape, &ROOMY, "bf16", (tensor, 1, context), &setup);
        let Ok(one) = with(1) else { return Ok(()) };
        let row = with(ranks).expect("needs no more room");
        prop_assert!((row.devices / one.devices - f64::from(ranks)).abs() < 1e-12);
        prop_assert!(row.max_concurrency() >= one.max_concurrency() && row.running >= one.running);
        prop_assert!(row.ttft >= row.ttft_bound.time && row.prefill >= row.ttft_bound.time && row.tpot >= row.tpot_bound.time());
        prop_assert!((row.terms.total().0 / row.tpot.0 - 1.0).abs() < 1e-12);
        prop_assert!(row.ttft_bound.time <= one.ttft_bound.time);
        let attention = shape.sequence.iter().any(|kind| matches!(kind.mixer, MixerKind::Full | MixerKind::Sliding));
        prop_assert_eq!(row.terms.context.0 > 0.0, attention);
        prop_assert!(one.terms.context.0.abs() < 1e-300);
        // Of several stages another may be the tightest.
        if shape.linear.is_none() && setup.pipeline == 1 {
            prop_assert!((row.room.weights / one.room.weights - 1.0).abs() < 1e-12);
            let shared = row.room.full_request * f64::from(ranks) / one.room.full_request;
            prop_assert!((shared - 1.0).abs() < 1e-12, "{}", shared);
        }
    }
}
