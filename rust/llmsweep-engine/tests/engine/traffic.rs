//! Traffic and searches through whole sweeps: a file of lengths, a fleet, the bill, and what has no balance.
use std::fs;
use std::path::{Path, PathBuf};

use llmsweep_engine::document::parse_toml;
use llmsweep_engine::explain::explain;
use llmsweep_engine::sweep::Sweep;

use crate::common::{Rows, all_rows, catalog, inference, reject};

const LLAMA: &str = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\n";

fn close(one: f64, other: f64) -> bool {
    (one / other - 1.0).abs() < 1e-9
}

fn with_file(folder: &Path, lines: &str) -> Result<Sweep, String> {
    let text = format!("schema = 1\nphase = \"inference\"\n[axes]\n{LLAMA}{lines}");
    let document = parse_toml("sweep.toml", &text).expect("TOML");
    Sweep::compile_in(folder, &document, catalog()).map_err(|error| error.to_string())
}

/// A file of lengths is what its moments are; the shipped one has those of its trace.
#[test]
fn lengths_of_a_file() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../sweeps/lengths");
    let sweep = with_file(&folder, "concurrency = 32\n[workload]\nlengths = \"conversation.csv\"\n").expect("reads");
    let rows = all_rows(&sweep);
    // The trace itself: 1,155 and 211 tokens, 0.960 and 0.771 of variation, less within 41 classes; −0.157 of the logarithms.
    assert_eq!((rows.number(0, "input_tokens"), rows.number(0, "output_tokens")), (1155.0, 211.0));
    for (column, of_trace, tolerance) in
        [("input_tokens_cv", 0.960, 0.04), ("output_tokens_cv", 0.771, 0.02), ("length_correlation", -0.157, 0.04)]
    {
        let value = rows.number(0, column);
        assert!((value / of_trace - 1.0).abs() < tolerance, "{column} {value}");
    }
    let given: String = ["input_tokens", "output_tokens", "input_tokens_cv", "output_tokens_cv", "length_correlation"]
        .map(|axis| format!("{axis} = {}\n", rows.number(0, axis)))
        .concat();
    assert_eq!(all_rows(&inference(&format!("{LLAMA}concurrency = 32\n{given}"))), rows);
}

#[test]
fn wrong_files_of_lengths() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("text.csv"), "input_tokens,output_tokens\n12,a lot\n").expect("writes");
    fs::write(folder.path().join("long.csv"), "input_tokens,output_tokens\n200000,10\n").expect("writes");
    fs::write(folder.path().join("latin.csv"), [0xe9, 0x0a]).expect("writes");
    for (lines, sentence) in [
        ("[workload]\nlengths = \"none.csv\"", "sweep.toml:7:11: there is no file \"none.csv\""),
        ("[workload]\nlengths = \"latin.csv\"", "sweep.toml:7:11: \"latin.csv\" is not UTF-8 text"),
        ("[workload]\nlengths = 3", "sweep.toml:7:11: lengths must be the name of a CSV file, in quotes"),
        (
            "[workload]\nlengths = \"text.csv\"",
            "text.csv:2:4: output_tokens must be a number of tokens of at least 1, not \"a lot\"",
        ),
        (
            "output_tokens_cv = 1\n[workload]\nlengths = \"long.csv\"",
            "sweep.toml:6:1: \"output_tokens_cv\" follows from the file of lengths: give one of the two",
        ),
    ] {
        assert_eq!(with_file(folder.path(), lines).map(|_| ()), Err(sentence.to_owned()));
    }
    // A context beyond the model's is a row with its reason, as lengths given otherwise are.
    let rows = all_rows(&with_file(folder.path(), "[workload]\nlengths = \"long.csv\"").expect("reads"));
    assert_eq!(reject(&rows, 0), Some("context_too_long"));
}

/// All devices of a fleet are paid for; those that make no whole replica do no work.
#[test]
fn a_fleet_is_filled_with_replicas() {
    let fleet = |devices: u32, lines: &str| {
        let axes = format!("{LLAMA}{lines}arrival_rate_per_s = 8\n[search]\nmode = \"fleet\"\ndevices = {devices}\n");
        all_rows(&inference(&axes))
    };
    let rows = fleet(10, "tensor_parallel = [1, 4, 16]\n");
    let column = |rows: &Rows, name: &str| (0..rows.len()).map(|row| rows.get(row, name)).collect::<Vec<_>>();
    assert_eq!(column(&rows, "replicas"), [Some(10.0), Some(2.0), None]);
    assert_eq!(column(&rows, "device_count"), [Some(10.0); 3]);
    assert_eq!(reject(&rows, 2), Some("fleet_too_small"));
    let one = fleet(1, "tensor_parallel = 1\n");
    assert!(close(rows.number(0, "usd_per_hour"), 10.0 * one.number(0, "usd_per_hour")));
    assert!(close(rows.number(1, "power_w"), 10.0 * one.number(0, "power_w")));
    assert!(close(rows.number(0, "max_requests_per_s"), 10.0 * one.number(0, "max_requests_per_s")));
    assert!(close(rows.number(1, "tokens_per_s_per_device"), rows.number(1, "tokens_per_s") / 10.0));
    let smallest = "model = \"mixtral-8x7b\"\naccelerator = \"h100-sxm-80\"\ntensor_parallel = [2, 8]\nexpert_parallel = 8\n\
                    concurrency = 16\n[search]\nmode = \"per_device\"\n";
    assert_eq!(column(&all_rows(&inference(smallest)), "replicas"), [Some(4.0), Some(1.0)]);
}

