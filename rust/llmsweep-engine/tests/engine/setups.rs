//! What-if factors act, prices override, and an inline table is as good as an entry of the catalogue.
use std::fs;

use llmsweep_model::economics::KILOWATT_HOUR;

use crate::common::{Rows, all_rows, catalog_folder, inference, training};

const SERVING: &str = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ntensor_parallel = 2\nconcurrency = 8\n";
const TRAINING: &str = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ndevices = 64\nglobal_batch = 128\n\
     tensor_parallel = 2\n";

fn serving(axes: &str) -> Rows {
    all_rows(&inference(&format!("{SERVING}{axes}")))
}

fn trained(axes: &str) -> Rows {
    all_rows(&training(&format!("{TRAINING}{axes}")))
}

fn experts(axes: &str) -> Rows {
    let sweep = "model = \"mixtral-8x7b\"\naccelerator = \"h200-sxm-141\"\ndevices = 64\nglobal_batch = 128\nexpert_parallel = 8\n\
         pipeline_parallel = 2\n";
    all_rows(&training(&format!("{sweep}{axes}")))
}

#[track_caller]
fn falls(rows: &Rows, column: &str) {
    let (before, after) = (rows.number(0, column), rows.number(1, column));
    assert!(after < before * 0.9999, "{column} goes from {before} to {after}");
}

#[track_caller]
fn doubles(rows: &Rows, column: &str) {
    let (before, after) = (rows.number(0, column), rows.number(1, column));
    assert!((after / before - 2.0).abs() < 1e-12, "{column} goes from {before} to {after}");
}

#[test]
fn factors_on_the_hardware_act_where_they_should() {
    falls(&serving("hbm_bandwidth_scale = [1, 2]\n"), "tpot_s");
    falls(&serving("peak_flops_scale = [1, 2]\n"), "prefill_time_s");
    falls(&serving("scale_up_bandwidth_scale = [0.1, 1]\n"), "prefill_time_s");
    let memory = serving("memory_scale = [2, 1]\n");
    falls(&memory, "max_concurrency");
    doubles(&serving("price_scale = [1, 2]\n"), "usd_per_million_tokens");
    falls(&trained("peak_flops_scale = [1, 2]\n"), "step_time_s");
    falls(&trained("hbm_bandwidth_scale = [1, 2]\n"), "optimizer_time_s");
    falls(&trained("scale_up_bandwidth_scale = [1, 2]\n"), "tensor_communication_s");
    falls(&trained("network_bandwidth_scale = [0.01, 1]\n"), "data_communication_s");
    falls(&trained("network = [\"roce-100\", \"ib-xdr\"]\n"), "data_communication_s");
    falls(&trained("network = \"ib-ndr\"\nnics_per_device = [0.05, 1]\n"), "data_communication_s");
    falls(&trained("pod_devices = 8\noversubscription = [64, 1]\n"), "data_communication_s");
    falls(&trained("context_parallel = 2\ncontext_exchange = [\"all_gather\", \"ring\"]\n"), "context_communication_s");
    falls(&trained("zero_stage = 3\ndata_parallel_replicate = [8, 1]\n"), "optimizer_bytes");
    falls(&experts("expert_imbalance = [1.5, 1]\n"), "step_time_s");
    doubles(&trained("price_scale = [1, 2]\n"), "cost_usd");
    doubles(&trained("tokens = [1_000_000, 2_000_000]\n"), "time_to_train_s");
}

/// `usd_per_kwh` of systems/operations.toml.
const USD_PER_KWH: f64 = 0.08;

const OF_POWER: [&str; 5] = ["power_w", "energy_j", "j_per_token", "facility_energy_j", "co2_kg"];

/// Both pools draw the factor's power, on a chip of its own too; of owning only electricity rises, and nothing else.
#[test]
fn board_power_is_scaled_in_both_pools() {
    let pools = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\nserving_mode = \"disaggregated\"\n\
                 prefill_accelerator = \"a100-sxm-80\"\nconcurrency = 8\n";
    let [served, pooled] = [SERVING, pools].map(|axes| all_rows(&inference(&format!("{axes}power_scale = [1, 2]\n"))));
    for rows in [&served, &pooled, &trained("power_scale = [1, 2]\n")] {
        for column in OF_POWER {
            doubles(rows, column);
        }
        let owned = rows.number(1, "ownership_usd") / rows.number(0, "ownership_usd");
        assert!(owned > 1.001 && owned < 1.5, "owning costs {owned} times as much");
        assert_eq!(rows.get(0, "cost_usd"), rows.get(1, "cost_usd"));
        assert_eq!(rows.get(0, "tokens_per_s"), rows.get(1, "tokens_per_s"));
    }
    let electricity = served.number(0, "facility_energy_j") / KILOWATT_HOUR * USD_PER_KWH;
    let more = served.number(1, "ownership_usd") - served.number(0, "ownership_usd");
    assert!((more / electricity - 1.0).abs() < 1e-9, "{more} and not {electricity}");
}

#[test]
fn prices_of_the_sweep_override_the_catalogue() {
    let own = all_rows(&inference(&format!("{SERVING}[prices]\nh100-sxm-80 = 1.25\n")));
    assert!((own.number(0, "usd_per_hour") - 2.5).abs() < 1e-12);
    let cost = own.number(0, "usd_per_hour") / 3600.0 / own.number(0, "tokens_per_s") * 1e6;
    assert!((own.number(0, "usd_per_million_tokens") / cost - 1.0).abs() < 1e-12);
    let free = all_rows(&training(&format!("{TRAINING}[prices]\nh100-sxm-80 = 0\n")));
    assert_eq!(free.number(0, "cost_usd"), 0.0);
}

