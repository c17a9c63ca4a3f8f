//! Random sweeps: a few values on every axis, over models of every architecture.
use llmsweep_engine::axes::Phase;
use proptest::prelude::*;
use proptest::sample::subsequence;

/// Dense, grouped, sliding, experts, latent attention, hybrids, learned positions, tied tables, prediction layers.
pub(crate) const MODELS: [&str; 13] = [
    "llama3.1-8b",
    "gemma3-4b",
    "gpt-oss-20b",
    "mixtral-8x7b",
    "deepseek-v2-lite",
    "deepseek-v3",
    "qwen3-next-80b-a3b",
    "jamba-v0.1",
    "mamba2-2.7b",
    "nemotron-h-8b",
    "minimax-text-01",
    "opt-1.3b",
    "gpt2",
];

const ACCELERATORS: [&str; 8] =
    ["h100-sxm-80", "h200-sxm-141", "b200-sxm", "gb200-nvl72", "mi300x", "tpu-v5p", "l40s", "v100-sxm2-16"];

/// Values that an axis may take, the plainest first, and how many of them a sweep takes at most.
type Choice = (&'static str, Vec<String>, usize);

fn names(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| format!("\"{value}\"")).collect()
}

fn plain(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

fn shared() -> Vec<Choice> {
    vec![
        ("model", names(&MODELS), 2),
        ("accelerator", names(&ACCELERATORS), 2),
        ("tensor_parallel", plain(&["1", "2", "3", "4", "8", "16"]), 2),
        ("expert_parallel", plain(&["1", "2", "4", "8", "32"]), 2),
        ("pipeline_parallel", plain(&["1", "2", "4", "13"]), 2),
        ("network", names(&["default", "ib-ndr", "roce-100"]), 1),
        ("hbm_bandwidth_scale", plain(&["1", "0.5", "2"]), 1),
        ("memory_scale", plain(&["8", "1", "0.25"]), 1),
        ("peak_flops_scale", plain(&["1", "0.5", "2"]), 1),
        ("network_bandwidth_scale", plain(&["1", "4"]), 1),
        ("price_scale", plain(&["1", "0.5"]), 1),
        ("power_scale", plain(&["1", "0.5"]), 1),
    ]
}

const SCHEDULES: [&str; 6] = ["1f1b", "gpipe", "zero_bubble_h1", "zero_bubble_v", "dualpipe", "dualpipe_v"];

fn of_training() -> Vec<Choice> {
    let own = vec![
        ("precision", names(&["bf16", "fp8", "fp32", "mxfp8", "nvfp4", "int8"]), 2),
        ("context_parallel", plain(&["1", "2", "4"]), 2),
        ("expert_tensor_parallel", plain(&["1", "2"]), 1),
        ("sequence_parallel", plain(&["true", "false"]), 1),
        ("sequence_length", plain(&["2048", "512", "4096", "8192"]), 1),
        ("micro_batch", plain(&["1", "2", "4"]), 1),
        ("recompute", names(&["none", "selective", "full"]), 2),
        ("multi_token_prediction", plain(&["false", "true"]), 1),
        ("attention_kernel", names(&["flash", "unfused"]), 1),
        ("virtual_pipeline", plain(&["1", "2", "3"]), 2),
        ("devices", plain(&["64", "8", "96", "512"]), 2),
        ("global_batch", plain(&["512", "64", "96", "4096"]), 2),
        ("zero_stage", plain(&["0", "1", "2", "3"]), 2),
        ("optimizer", names(&["adamw", "adamw_8bit", "muon", "sgd_momentum"]), 1),
        ("tokens", plain(&["1_000_000", "15_600_000_000_000"]), 1),
        ("tokens_per_parameter", plain(&["0", "20", "187.5"]), 1),
        ("device_mtbf_hours", plain(&["50_000", "100", "1e9"]), 1),
        ("checkpoint_interval_s", plain(&["0", "600", "3600"]), 1),
        ("spare_devices", plain(&["0", "8", "64"]), 1),
        ("schedule", names(&SCHEDULES), 2),
        ("first_stage_layers", plain(&["0", "1", "6"]), 1),
        ("last_stage_layers", plain(&["0", "2", "7"]), 1),
        ("embedding_as_layers", plain(&["false", "true"]), 1),
    ];
    [shared(), own].concat()
}

fn of_inference() -> Vec<Choice> {
    let own = vec![
        ("precision", names(&["bf16", "fp8", "int8", "w4a16", "q4_k_m", "nvfp4", "mxfp4"]), 2),
        ("kv_precision", names(&["bf16", "fp8", "int4"]), 2),
        ("engine", names(&["vllm", "sglang", "trtllm"]), 2),
        ("data_parallel", plain(&["1", "2", "3"]), 2),
        ("serving_mode", names(&["continuous", "static", "disaggregated"]), 2),
        ("context_parallel", plain(&["1", "2", "5"]), 1),
        ("kv_allocator", names(&["paged", "contiguous", "power_of_two"]), 1),
        ("max_model_len", plain(&["0", "16_384"]), 1),
        ("weight_offload", plain(&["0", "0.5", "1"]), 1),
        ("kv_offload", plain(&["0", "0.9", "1"]), 1),
        ("speculation", names(&["none", "draft", "mtp", "eagle"]), 2),
        ("draft_model", names(&["none", "llama3.2-1b", "mamba2-2.7b"]), 1),
        ("speculative_tokens", plain(&["1", "0", "7"]), 1),
        ("acceptance_rate", plain(&["0.8", "0", "1"]), 1),
        ("prefix_hit_rate", plain(&["0", "0.4", "1"]), 1),
        ("prefix_shared", plain(&["false", "true"]), 1),
        ("expert_imbalance", plain(&["1", "1.5"]), 1),
        ("routing_correlation", plain(&["0", "0.5", "1"]), 1),
        ("redundant_experts", plain(&["0", "32"]), 1),
        ("two_batch_overlap", plain(&["false", "true"]), 1),
        ("max_batch", plain(&["0", "1", "40"]), 1),
        ("decode_workers", plain(&["1", "3"]), 1),
        ("prefill_workers", plain(&["1", "5"]), 2),
        ("prefill_accelerator", names(&["same", "h20-96", "h100-sxm-80", "l40s"]), 2),
        ("prefill_precision", names(&["same", "bf16", "fp8"]), 1),
        ("prefill_tensor_parallel", plain(&["0", "1", "3", "8"]), 2),
        ("prefill_expert_parallel", plain(&["0", "1", "8"]), 1),
        ("prefill_pipeline_parallel", plain(&["0", "1", "2"]), 1),
        ("prefill_data_parallel", plain(&["0", "1", "8"]), 1),
        ("input_tokens", plain(&["1000", "1", "128", "8192", "100_000"]), 2),
        ("output_tokens", plain(&["256", "1", "7", "4096"]), 2),
        ("concurrency", plain(&["32", "1", "2", "1000", "100_000"]), 2),
        ("arrival_rate_per_s", plain(&["0", "0.5", "20"]), 1),
        ("input_tokens_cv", plain(&["0", "1.5"]), 1),
        ("output_tokens_cv", plain(&["0", "0.7"]), 1),
        ("length_correlation", plain(&["0", "-0.5", "1"]), 1),
        ("slo_ttft_s", plain(&["0", "1"]), 1),
        ("slo_tpot_s", plain(&["0", "0.05"]), 1),
    ];
    [shared(), own].concat()
}

/// Axes that other tests leave where they are.
fn rarer(phase: Phase) -> Vec<Choice> {
    let own = match phase {
        Phase::Training => vec![
            ("stack", names(&["default", "megatron-core", "megatron-lm-2020"]), 1),
            ("recompute_modules", names(&["scores+norm+activation", "attention+latent_up", "mlp+moe"]), 1),
            ("training_mode", names(&["pretraining", "full_finetuning", "lora", "qlora"]), 1),
            ("lora_rank", plain(&["16", "256"]), 1),
            ("lora_modules", names(&["attention+mlp", "attention+mlp+experts+head"]), 1),
            ("gradient_precision", names(&["fp32", "bf16"]), 1),
            ("context_exchange", names(&["ring", "all_gather", "all_to_all"]), 1),
            ("expert_imbalance", plain(&["1", "1.5"]), 1),
            ("recompute_layers", plain(&["0", "1", "5"]), 2),
            ("data_parallel_replicate", plain(&["1", "2"]), 2),
            ("offload", names(&["none", "optimizer", "optimizer+activations"]), 2),
        ],
        Phase::Inference => vec![
            ("quantised_modules", names(&["usual", "all", "experts"]), 1),
            ("admission_interval", plain(&["1", "4"]), 2),
            ("attention_dp_wait_steps", plain(&["0", "60"]), 1),
        ],
    };
    let of_both = vec![
        ("scale_up_bandwidth_scale", plain(&["1", "2"]), 1),
        ("nics_per_device", plain(&["1", "0.5"]), 1),
        ("pod_devices", plain(&["100_000_000", "256"]), 1),
        ("oversubscription", plain(&["1", "7"]), 1),
    ];
    [own, of_both].concat()
}

fn choices(phase: Phase) -> Vec<Choice> {
    match phase {
        Phase::Training => of_training(),
        Phase::Inference => of_inference(),
    }
}

/// The text of a random sweep of a phase.
pub(crate) fn text(phase: Phase) -> impl Strategy<Value = String> {
    let some = |(axis, values, most): Choice| line(axis, subsequence(values, 1..=most).prop_shuffle().boxed());
    together(phase, choices(phase).into_iter().map(some).collect())
}

/// The same along every axis, most of them at their plainest value: many rows of these can run.
pub(crate) fn plainer_text(phase: Phase) -> impl Strategy<Value = String> {
    let some = |(axis, values, most): Choice| {
        let plainest = Just(values[..1].to_vec());
        let any = subsequence(values.clone(), 1..=most).prop_shuffle();
        let with_plainest = subsequence(values[1..].to_vec(), 1).prop_map(move |more| [&values[..1], &more].concat());
        let free = axis == "model" || axis == "accelerator";
        line(axis, if free { any.boxed() } else { prop_oneof![9 => plainest, 2 => with_plainest, 1 => any].boxed() })
    };
    together(phase, [choices(phase), rarer(phase)].concat().into_iter().map(some).collect())
}

fn line(axis: &'static str, values: BoxedStrategy<Vec<String>>) -> BoxedStrategy<String> {
    values.prop_map(move |values| format!("{axis} = [{}]\n", values.join(", "))).boxed()
}

fn together(phase: Phase, axes: Vec<BoxedStrategy<String>>) -> impl Strategy<Value = String> {
    axes.prop_map(move |mut axes| {
        let arrives = |line: &String| line.starts_with("arrival_rate_per_s") && !line.contains("[0]");
        if axes.iter().any(arrives) {
            axes.retain(|line| !line.starts_with("concurrency"));
        }
        format!("schema = 1\nphase = \"{}\"\n[axes]\n{}", phase.name(), axes.concat())
    })
}
