//! Prompts in chunks and behind cached prefixes: no work is lost, and what is known saves time.
use super::layouts::{power, request, shape};
use crate::common::hardware::{H100, Machine, SERVING_CLOCK};
use crate::common::run::serve;
use crate::common::{precision, software};
use llmsweep_model::arch::{Attention, ModelShape};
use llmsweep_model::phase::inference::InferenceSetup;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork};
use llmsweep_model::precision::{KvPrecision, Quantised};
use llmsweep_model::work::attention::AttentionKernel;
use llmsweep_model::work::experts::Routing;
use llmsweep_model::work::forward::{self, ForwardInput};
use llmsweep_model::work::{Split, Tokens, Widths};
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

/// FLOPs of all layers for a chunk, and those of its scores alone.
fn flops(shape: &ModelShape, tokens: f64, past: f64) -> (f64, f64) {
    let input = ForwardInput {
        tokens: Tokens::of_sequences(1.0, tokens, 1.0).after(past),
        split: Split::NONE,
        widths: Widths::of(precision("bf16")),
        kernel: AttentionKernel::Flash,
        routing: Routing { independence: 1.0, imbalance: 1.0 },
    };
    let mut sum = (0.0, 0.0);
    for (kind, count) in shape.kinds() {
        for op in forward::layer(shape, kind, &input).ops {
            sum.0 += f64::from(count) * op.flops.0;
            let scores = matches!(op.name, "attention scores" | "sparse indexer scores");
            sum.1 += if scores { f64::from(count) * op.flops.0 } else { 0.0 };
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Chunks have the FLOPs of the whole prompt, but for latents, which later chunks expand again; they read weights again, so that they
    /// take no less time.
    #[test]
    fn chunks_are_the_whole_prompt(shape in shape(), chunk in 256..4096_u32, chunks in 2..6_u32, tensor in power(2)) {
        let (chunk, prompt) = (f64::from(chunk), f64::from(chunk * chunks));
        let starts: Vec<f64> = (0..chunks).map(|index| f64::from(index) * chunk).collect();
        let whole = flops(&shape, prompt, 0.0);
        let (all, scores) = starts.iter().fold((0.0, 0.0), |sum, &past| {
            let part = flops(&shape, chunk, past);
            (sum.0 + part.0, sum.1 + part.1)
        });
        prop_assert!((scores - whole.1).abs() <= 1e-9 * whole.1, "{} of {}", scores, whole.1);
        if matches!(shape.attention, Some(Attention::Latent(_))) {
            prop_assert!(all > whole.0);
        } else {
            prop_assert!((all / whole.0 - 1.0).abs() < 1e-9, "{} of {}", all, whole.0);
        }
        let kv = KvPrecision::by_name("fp16").expect("fp16 is in the table");
        let Ok(work) = InferenceWork::count(&shape, precision("bf16"), Quantised::Usual, kv, (tensor, 1, 1)) else { return Ok(()) };
        let device = InferenceDevice::of(&ROOMY.device("bf16", SERVING_CLOCK), &software::serving());
        let once = device.prefill_chunk(&shape, &work, 1.0, (prompt, 0.0)).total();
        let parts: f64 =
            starts.iter().map(|&past| device.prefill_chunk(&shape, &work, 1.0, (chunk, past)).total().0).sum();
        // Long kernels slow down by a few percent, which short ones are spared.
        prop_assert!(parts >= once.0 * 0.93, "{} of {}", parts, once.0);
    }

    /// A longer cached prefix never makes the first token later, nor sooner than physics lets it be; a shared one leaves more room.
    #[test]
    fn what_is_cached_saves_time(shape in shape(), setup in request(), rates in (0.0..1.0_f64, 0.0..1.0_f64), tensor in power(3)) {
        let (less, more) = (rates.0.min(rates.1), rates.0.max(rates.1));
        let with = |hit_rate, shared| {
            let setup = InferenceSetup { prefix: Prefix { hit_rate, shared }, ..setup };
            serve(&shape, &ROOMY, "bf16", (tensor, 1), &setup)
        };
        let Ok(base) = with(less, false) else { return Ok(()) };
        let row = with(more, false).expect("needs no more room");
        prop_assert!(row.prefill.0 <= base.prefill.0 * (1.0 + 1e-9), "{:?} {:?}", row.prefill, base.prefill);
        prop_assert!(row.tpot.0 <= base.tpot.0 * (1.0 + 1e-9));
        prop_assert!(row.prefill >= row.ttft_bound.time && row.ttft_bound.time <= base.ttft_bound.time);
        prop_assert!((row.max_concurrency() / base.max_concurrency() - 1.0).abs() < 1e-12 || row.max_concurrency().is_infinite());
        let shared = with(more, true).expect("needs no more room");
        prop_assert!(shared.running >= row.running && shared.prefill == row.prefill);
        prop_assert!(shared.peak_memory() <= shared.room.usable * (1.0 + 1e-12));
    }
}
