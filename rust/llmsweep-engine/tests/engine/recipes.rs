//! Narrow formats in training: how much faster a step is than in the next wider one, on runs published in both.
use crate::common::{all_rows, training};

/// Step time of a run in the first format over that in the second, in the stack of NVIDIA's recipes.
fn ratio(run: &str, formats: [&str; 2]) -> f64 {
    let [narrow, wide] = formats;
    let precisions = format!("precision = [\"{narrow}\", \"{wide}\"]");
    let rows = all_rows(&training(&format!("stack = \"megatron-core\"\n{precisions}\n{run}")));
    rows.number(0, "step_time_s") / rows.number(1, "step_time_s")
}

const LLAMA3_70B_H100: &str = r#"
model = "llama3.1-70b"
accelerator = "h100-sxm-80"
tensor_parallel = 4
pipeline_parallel = 4
virtual_pipeline = 5
context_parallel = 2
sequence_length = 8192
devices = 64
global_batch = 128
"#;
const GPT3_H100: &str = r#"
model = "gpt3-175b"
accelerator = "h100-sxm-80"
tensor_parallel = 4
pipeline_parallel = 8
virtual_pipeline = 6
sequence_length = 2048
devices = 128
global_batch = 256
"#;
const NEMOTRON_H100: &str = r#"
model = "nemotron4-340b"
accelerator = "h100-sxm-80"
tensor_parallel = 8
pipeline_parallel = 8
virtual_pipeline = 12
sequence_length = 4096
devices = 128
global_batch = 32
"#;
const NEMOTRON_GB200: &str = r#"
model = "nemotron4-340b"
accelerator = "gb200-nvl72"
tensor_parallel = 8
pipeline_parallel = 4
virtual_pipeline = 12
sequence_length = 4096
devices = 128
global_batch = 32
"#;
const LLAMA3_8B_B200: &str = r#"
model = "llama3.1-8b"
accelerator = "b200-sxm"
sequence_length = 8192
micro_batch = 2
devices = 8
global_batch = 128
"#;
const LLAMA3_8B_GB200: &str = r#"
model = "llama3.1-8b"
accelerator = "gb200-nvl72"
sequence_length = 8192
micro_batch = 2
devices = 8
global_batch = 128
"#;
const LLAMA3_405B_B200: &str = r#"
model = "llama3.1-405b"
accelerator = "b200-sxm"
tensor_parallel = 4
pipeline_parallel = 8
virtual_pipeline = 8
context_parallel = 2
sequence_length = 8192
devices = 128
global_batch = 64
"#;
const LLAMA3_405B_GB200: &str = r#"
model = "llama3.1-405b"
accelerator = "gb200-nvl72"
tensor_parallel = 4
pipeline_parallel = 16
virtual_pipeline = 4
sequence_length = 8192
devices = 256
global_batch = 1536
"#;
const LLAMA3_405B_GB300: &str = r#"
model = "llama3.1-405b"
accelerator = "gb300-nvl72"
tensor_parallel = 4
pipeline_parallel = 8
virtual_pipeline = 4
sequence_length = 8192
devices = 256
global_batch = 1536
"#;
const MAVERICK_GB200: &str = r#"
model = "llama4-maverick"
accelerator = "gb200-nvl72"
pipeline_parallel = 2
virtual_pipeline = 12
expert_parallel = 64
sequence_length = 8192
devices = 128
global_batch = 1024
"#;
const DEEPSEEK_GB200: &str = r#"
model = "deepseek-v3"
accelerator = "gb200-nvl72"
pipeline_parallel = 4
virtual_pipeline = 4
expert_parallel = 64
sequence_length = 4096
devices = 256
global_batch = 4096
"#;

/// Rows of the run in both formats, on memory that holds either: the published steps say nothing of what was recomputed to fit.
#[track_caller]
fn lands(run: &str, formats: [&str; 2], published: f64, tolerance: f64) {
    let ratio = ratio(&format!("memory_scale = 8.0\n{run}"), formats);
    assert!((ratio / published - 1.0).abs() <= tolerance, "{formats:?}: {ratio:.3}, published {published}:{run}");
}

/// NVIDIA dgxc-benchmarking, steps of the same layout in both formats. What is not said (overlap, what is recomputed) differs by recipe.
#[test]
fn fp8_over_bf16() {
    lands(LLAMA3_70B_H100, ["fp8", "bf16"], 11.01 / 14.69, 0.03);
    lands(GPT3_H100, ["fp8", "bf16"], 5.626 / 8.309, 0.08);
    lands(NEMOTRON_H100, ["fp8", "bf16"], 3.16 / 4.61, 0.08);
    lands(NEMOTRON_GB200, ["fp8", "bf16"], 1.483 / 2.189, 0.06);
    lands(MAVERICK_GB200, ["fp8", "bf16"], 6.093 / 7.781, 0.11);
}

/// NVIDIA Megatron-Bridge. Blocks of 32 values have a scale of their own in each layout: more to write than with one scale per tensor.
#[test]
fn mxfp8_over_wider_formats() {
    lands(LLAMA3_8B_B200, ["mxfp8", "fp8"], 4.44 / 4.37, 0.04);
    lands(LLAMA3_8B_GB200, ["mxfp8", "fp8"], 4.40 / 4.18, 0.04);
    lands(LLAMA3_405B_B200, ["mxfp8", "fp8"], 6.564 / 6.197, 0.05);
    lands(DEEPSEEK_GB200, ["mxfp8", "bf16"], 15.40 / 20.88, 0.05);
}

/// The same source. Timings of 4-bit multiplications, made for serving, reach little more than half of the peak: the gain comes out small.
#[test]
fn nvfp4_over_fp8() {
    lands(LLAMA3_405B_GB200, ["nvfp4", "fp8"], 45.39 / 58.38, 0.06);
    lands(LLAMA3_405B_GB300, ["nvfp4", "fp8"], 34.79 / 47.72, 0.13);
}
