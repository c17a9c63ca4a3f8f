//! Room for caches: what fits, what is set aside in vain, and what the host's memory costs.
use super::layouts::{power, request, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::serve;
use llmsweep_model::phase::inference::allocator::KvAllocator;
use llmsweep_model::phase::inference::offload::HostShare;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::reject::Reject;
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The longest request that fits alone does fit, and no longer one.
    #[test]
    fn the_longest_request_is_the_longest(shape in shape(), tensor in power(3), memory in 0.02..1.0_f64, allocator in 0..3_usize, setup in request()) {
        let machine = Machine { memory: ROOMY.memory * memory, ..ROOMY };
        let allocator = KvAllocator::ALL[allocator].1;
        let alone = InferenceSetup {
            input_tokens: 100.0, output_tokens: 1.0, concurrency: 1.0, data: 1, allocator, mode: ServingMode::Static, prefix: Prefix::NONE, ..setup
        };
        let with = |tokens: f64| serve(&shape, &machine, "bf16", (tensor, 1), &InferenceSetup { input_tokens: tokens - 1.0, ..alone });
        let Ok(row) = serve(&shape, &machine, "bf16", (tensor, 1), &alone) else { return Ok(()) };
        let longest = row.room.max_context;
        prop_assert!(longest >= 101.0 && longest <= f64::from(shape.max_context));
        prop_assert!(with(longest).is_ok(), "{}", longest);
        let refused = with(longest + 1.0).map(|row| row.tpot);
        prop_assert!(matches!(refused, Err(Reject::CacheDoesNotFit | Reject::ContextTooLong)), "{:?} of {}", refused, longest);
    }

    /// Blocks waste least and hold most.
    #[test]
    fn blocks_hold_most(shape in shape(), setup in request(), tensor in power(3), slots in 1.0..4.0_f64) {
        let longest = ((setup.input_tokens + setup.output_tokens) * slots).floor();
        let with = |allocator| {
            let setup = InferenceSetup { allocator, max_model_len: longest, prefix: Prefix::NONE, ..setup };
            serve(&shape, &ROOMY, "bf16", (tensor, 1), &setup)
        };
        let Ok(paged) = with(KvAllocator::Paged) else { return Ok(()) };
        for (_, allocator) in KvAllocator::ALL {
            let Ok(row) = with(allocator) else { continue };
            prop_assert!((0.0..1.0).contains(&row.room.waste));
            prop_assert!(row.running <= paged.running && row.room.waste >= paged.room.waste - 7.5 / longest);
        }
    }

    /// More in the host's memory is never faster, leaves no less room, and no token comes before the link has brought what it needs.
    #[test]
    fn the_hosts_memory_is_slow_and_large(shape in shape(), setup in request(), tensor in power(3), shares in (0.0..=1.0_f64, 0.0..=1.0_f64)) {
        let with = |weights, cache| serve(&shape, &ROOMY, "bf16", (tensor, 1), &InferenceSetup { host: HostShare { weights, cache }, ..setup });
        let Ok(base) = with(0.0, 0.0) else { return Ok(()) };
        let (row, both) = (with(shares.0, 0.0).expect("fits"), with(shares.0, shares.1).expect("fits"));
        prop_assert!(row.running >= base.running && both.running >= row.running);
        prop_assert!(row.max_concurrency() >= base.max_concurrency());
        // Of several stages another may be the tightest.
        if setup.pipeline == 1 {
            prop_assert!(((row.room.weights + row.room.host) / base.room.weights - 1.0).abs() < 1e-12);
        }
        prop_assert!(both.tpot >= both.tpot_bound.time() && both.prefill >= both.ttft_bound.time);
        prop_assert!((both.terms.total().0 / both.tpot.0 - 1.0).abs() < 1e-12);
        if (both.running - base.running).abs() < 0.5 {
            prop_assert!(row.tpot.0 >= base.tpot.0 * (1.0 - 1e-12) && both.tpot.0 >= row.tpot.0 * (1.0 - 1e-12));
        }
        let link = ROOMY.device("bf16", 1.0).accelerator.host_bandwidth;
        prop_assert!(row.terms.step().0 * f64::from(setup.pipeline) >= row.room.host / link.0 * (1.0 - 1e-12));
    }
}
