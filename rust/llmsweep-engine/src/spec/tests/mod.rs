//! Tests of the specification: what is right, what is wrong in which words, and what is published.
mod fuzz;
mod published;
mod right;
mod serving;
mod several;
mod traffic;
mod wrong;

use super::{Names, Spec};
use crate::document::parse_toml;
use crate::node::DocumentError;

/// A small catalogue.
pub(super) struct Few;

impl Names for Few {
    fn models(&self) -> Vec<&str> {
        vec!["llama3.1-8b", "llama3.1-70b", "llama3.1-405b", "deepseek-v3"]
    }

    fn accelerators(&self) -> Vec<&str> {
        vec!["a100-sxm-80", "h100-sxm-80", "h200-sxm-141", "b200-sxm", "mi300x", "l40s"]
    }

    fn networks(&self) -> Vec<&str> {
        vec!["ib-ndr", "roce-400"]
    }

    fn engines(&self) -> Vec<&str> {
        vec!["vllm", "sglang", "trtllm"]
    }

    fn stacks(&self) -> Vec<&str> {
        vec!["megatron-core", "maxtext"]
    }
}

pub(super) fn decode(text: &str) -> Result<Spec, DocumentError> {
    Spec::decode(&parse_toml("s.toml", text)?, &Few)
}

/// Serving: which accelerator, format, width and load.
pub(super) const INFERENCE: &str = r#"schema = 1
phase = "inference"
[axes]
model = ["llama3.1-70b"]
accelerator = ["h100-sxm-80", "h200-sxm-141", "b200-sxm", "mi300x", "l40s"]
precision = ["bf16", "fp8", "w4a16", "nvfp4"]
kv_precision = ["bf16", "fp8"]
tensor_parallel = [1, 2, 4, 8]
concurrency = { geometric = [1, 1024, 2] }
[workload]
input_tokens = 2048
output_tokens = 256
[constraints]
ttft_s = { max = 0.5 }
tpot_s = { max = 0.05 }
[pareto]
minimize = ["usd_per_million_tokens"]
maximize = ["tokens_per_s_per_user"]
by = ["model"]
"#;

/// A training run: which cluster and layout.
pub(super) const TRAINING: &str = r#"schema = 1
phase = "training"
name = "405B on 15.6T tokens"
[axes]
model = "llama3.1-405b"
accelerator = "h*"
devices = { geometric = [1024, 16384, 2] }
global_batch = [1024, 2048]
tensor_parallel = { linear = [2, 8, 2] }
sequence_parallel = true
hbm_bandwidth_scale = [1, 1.5, 2.0]
[workload]
sequence_length = 8192
tokens = 15_600_000_000_000
[prices]
h100-sxm-80 = 2
"#;
