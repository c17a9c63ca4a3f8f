//! Physics is never beaten, terms add up, and no number is negative or not a number.
use super::layouts::{power, request, shape, training};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{serve, train};
use llmsweep_model::phase::share::KernelTime;
use llmsweep_model::quantity::Seconds;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

fn sound(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
}

fn parts(time: &KernelTime) -> [f64; 3] {
    [time.compute.0, time.memory.0, time.launch.0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn training_steps(shape in shape(), (layout, setup) in training()) {
        let Ok(row) = train(&shape, &ROOMY, layout, &setup) else { return Ok(()) };
        let terms = &row.terms;
        prop_assert!(row.step >= row.step_bound);
        let sum: Seconds = [
            terms.kernels.busy(), terms.host, terms.tensor, terms.expert, terms.context, terms.pipeline, terms.bubble, terms.data,
            terms.optimizer, terms.offload, terms.straggler,
        ]
        .into_iter()
        .sum();
        prop_assert!((sum.0 / row.step.0 - 1.0).abs() < 1e-12);
        prop_assert!(sound(&parts(&terms.kernels)));
        prop_assert!(sound(&[
            terms.host.0, terms.tensor.0, terms.expert.0, terms.context.0, terms.pipeline.0, terms.bubble.0, terms.data.0,
            terms.optimizer.0, terms.offload.0, terms.straggler.0, row.memory.host, row.trainable_parameters, row.tokens_per_s, row.time_to_train.0, row.memory.weights, row.memory.gradients, row.memory.optimizer,
            row.memory.activations, row.memory.peak,
        ]));
        prop_assert!(row.model_flops <= row.model_flops_full && row.model_flops <= row.hardware_flops);
        prop_assert!(row.hardware_flops <= row.peak_flops);
        let terms = row.memory.terms().map(|(_, bytes)| bytes);
        let held: f64 = terms.into_iter().sum();
        prop_assert!(sound(&terms) && terms.iter().all(|bytes| *bytes <= row.memory.peak));
        // An allocator keeps what it was given back, until a device has no more to give.
        let kept = (held * 1.04).min(row.memory.usable);
        prop_assert!((kept / row.memory.peak - 1.0).abs() < 1e-12 && row.memory.peak <= row.memory.usable);
    }

    #[test]
    fn serving(shape in shape(), setup in request(), tensor in power(4), expert in power(5), format in "bf16|fp8|w4a16") {
        let Ok(row) = serve(&shape, &ROOMY, &format, (tensor, expert), &setup) else { return Ok(()) };
        prop_assert!(row.tpot >= row.tpot_bound.time(), "{:?} {:?}", row.tpot, row.tpot_bound.time());
        prop_assert!(row.ttft >= row.ttft_bound.time && row.prefill >= row.ttft_bound.time, "{:?} {:?}", row.prefill, row.ttft_bound.time);
        for share in [row.mbu(), row.decode_mfu(), row.prefill_mfu(&setup)] {
            prop_assert!(share > 0.0 && share <= 1.0, "{share}");
        }
        prop_assert!((row.terms.total().0 / row.tpot.0 - 1.0).abs() < 1e-12);
        prop_assert!((row.ttft.0 + row.tpot.0 * (setup.output_tokens - 1.0)) / row.e2e.0 - 1.0 < 1e-12);
        prop_assert!(sound(&parts(&row.terms.kernels)) && sound(&parts(&row.terms.cache)));
        prop_assert!(sound(&[
            row.terms.tensor.0, row.terms.expert.0, row.terms.pipeline.0, row.terms.host.0, row.terms.prefill.0, row.ttft.0, row.e2e.0,
            row.tokens_per_s, row.requests_per_s, row.peak_memory(), row.max_concurrency(), row.kv_tokens(&setup), row.running,
        ]));
        prop_assert!(row.peak_memory() <= row.room.usable * (1.0 + 1e-12));
        prop_assert!(row.running <= setup.concurrency / f64::from(setup.data));
        prop_assert_eq!(row.saturated, row.running < setup.concurrency / f64::from(setup.data));
    }
}

/// Laws over setups that are nearly all refused would say nothing.
#[test]
fn many_random_setups_can_run() {
    let mut runner = TestRunner::deterministic();
    let mut draw = |samples: u32| -> (u32, u32) {
        let (mut trained, mut served) = (0, 0);
        for _ in 0..samples {
            let shape = shape().new_tree(&mut runner).expect("draws").current();
            let (layout, setup) = training().new_tree(&mut runner).expect("draws").current();
            trained += u32::from(train(&shape, &ROOMY, layout, &setup).is_ok());
            let (request, tensor) = (request(), power(4)).new_tree(&mut runner).expect("draws").current();
            served += u32::from(serve(&shape, &ROOMY, "bf16", (tensor, tensor), &request).is_ok());
        }
        (trained, served)
    };
    let (trained, served) = draw(400);
    assert!(trained > 80 && served > 80, "{trained} trained and {served} served of 400");
}
