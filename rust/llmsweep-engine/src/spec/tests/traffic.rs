//! Traffic and searches that are wrong, and the sentence that each gets.
use super::wrong::{RUN, SERVING, check};

#[test]
fn traffic() {
    check(
        SERVING,
        &[
            (
                "arrival_rate_per_s = nan",
                r#"6:22: arrival_rate_per_s must be a finite number of at least 0, not "nan""#,
            ),
            ("arrival_rate_per_s = -2", r#"6:22: arrival_rate_per_s must be a finite number of at least 0, not "-2""#),
            (
                r#"arrival_rate_per_s = "many""#,
                r#"6:22: arrival_rate_per_s must be a finite number of at least 0, not the text "many""#,
            ),
            (
                "concurrency = 8\narrival_rate_per_s = [0, 2]",
                "6:1: concurrency follows from arrival_rate_per_s: give one of the two",
            ),
            ("slo_ttft_s = -0.5", r#"6:14: slo_ttft_s must be a finite number of at least 0, not "-0.5""#),
            ("slo_tpot_s = inf", r#"6:14: slo_tpot_s must be a finite number of at least 0, not "inf""#),
            ("[workload]\nslo_tpot_s = true", r#"7:14: slo_tpot_s must be a finite number of at least 0, not "true""#),
            ("input_tokens_cv = -1", r#"6:19: input_tokens_cv must be a number from 0 to 10, not "-1""#),
            ("output_tokens_cv = 11", r#"6:20: output_tokens_cv must be a number from 0 to 10, not "11""#),
            ("length_correlation = nan", r#"6:22: length_correlation must be a number from -1 to 1, not "nan""#),
            ("lengths = \"l.csv\"", "6:1: \"lengths\" is no axis: write it under [workload] of phase \"inference\""),
        ],
    );
}

#[test]
fn the_search_section() {
    check(
        SERVING,
        &[
            ("[search]", r#"6:2: [search] has no "mode": write mode = "per_device" or mode = "fleet""#),
            ("[search]\nmode = 1", r#"7:8: mode must be one of per_device, fleet, not "1""#),
            (
                "[search]\nmode = \"flet\"",
                r#"7:8: unknown mode "flet"; did you mean "fleet"?; allowed: per_device, fleet"#,
            ),
            ("[search]\nmode = \"fleet\"", r#"6:2: [search] has no "devices": a fleet needs their number"#),
            (
                "[search]\nmode = \"fleet\"\ndevices = 0",
                r#"8:11: the devices of a fleet must be a whole number from 1 to 100,000,000, not "0""#,
            ),
            (
                "[search]\nmode = \"per_device\"\ndevices = 8",
                r#"8:1: devices are those of a fleet: write mode = "fleet", or leave them out"#,
            ),
            (
                "data_parallel = 2\n[search]\nmode = \"per_device\"",
                "6:1: data_parallel follows from [search]: give one of the two",
            ),
            (
                "[search]\nmode = \"fleet\"\ndevice = 8",
                r#"8:1: unknown key "device"; did you mean "devices"?; allowed: mode, devices"#,
            ),
        ],
    );
    check(
        RUN,
        &[(
            "[search]\nmode = \"fleet\"\ndevices = 8",
            r#"8:2: [search] is of phase "inference": a training run has its devices"#,
        )],
    );
}
