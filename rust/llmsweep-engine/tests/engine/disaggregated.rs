//! Disaggregated serving through the whole engine: pools of their own in layout, format, chip and price.
use crate::common::{Rows, all_rows, inference};

fn rows(axes: &str) -> Rows {
    let found = all_rows(&inference(axes));
    for row in 0..found.len() {
        assert_eq!(found.get(row, "feasible"), Some(1.0), "row {row} of {axes}");
    }
    found
}

/// Zhong et al. 2024 (DistServe), arXiv:2401.09670, section 3.3: the cache of 512 tokens of OPT-66B has 1.13 GB (2³⁰ bytes each), and ten
/// such requests a second fill 90 Gbit/s.
#[test]
fn the_cache_of_opt_66b_is_as_distserve_has_it() {
    let found = rows(
        "model = \"opt-66b\"\naccelerator = \"a100-sxm-80\"\nprecision = \"fp16\"\nkv_precision = \"fp16\"\n\
         tensor_parallel = 4\nserving_mode = \"disaggregated\"\ninput_tokens = 512\noutput_tokens = 64\n",
    );
    let bytes = found.number(0, "kv_transfer_bytes");
    assert!((bytes / 2_f64.powi(30) / 1.13 - 1.0).abs() < 0.005, "{bytes}");
    assert!((bytes * 10.0 * 8.0 / 90e9 - 1.0).abs() < 0.08, "{bytes}");
}

/// Devices, hosts, rental and power are those of both pools, each on its own chip.
#[test]
fn both_pools_are_paid_for() {
    let axes = "model = \"llama3.1-70b\"\naccelerator = \"h200-sxm-141\"\nprecision = \"fp8\"\nconcurrency = 32\n\
                serving_mode = \"disaggregated\"\ntensor_parallel = 2\ndecode_workers = 3\n\
                prefill_accelerator = [\"same\", \"b200-sxm\"]\nprefill_precision = [\"same\", \"nvfp4\"]\n\
                prefill_workers = 2\nprefill_tensor_parallel = 1\nprefill_pipeline_parallel = 1\n";
    let found = all_rows(&inference(axes));
    let alone = |chip: &str| {
        let axes = format!("model = \"llama3.1-70b\"\naccelerator = \"{chip}\"\nprecision = \"fp8\"\n");
        ["usd_per_hour", "power_w"].map(|column| rows(&axes).number(0, column))
    };
    let ([hopper_usd, hopper_w], [blackwell_usd, blackwell_w]) = (alone("h200-sxm-141"), alone("b200-sxm"));
    // Same chip in fp8, in nvfp4 (which it lacks), then B200 in both.
    assert_eq!(found.get(1, "feasible"), Some(0.0));
    for (row, prefill_usd, prefill_w) in
        [(0, hopper_usd, hopper_w), (2, blackwell_usd, blackwell_w), (3, blackwell_usd, blackwell_w)]
    {
        let number = |column| found.number(row, column);
        assert_eq!(
            (number("device_count"), number("prefill_device_count"), number("decode_device_count")),
            (8.0, 2.0, 6.0)
        );
        assert_eq!(number("nodes"), 2.0);
        assert!((number("usd_per_hour") / (6.0 * hopper_usd + 2.0 * prefill_usd) - 1.0).abs() < 1e-12);
        assert!((number("power_w") / (6.0 * hopper_w + 2.0 * prefill_w) - 1.0).abs() < 1e-12);
        let usd = number("usd_per_hour") / 3600.0 / number("tokens_per_s") * 1e6;
        assert!((number("usd_per_million_tokens") / usd - 1.0).abs() < 1e-12);
    }
    let prefill = [0, 2, 3].map(|row| found.number(row, "prefill_time_s"));
    assert!(prefill[0] > prefill[1] && prefill[1] > prefill[2], "{prefill:?}");
    // Decode does not know who prefilled.
    let steps = [0, 2, 3].map(|row| found.number(row, "decode_step_s"));
    assert!(steps.iter().all(|step| (step / steps[0] - 1.0).abs() < 0.1), "{steps:?}");
}

/// What the axes of the prefill pool say changes nothing where one pool does both.
#[test]
fn one_pool_has_no_other() {
    let axes = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\nconcurrency = 16\n";
    let plain = rows(axes);
    let with =
        rows(&format!("{axes}prefill_workers = 9\nprefill_accelerator = \"l40s\"\nprefill_tensor_parallel = 3\n"));
    for column in ["ttft_s", "tpot_s", "device_count", "usd_per_hour", "tokens_per_s", "memory_bytes"] {
        assert_eq!(plain.get(0, column), with.get(0, column), "{column}");
    }
    for column in ["prefill_device_count", "kv_transfer_s", "prefill_utilisation"] {
        assert_eq!(plain.get(0, column), None, "{column}");
    }
}

/// A limit on the batch: fewer run, and a token takes less.
#[test]
fn a_batch_has_a_limit() {
    for mode in ["continuous", "disaggregated"] {
        let found = rows(&format!(
            "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\nserving_mode = \"{mode}\"\nconcurrency = 128\n\
             max_batch = [0, 32]\nprefill_workers = 8\n"
        ));
        assert!(found.number(0, "running_requests") > 32.0 && found.number(1, "running_requests") <= 32.0);
        assert!(found.number(1, "tpot_s") < found.number(0, "tpot_s"));
        assert_eq!((found.number(0, "saturated"), found.number(1, "saturated")), (0.0, 1.0));
    }
}
