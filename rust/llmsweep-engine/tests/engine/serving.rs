//! Prefixes, guesses, allocators, the host's memory and context parallelism, by whole sweeps over the shipped catalogue.
use llmsweep_engine::explain::explain;

use crate::common::{Rows, all_rows, inference, reject};

const LLAMA: &str = "model = \"llama3.1-70b\"\naccelerator = \"h200-sxm-141\"\nprecision = \"fp8\"\ntensor_parallel = 2\n\
     input_tokens = 4096\noutput_tokens = 512\n";

fn rows(axes: &str) -> Rows {
    all_rows(&inference(&format!("{LLAMA}{axes}")))
}

/// A column of every row.
#[track_caller]
fn all(rows: &Rows, column: &str) -> Vec<f64> {
    (0..rows.len()).map(|row| rows.number(row, column)).collect()
}

#[track_caller]
fn falls(values: &[f64]) {
    assert!(values.is_sorted_by(|one, other| one > other), "{values:?}");
}

#[test]
fn cached_prefixes_save_prefills_and_shared_ones_room() {
    let found = rows("concurrency = 32\nprefix_hit_rate = [0, 0.5, 0.9]");
    for column in ["prefill_time_s", "ttft_s", "ttft_s_bound", "tpot_s", "usd_per_million_tokens"] {
        falls(&all(&found, column));
    }
    let most = all(&rows("prefix_hit_rate = 0.9\nprefix_shared = [true, false]"), "max_concurrency");
    assert!(most[0] > 4.0 * most[1], "{most:?}");
}

/// Guesses by a small model of the same family; the expected tokens of equation 1 of arXiv:2211.17192.
#[test]
fn guesses_pay_for_few_requests_and_cost_room() {
    let guessed = "draft_model = \"llama3.2-1b\"\nspeculative_tokens = 3\nacceptance_rate = 0.7\n";
    let found = rows(&format!("{guessed}speculation = [\"none\", \"draft\"]\nconcurrency = 1"));
    falls(&all(&found, "tpot_s"));
    falls(&all(&found, "max_concurrency"));
    let accepted = all(&found, "accepted_tokens_per_step");
    assert!((accepted[0] - 1.0).abs() < 1e-12 && (accepted[1] - 2.533).abs() < 1e-12, "{accepted:?}");
    let sweep = inference(&format!("{LLAMA}{guessed}speculation = \"draft\""));
    let explained = explain(&sweep.context, &sweep.context.plan.point(0)).to_string();
    assert!(explained.contains("Tokens guessed ahead") && explained.contains("guessing tokens ahead"));
}

#[test]
fn pieces_for_the_longest_request_hold_fewer_requests_than_blocks() {
    let found = rows("kv_allocator = [\"paged\", \"power_of_two\", \"contiguous\"]\nmax_model_len = 16_384");
    falls(&all(&found, "max_concurrency"));
    let used: Vec<f64> = all(&found, "kv_waste_fraction").iter().map(|waste| 1.0 - waste).collect();
    falls(&used);
    let longest = all(&found, "max_context_tokens");
    assert!(longest[0] <= 131_072.0 && longest[1] <= longest[0], "{longest:?}");
    let too_long = rows("max_model_len = 4096");
    assert_eq!(reject(&too_long, 0), Some("context_too_long"));
}

/// What does not fit the device fits its host, at the pace of the link between them.
#[test]
fn the_hosts_memory_makes_room_and_takes_time() {
    let found = rows("weight_offload = [0, 0.5, 1]\nconcurrency = 8");
    let (time, held) = (all(&found, "host_transfer_s"), all(&found, "host_memory_bytes"));
    assert!(time[0].abs() < 1e-300 && time[1] > 0.0 && time[2] > time[1], "{time:?}");
    assert!((held[2] / held[1] - 2.0).abs() < 1e-9 && held[0].abs() < 1e-300, "{held:?}");
    assert!(found.number(0, "weight_bytes") > 2.0 * found.number(2, "weight_bytes"));
    let cached = rows("kv_offload = [0.9, 0]");
    let most = all(&cached, "max_concurrency");
    assert!((most[0] / most[1] - 10.0).abs() < 0.1, "{most:?}");
}

#[test]
fn more_context_parallel_devices_answer_sooner() {
    let found = rows("context_parallel = [1, 2, 4]");
    falls(&all(&found, "ttft_s"));
    falls(&all(&found, "ttft_s_bound"));
    let devices = all(&found, "device_count");
    assert!(devices.iter().zip([2.0, 4.0, 8.0]).all(|(one, other)| (one - other).abs() < 1e-12), "{devices:?}");
}

/// Lieber et al. 2024, arXiv:2403.19887, table 1: caches of 256K tokens in 16 bits are 128 GB of Llama-2 7B, 32 GB of Mistral 7B and of
/// Mixtral, 4 GB of Jamba, whose layers are seven to one without attention.
#[test]
fn caches_of_256k_tokens_are_as_published() {
    for (model, published) in [("llama2-7b", 128.0), ("mistral-7b", 32.0), ("mixtral-8x7b", 32.0), ("jamba-v0.1", 4.0)]
    {
        let found = all_rows(&inference(&format!("model = \"{model}\"\naccelerator = \"b200-sxm\"")));
        let gibibytes = found.number(0, "kv_bytes_per_token") * f64::from(1 << 18) / f64::from(1 << 30);
        assert!((gibibytes / published - 1.0).abs() < 1e-12, "{model}: {gibibytes}");
    }
}
