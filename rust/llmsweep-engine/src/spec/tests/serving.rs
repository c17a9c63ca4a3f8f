//! Wrong values on the axes of serving, and the sentence that each gets.
use super::wrong::{SERVING, check};

#[test]
fn values_of_serving() {
    check(
        SERVING,
        &[
            ("weight_offload = 1.01", r#"6:18: weight_offload must be a number from 0 to 1, not "1.01""#),
            ("kv_offload = true", r#"6:14: kv_offload must be a number from 0 to 1, not "true""#),
            (
                r#"kv_allocator = "page""#,
                r#"6:16: unknown kv_allocator "page"; did you mean "paged"?; allowed: paged, contiguous, power_of_two"#,
            ),
            ("max_model_len = -1", r#"6:17: max_model_len must be a whole number from 0 to 100,000,000, not "-1""#),
            ("speculative_tokens = -1", r#"6:22: speculative_tokens must be a whole number from 0 to 1,000, not "-1""#),
            ("acceptance_rate = 80", r#"6:19: acceptance_rate must be a number from 0 to 1, not "80""#),
            (r#"speculation = "medusa""#, r#"6:15: unknown speculation "medusa"; allowed: none, draft, mtp, eagle"#),
            (
                r#"draft_model = "llama3.1-80b""#,
                r#"6:15: unknown model "llama3.1-80b"; did you mean "llama3.1-8b"?; allowed: llama3.1-8b, llama3.1-70b, llama3.1-405b, deepseek-v3"#,
            ),
            (
                "draft_model = false",
                r#"6:15: draft_model must be the name of a model in the catalogue, or "none", not "false""#,
            ),
            ("prefix_hit_rate = 1.2", r#"6:19: prefix_hit_rate must be a number from 0 to 1, not "1.2""#),
            ("prefix_hit_rate = nan", r#"6:19: prefix_hit_rate must be a number from 0 to 1, not "nan""#),
            ("prefix_hit_rate = -1", r#"6:19: prefix_hit_rate must be a number from 0 to 1, not "-1""#),
        ],
    );
}
