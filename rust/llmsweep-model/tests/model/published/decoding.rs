//! What any expert would try first: bounds of decoding and what does not fit.
use crate::common::hardware::{B200, H100, H200, Machine};
use crate::common::run::{REQUEST, serve};
use crate::common::shapes::{deepseek_v3, gpt3_175b, llama2_7b, llama2_70b};
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::reject::Reject;

/// 13.2 GB of weights (the input table is not read) over 3.35 TB/s: no faster than 3.9 ms.
#[test]
fn a_7b_in_fp16_cannot_beat_the_bandwidth() {
    let row = serve(&llama2_7b(), &H100, "fp16", (1, 1), &REQUEST).expect("7B fits an H100");
    let read = (6_738_415_616.0 - 32_000.0 * 4096.0) * 2.0 / 3.35e12;
    assert!(
        row.tpot_bound.time().0 >= read * 0.999 && row.tpot >= row.tpot_bound.time(),
        "{:?} {:?}",
        row.tpot,
        row.tpot_bound.time()
    );
}

/// 35 GB over 8 TB/s: no faster than 4.4 ms.
#[test]
fn a_70b_in_4_bits_on_one_b200_takes_4_4_ms() {
    let row = serve(&llama2_70b(), &B200, "w4a16", (1, 1), &REQUEST).expect("70B in 4 bits fits a B200");
    assert!(
        row.tpot_bound.time().0 >= 4.4e-3 && row.tpot >= row.tpot_bound.time(),
        "{:?} {:?}",
        row.tpot,
        row.tpot_bound.time()
    );
}

#[test]
fn a_175b_does_not_fit_one_h200() {
    assert_eq!(serve(&gpt3_175b(), &H200, "bf16", (1, 1), &REQUEST), Err(Reject::WeightsDoNotFit));
}

/// Two islands of four, with the network or PCI Express between them, are slower than one domain of eight.
#[test]
fn eight_ways_over_two_islands_is_slower() {
    let islands = Machine { domain: 4, ..H100 };
    let setup = InferenceSetup { concurrency: 16.0, ..REQUEST };
    let near = serve(&llama2_70b(), &H100, "bf16", (8, 1), &setup).expect("fits");
    let far = serve(&llama2_70b(), &islands, "bf16", (8, 1), &setup).expect("fits");
    assert!(far.tpot > near.tpot && far.ttft > near.ttft);
    assert!(far.terms.tensor > near.terms.tensor);
}

/// A batch that does not fit the cache is refused in static mode and waits in continuous mode.
#[test]
fn what_exceeds_the_cache_waits() {
    let many = InferenceSetup { concurrency: 4096.0, ..REQUEST };
    let row = serve(&llama2_7b(), &H100, "fp16", (1, 1), &many).expect("continuous batching queues");
    assert!(row.saturated && row.running < 4096.0);
    let setup = InferenceSetup { mode: ServingMode::Static, ..many };
    assert_eq!(serve(&llama2_7b(), &H100, "fp16", (1, 1), &setup), Err(Reject::BatchDoesNotFit));
}

/// DeepSeek-V3 in fp8 with its experts over 16 devices fits H200s that its 671 GB exceed on one.
#[test]
fn wide_experts_fit_where_one_device_does_not() {
    assert_eq!(serve(&deepseek_v3(), &H200, "fp8", (1, 1), &REQUEST), Err(Reject::WeightsDoNotFit));
    let setup = InferenceSetup { data: 16, concurrency: 256.0, ..REQUEST };
    let row = serve(&deepseek_v3(), &H200, "fp8", (1, 16), &setup).expect("671 GB over 16 H200s");
    assert!(row.terms.expert.0 > 0.0 && row.tpot >= row.tpot_bound.time());
}
