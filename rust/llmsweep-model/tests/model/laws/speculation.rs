//! Guessing tokens ahead: what it costs, and when it pays.
use super::layouts::{power, request, shape};
use crate::common::hardware::{H100, Machine};
use crate::common::run::{REQUEST, serve, serve_speculating};
use crate::common::shapes::{llama2_7b, llama2_70b, llama3_8b};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::phase::inference::speculation::{Guess, Speculation};
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use proptest::prelude::*;

const ROOMY: Machine = Machine { memory: 2e12, ..H100 };

/// Llama-2-70B on four devices, one static batch, its tokens guessed by the 7B.
fn drafted(requests: f64, guess: Guess, speculation: Speculation) -> InferenceRow {
    let setup = InferenceSetup { mode: ServingMode::Static, concurrency: requests, guess, ..REQUEST };
    let small: ModelShape = llama2_7b();
    let draft = (speculation, Some(&small));
    serve_speculating(&llama2_70b(), &ROOMY, "bf16", (4, 1), &setup, draft).expect("fits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn terms_add_up_and_physics_is_not_beaten(
        shape in shape(), setup in request(), tensor in power(3), tokens in 0..9_u32, acceptance in 0.0..=1.0_f64, eagle in any::<bool>(),
    ) {
        let guess = Guess { tokens: f64::from(tokens), acceptance };
        let setup = InferenceSetup { guess, input_tokens: setup.input_tokens.min(7000.0), output_tokens: setup.output_tokens.min(1000.0), ..setup };
        let small = llama3_8b();
        let draft = if eagle { (Speculation::Eagle, None) } else { (Speculation::Draft, Some(&small)) };
        let Ok(row) = serve_speculating(&shape, &ROOMY, "bf16", (tensor, 1), &setup, draft) else { return Ok(()) };
        prop_assert!(row.terms.tokens >= 1.0 && row.terms.tokens <= guess.tokens + 1.0);
        prop_assert!(row.tpot >= row.tpot_bound.time() && row.prefill >= row.ttft_bound.time);
        prop_assert!((row.terms.total().0 / row.tpot.0 - 1.0).abs() < 1e-12);
        prop_assert!((row.terms.step().0 / row.terms.tokens + row.terms.prefill.0) / row.tpot.0 - 1.0 < 1e-12);
        prop_assert!(row.peak_memory() <= row.room.usable * (1.0 + 1e-12));
        // What guesses needs room, and guesses in vain only cost time.
        let plain = serve(&shape, &ROOMY, "bf16", (tensor, 1), &setup).expect("less has to fit");
        prop_assert!(row.max_concurrency() <= plain.max_concurrency());
        let vain = InferenceSetup { guess: Guess { tokens: 4.0, acceptance: 0.0 }, ..setup };
        let vain = serve_speculating(&shape, &ROOMY, "bf16", (tensor, 1), &vain, draft).expect("fits as before");
        if (vain.running - plain.running).abs() < 0.5 {
            prop_assert!(vain.terms.step() > plain.terms.step());
        }
    }
}

/// Of a small batch a step reads weights whatever it checks; of a large one it computes what it checks, and rejected tokens were in vain.
#[test]
fn the_gain_shrinks_with_the_batch_and_turns_into_a_loss() {
    let guess = Guess { tokens: 4.0, acceptance: 0.8 };
    let gain = |requests: f64| {
        let plain = drafted(requests, Guess::NONE, Speculation::None);
        plain.tpot / drafted(requests, guess, Speculation::Draft).tpot
    };
    let gains: Vec<f64> = [1.0, 8.0, 64.0, 512.0].map(gain).to_vec();
    assert!(gains.is_sorted_by(|one, other| one > other), "{gains:?}");
    assert!(gains[0] > 1.5 && gains[3] < 1.0, "{gains:?}");
}

/// Better guesses never slow a step's tokens down; more of them do, once they are hardly ever accepted.
#[test]
fn better_guesses_are_faster_and_more_of_them_not_always() {
    let tpot = |tokens, acceptance| drafted(1.0, Guess { tokens, acceptance }, Speculation::Draft).tpot;
    let better: Vec<_> = [0.2, 0.5, 0.8, 0.95, 1.0].map(|acceptance| tpot(4.0, acceptance)).to_vec();
    assert!(better.is_sorted_by(|one, other| one > other), "{better:?}");
    assert!(tpot(3.0, 0.7) < tpot(1.0, 0.7) && tpot(3.0, 0.7) < tpot(16.0, 0.7));
}