/// A fleet of 17 has 2 prefill workers of 2 devices; 13 are left for 2 decode workers: 6 replicas of one device each.
#[test]
fn a_fleet_holds_both_pools() {
    let rows = all_rows(&inference(&format!(
        "{LLAMA}serving_mode = \"disaggregated\"\nprefill_workers = [2, 9]\nprefill_tensor_parallel = 2\ndecode_workers = 2\n\
         concurrency = 64\n[search]\nmode = \"fleet\"\ndevices = 17\n"
    )));
    assert_eq!(rows.number(0, "replicas"), 12.0);
    assert_eq!(rows.number(0, "device_count"), 17.0);
    assert_eq!((rows.number(0, "prefill_device_count"), rows.number(0, "decode_device_count")), (4.0, 12.0));
    assert_eq!(reject(&rows, 1), Some("fleet_too_small"));
    let spread = all_rows(&inference(&format!(
        "{LLAMA}context_parallel = 4\nconcurrency = 8\n[search]\nmode = \"fleet\"\ndevices = 10\n"
    )));
    assert_eq!((spread.number(0, "replicas"), spread.number(0, "device_count")), (2.0, 10.0));
}

/// Prompts and answers pay the whole bill between them, in every mode.
#[test]
fn the_bill_is_shared() {
    for lines in [
        "concurrency = [1, 64]\nserving_mode = [\"continuous\", \"static\"]\ninput_tokens_cv = 1\noutput_tokens_cv = 1\n",
        "arrival_rate_per_s = [0.5, 8]\npipeline_parallel = 2\n",
    ] {
        let rows = all_rows(&inference(&format!("{LLAMA}{lines}")));
        for row in 0..rows.len() {
            let number = |column: &str| rows.number(row, column);
            let both = |input: &str, output: &str| {
                number("input_tokens") * number(input) + number("output_tokens") * number(output)
            };
            let cost = both("usd_per_million_input_tokens", "usd_per_million_output_tokens") / 1e6;
            assert!(close(cost, number("cost_usd")), "{cost}");
            assert!(close(both("j_per_input_token", "j_per_output_token"), number("energy_j")));
            assert!(number("usd_per_million_output_tokens") < number("usd_per_million_tokens"));
        }
    }
}

/// Beyond capacity there is no latency, only the reason; below, goodput is what keeps the promise.
#[test]
fn arrivals_and_promises() {
    let axes = format!("{LLAMA}arrival_rate_per_s = [1, 8, 1000]\nslo_ttft_s = 0.1\nslo_tpot_s = 0.02\n");
    let sweep = inference(&axes);
    let rows = all_rows(&sweep);
    assert_eq!(reject(&rows, 2), Some("overloaded"));
    assert_eq!((rows.get(2, "saturated"), rows.get(2, "ttft_s"), rows.get(2, "ttft_p99_s")), (Some(1.0), None, None));
    for row in [0, 1] {
        let number = |column: &str| rows.number(row, column);
        assert_eq!(number("saturated"), 0.0);
        assert!(close(number("utilisation"), number("arrival_rate_per_s") / number("max_requests_per_s")));
        assert!(close(number("goodput_requests_per_s"), number("slo_attainment") * number("requests_per_s")));
        assert!(number("ttft_p50_s") < number("ttft_p90_s") && number("ttft_p90_s") < number("ttft_p99_s"));
        assert!(number("tpot_p50_s") < number("tpot_p90_s") && number("tpot_p90_s") < number("tpot_p99_s"));
        assert!(number("e2e_p99_s") > number("e2e_s"));
        let text = explain(&sweep.context, &sweep.context.plan.point(row as u64)).to_string();
        for term in ["waiting for prefills before", "ttft, 99 in 100", "within what is promised", "share of prefills"] {
            assert!(text.contains(term), "{term}");
        }
    }
    assert!(rows.number(0, "slo_attainment") > rows.number(1, "slo_attainment"));
    // A limit on a percentile is a constraint like any other.
    let p99 = rows.number(0, "ttft_p99_s");
    let limited = inference(&format!("{axes}[constraints]\nttft_p99_s = {{ max = {p99} }}\n"));
    let kept = crate::common::run(&limited, llmsweep_engine::run::Keep::Feasible);
    assert_eq!((kept.stats.feasible, kept.stats.constrained), (1, 1));
}
