//! Speculative decoding against published tables.
use crate::common::hardware::{H100, H200};
use crate::common::run::{REQUEST, serve_speculating};
use crate::common::shapes::{deepseek_v3, llama2_7b, llama2_70b};
use crate::common::{close, precision};
use llmsweep_model::arch::ModelShape;
use llmsweep_model::phase::inference::speculation::{Drafter, Guess, Speculation};
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::precision::{KvPrecision, Quantised};
use llmsweep_model::reject::Reject;

/// Leviathan et al. 2023, arXiv:2211.17192, theorem 3.8: a step of γ guesses, each c of a step, is `E/(γ·c + 1)` times as fast. Table 4
/// gives for T5-XXL, translation, greedy: T5-small α = 0.75, c = 0.02: 3.2; base 0.80, 0.04: 3.3; large 0.82, 0.11: 2.5; all γ = 7. Digits
/// of α and c are rounded there: 4 %.
#[test]
fn expected_speed_ups_of_t5_xxl() {
    for (acceptance, cost, published) in [(0.75, 0.02, 3.2), (0.80, 0.04, 3.3), (0.82, 0.11, 2.5)] {
        let guess = Guess { tokens: 7.0, acceptance };
        close(guess.accepted() / (guess.tokens * cost + 1.0), published, 0.04);
    }
}

/// Li et al. 2024, arXiv:2401.15077: what guesses has 0.24 B parameters for a LLaMA of 7B and 0.99 B for one of 70B. Rounded there.
#[test]
fn eagle_heads_have_their_published_size() {
    let kv = KvPrecision::by_name("fp16").expect("fp16 is in the table");
    let head = |shape: &ModelShape| {
        let drafter =
            Drafter::of(Speculation::Eagle, shape, None, (precision("fp16"), Quantised::Usual, kv), (1, 1, 1));
        drafter.expect("one device").expect("something guesses").parameters()
    };
    close(head(&llama2_7b()), 0.24e9, 0.03);
    close(head(&llama2_70b()), 0.99e9, 0.01);
}

/// DeepSeek-AI 2024, arXiv:2412.19437, section 5.4.3: the second token is accepted in 85 to 90 % of cases, which gives 1.8 times the tokens
/// per second. The load is not given; 10 % for that. Under load, where checking two tokens takes twice the attention and twice the messages
/// to experts, less is left of it.
#[test]
fn a_prediction_layer_speeds_deepseek_v3_up_1_8_times() {
    let gain = |ranks: (u32, u32), data: u32, requests: f64, acceptance: f64| {
        let guess = Guess { tokens: 1.0, acceptance };
        let setup = InferenceSetup {
            mode: ServingMode::Static,
            data,
            concurrency: requests * f64::from(data),
            input_tokens: 4000.0,
            output_tokens: 1000.0,
            guess,
            ..REQUEST
        };
        let row = |kind| serve_speculating(&deepseek_v3(), &H200, "fp8", ranks, &setup, (kind, None)).expect("fits");
        row(Speculation::None).tpot / row(Speculation::Mtp).tpot
    };
    for acceptance in [0.85, 0.90] {
        // The guess wakes experts of its own, most of them on one rank.
        close(gain((8, 8), 1, 1.0, acceptance), 1.8, 0.12);
        let loaded = gain((1, 64), 64, 64.0, acceptance);
        assert!(loaded > 1.0 && loaded < 1.4, "{loaded}");
    }
}

/// A model without prediction layers, or without a draft, has nothing to guess with.
#[test]
fn nothing_to_guess_with_is_refused() {
    for speculation in [Speculation::Mtp, Speculation::Draft] {
        let refused = serve_speculating(&llama2_7b(), &H100, "fp16", (1, 1), &REQUEST, (speculation, None));
        assert_eq!(refused, Err(Reject::DrafterMissing));
    }
}