/// The text of one `[[kind]]` table of a shipped file.
fn entry(kind: &str, file: &str, id: &str) -> String {
    let text = fs::read_to_string(catalog_folder().join(file)).expect("a shipped file");
    let start = format!("[[{kind}]]\nid = \"{id}\"\n");
    let (_, rest) = text.split_once(&start).expect("the entry stands in the file");
    format!("{start}{}", rest.split("\n\n").next().unwrap_or_default())
}

#[test]
fn inline_tables_equal_entries_of_the_catalogue() {
    let accelerator = entry("accelerator", "accelerators/nvidia-hopper.toml", "h100-sxm-80");
    let model = entry("model", "models/llama3-4.toml", "llama3.1-8b");
    for phase in ["inference", "training"] {
        let rows = |extra: &str| match phase {
            "inference" => all_rows(&inference(&format!("{SERVING}engine = [\"vllm\", \"trtllm\"]\n{extra}"))),
            _ => all_rows(&training(&format!("{TRAINING}zero_stage = [1, 3]\n{extra}"))),
        };
        let shipped = rows("");
        assert!(shipped.number(0, "feasible") > 0.0);
        assert_eq!(rows(&format!("{accelerator}\n")), shipped);
        assert_eq!(rows(&format!("{model}\n")), shipped);
        assert_eq!(rows(&format!("{model}\n\n{accelerator}\n")), shipped);
        let slower = accelerator.replace("memory_bandwidth_bytes_per_s = 3", "memory_bandwidth_bytes_per_s = 1");
        assert_ne!(slower, accelerator);
        assert_ne!(rows(&format!("{slower}\n")), shipped);
    }
}

/// Eight stages of DeepSeek-V3, its experts over eight nodes, 32 micro-batches.
const PIPELINED: &str = "model = \"deepseek-v3\"\naccelerator = \"h100-sxm-80\"\nmemory_scale = 8\npipeline_parallel = 8\n\
     expert_parallel = 64\ndevices = 512\nglobal_batch = 2048\n";

#[test]
fn schedules_trade_waits_for_memory() {
    let rows = all_rows(&training(&format!(
        "{PIPELINED}virtual_pipeline = [1, 2]\n\
         schedule = [\"1f1b\", \"gpipe\", \"zero_bubble_h1\", \"zero_bubble_v\", \"dualpipe\", \"dualpipe_v\"]\n"
    )));
    let of = |row: usize, column: &str| rows.number(row, column);
    let [plain, gpipe, zero, dual, interleaved, there, dual_v] = [0, 1, 2, 4, 6, 9, 11];
    for row in [7, 8, 10, 3, 5] {
        assert_eq!(of(row, "feasible"), 0.0, "{row}");
    }
    let waits = |row| of(row, "bubble_time_s");
    assert!((waits(gpipe) / waits(plain) - 1.0).abs() < 0.2);
    assert!(waits(interleaved) < 0.6 * waits(plain));
    assert!(waits(zero) < 0.8 * waits(plain) && waits(there) <= waits(zero));
    assert!(waits(dual) < waits(zero));
    // All micro-batches wait in GPipe, those of the stages behind in the others; the second copy doubles the weights.
    assert!(of(gpipe, "activation_bytes") > 2.0 * of(plain, "activation_bytes"));
    assert!((of(dual, "weight_bytes") / of(plain, "weight_bytes") - 2.0).abs() < 0.3);
    assert!((of(dual_v, "weight_bytes") / of(plain, "weight_bytes") - 1.0).abs() < 0.3);
    // Pairs of passes hide the dispatch to experts.
    for row in [dual, dual_v] {
        assert!(of(row, "expert_communication_s") < 0.8 * of(plain, "expert_communication_s"));
    }
}

#[test]
fn stages_hold_the_layers_that_were_asked_for() {
    let layers = |axes: &str| {
        let rows = trained(axes);
        ["first", "last", "largest"].map(|which| rows.number(0, &format!("{which}_stage_layer_count")))
    };
    assert_eq!(layers("pipeline_parallel = 4\n"), [8.0, 8.0, 8.0]);
    assert_eq!(layers("pipeline_parallel = 4\nfirst_stage_layers = 5\n"), [5.0, 9.0, 9.0]);
    assert_eq!(layers("pipeline_parallel = 4\nfirst_stage_layers = 5\nlast_stage_layers = 5\n"), [5.0, 5.0, 11.0]);
    assert_eq!(layers("pipeline_parallel = 4\nembedding_as_layers = true\n"), [7.0, 7.0, 9.0]);
    assert_eq!(layers("pipeline_parallel = 4\nschedule = \"dualpipe\"\n"), [16.0, 16.0, 16.0]);
}

/// Hosts of eight H100 and of four GB200; the last need not be full, and a refused row has its hosts too.
#[test]
fn a_row_says_how_many_hosts_it_takes() {
    let nodes = |accelerator: &str, devices: u32| {
        let axes = format!(
            "model = \"llama3.1-8b\"\naccelerator = \"{accelerator}\"\ndevices = {devices}\nglobal_batch = 64\n"
        );
        all_rows(&training(&axes)).number(0, "nodes")
    };
    assert_eq!(nodes("h100-sxm-80", 64), 8.0);
    assert_eq!(nodes("h100-sxm-80", 17), 3.0);
    assert_eq!(nodes("gb200-nvl72", 64), 16.0);
    let served = "model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\ntensor_parallel = 4\ndata_parallel = 3\n";
    assert_eq!(all_rows(&inference(served)).number(0, "nodes"), 2.0);
}
