//! Published effects of serving: throughput of whole systems, and how it moves with formats, lengths and wide expert parallelism.
use crate::common::{Rows, all_rows, inference};

fn rows(axes: &str) -> Rows {
    let found = all_rows(&inference(axes));
    for row in 0..found.len() {
        assert_eq!(found.get(row, "feasible"), Some(1.0), "row {row} of {axes}");
    }
    found
}

#[track_caller]
fn within(what: &str, found: f64, published: f64, below: f64, above: f64) {
    let ratio = found / published;
    assert!(1.0 - below <= ratio && ratio <= 1.0 + above, "{what}: {found} is {ratio} of {published}");
}

/// MLPerf Inference v5.1, closed, Llama-2-70B offline: 3,066 tokens/s per H100 in fp8 (pairs of devices) and 15,291 per GB300 in nvfp4.
/// Prompts and answers of OpenOrca have 294 and 295 tokens on average.
///
/// Prompts so short are far from filling a device, and several join each step. GB300's decode step at 2,048 requests is 93 ms of the published
/// 134 that decode and prefill take together: its multiplications reach a third of the peak here.
#[test]
fn llama_2_70b_offline() {
    for (chip, layout, requests, published, below) in [
        ("h100-sxm-80", "precision = \"fp8\"\ntensor_parallel = 2", 868, 3066.0, 0.12),
        ("gb300-nvl72", "precision = \"nvfp4\"\ntensor_parallel = 1", 2048, 15_291.0, 0.20),
    ] {
        let found = rows(&format!(
            "model = \"llama2-70b\"\naccelerator = \"{chip}\"\n{layout}\nkv_precision = \"fp8\"\nengine = \"trtllm-2025\"\n\
             input_tokens = 294\noutput_tokens = 295\nconcurrency = {requests}\n"
        ));
        within(chip, found.number(0, "tokens_per_s_per_device"), published, below, 0.0);
    }
}

/// TensorRT-LLM v0.17, performance overview: Llama 3.1 70B in fp8 on one H100 with prompts of 128 answers 911 tokens/s of 2,048 each and 426
/// of 4,096 each: weights leave room for so few that twice the answer is half the batch.
#[test]
fn longer_answers_halve_the_batch_that_fits() {
    let found = rows(
        "model = \"llama3.1-70b\"\naccelerator = \"h100-sxm-80\"\nprecision = \"fp8\"\nkv_precision = \"fp8\"\nengine = \"trtllm-2025\"\n\
         input_tokens = 128\noutput_tokens = [2048, 4096]\nconcurrency = 2048\n",
    );
    let rates = [0, 1].map(|row| found.number(row, "tokens_per_s"));
    within("2,048", rates[0], 911.0, 0.15, 0.05);
    within("4,096", rates[1], 426.0, 0.10, 0.05);
    within("halving", rates[0] / rates[1], 911.0 / 426.0, 0.13, 0.05);
    assert_eq!([0, 1].map(|row| found.number(row, "saturated")), [1.0, 1.0]);
}

/// llama.cpp, Llama-2-7B on an RTX 4090: 61 tokens/s in 16 bits, 149 in 4 (MLC's llm-perf-bench has 151.1). A quarter of the bytes gives
/// 2.4 times the tokens, not 4.
#[test]
fn a_7b_on_an_rtx_4090() {
    let found = rows(
        "model = \"llama2-7b\"\naccelerator = \"rtx-4090\"\nprecision = [\"fp16\", \"w4a16\"]\nkv_precision = \"fp16\"\n\
         engine = \"trtllm\"\nserving_mode = \"static\"\ninput_tokens = 8\noutput_tokens = 256\n",
    );
    let rates = [0, 1].map(|row| found.number(row, "tokens_per_s_per_user"));
    within("fp16", rates[0], 61.0, 0.08, 0.08);
    within("4 bits", rates[1], 149.0, 0.08, 0.08);
}

/// Half the bytes of weights never halve the time per token: caches, activations, messages and launches stay.
#[test]
fn half_the_weights_less_than_halve_the_time() {
    let found = rows(
        "model = [\"llama3.1-8b\", \"llama3.1-70b\"]\naccelerator = [\"h100-sxm-80\", \"h200-sxm-141\"]\n\
         precision = [\"bf16\", \"fp8\"]\ntensor_parallel = 4\nconcurrency = [1, 16, 64]\nserving_mode = \"static\"\n",
    );
    for model in 0..2 {
        for rest in 0..6 {
            // Axes from the outermost: model, precision, accelerator, concurrency.
            let [wide, narrow] = [0, 1].map(|format| found.number(model * 12 + format * 6 + rest, "tpot_s"));
            assert!(narrow < wide && narrow > 0.5 * wide, "{narrow} {wide}");
        }
    }
}

/// DeepSeek-V3 with wide expert parallelism, attention data-parallel, 32 redundant experts: decode or prefill alone.
fn deepseek(chip: &str, ranks: u32, own: &str) -> Rows {
    rows(&format!(
        "model = \"deepseek-v3\"\naccelerator = \"{chip}\"\nprecision = \"fp8_block\"\nengine = \"sglang\"\nserving_mode = \"static\"\n\
         data_parallel = {ranks}\nexpert_parallel = {ranks}\ntwo_batch_overlap = [false, true]\nmemory_scale = 1.5\n{own}"
    ))
}

/// SGLang on 12 nodes of eight H100 (LMSYS, 5 May 2025): 22,282 tokens/s per node at EP72 and 256 requests of 2,000 tokens on each device,
/// 2,785 per device, with overlap of two batches. Perfect balance and overlap come out a fifth above, none of the overlap a sixth below.
/// (The memory of the test's device is larger: its engine's reserve is that of single nodes.)
#[test]
fn deepseek_decodes_on_72_h100() {
    let found = deepseek(
        "h100-sxm-80",
        72,
        "redundant_experts = 32\nconcurrency = 18_432\ninput_tokens = 2000\noutput_tokens = 100\n",
    );
    let [apart, overlapped] = [0, 1].map(|row| 256.0 / found.number(row, "tpot_s"));
    within("in turn", apart, 2785.0, 0.20, 0.0);
    within("overlapped", overlapped, 2785.0, 0.0, 0.22);
}

/// DeepSeek's own profile (open-infra-index, quoted by LMSYS): 18,598 tokens/s per node of eight H800 at EP128 and 128 requests of 4,096
/// tokens each, 2,325 per device, multi-token prediction included, which this test has not; its production average at EP144, 14.8
/// thousand per node, is 1,850 at 21 tokens/s per user, or 88 requests of 4,989 tokens on each device.
#[test]
fn deepseek_decodes_on_h800() {
    let profile = deepseek("h800-sxm-80", 128, "concurrency = 16_384\ninput_tokens = 4096\noutput_tokens = 100\n");
    within("EP128", 128.0 / profile.number(1, "tpot_s"), 2325.0, 0.15, 0.05);
    let production = deepseek(
        "h800-sxm-80",
        144,
        "redundant_experts = 32\nconcurrency = 12_672\ninput_tokens = 4939\noutput_tokens = 100\n",
    );
    within("EP144", 88.0 / production.number(1, "tpot_s"), 1850.0, 0.20, 0.10);
}

/// The same system prefills at EP32 with up to 16,384 tokens on a device: 57,674 tokens/s per node in prompts of 1,024 and 50,302 of 4,096. Without
/// overlap of two batches the messages would take a third of it away.
#[test]
fn deepseek_prefills_on_32_h100() {
    for (input, prompts, published) in [(1024, 16, 7209.0), (4096, 4, 6288.0)] {
        let found = deepseek(
            "h100-sxm-80",
            32,
            &format!(
                "redundant_experts = 32\nconcurrency = {}\ninput_tokens = {input}\noutput_tokens = 1\n",
                32 * prompts
            ),
        );
        let [apart, overlapped] = [0, 1].map(|row| 16_384.0 / found.number(row, "prefill_time_s"));
        within("overlapped", overlapped, published, 0.12, 0.12);
        assert!(apart < 0.75 * published, "{apart}");
    }
}

/// TensorRT-LLM 0.9's static benchmark of Mixtral 8x7B on two A100, 32 requests of 2,048 + 2,048 tokens: 1,602 tokens/s, 20.0 ms a step. All
/// eight experts' weights alone take 22.8 ms of the memory's peak: the benchmark's prompts are copies of each other, and so are the choices.
#[test]
fn copies_of_one_prompt_wake_few_experts() {
    let found = rows(
        "model = \"mixtral-8x7b\"\naccelerator = \"a100-sxm-80\"\nprecision = \"fp16\"\nengine = \"trtllm-2024\"\n\
         tensor_parallel = 2\nrouting_correlation = [0, 1]\nconcurrency = 32\nserving_mode = \"static\"\n\
         input_tokens = 2048\noutput_tokens = 2048\n",
    );
    let [each, as_one] = [0, 1].map(|row| 32.0 * 2048.0 / found.number(row, "e2e_s"));
    assert!(each < 0.5 * 1602.0, "{each}");
    within("one prompt", as_one, 1602.0, 0.30, 0.05);
    let alone = rows(
        "model = \"mixtral-8x7b\"\naccelerator = \"a100-sxm-80\"\nprecision = \"fp16\"\nengine = \"trtllm-2024\"\n\
         tensor_parallel = 2\nrouting_correlation = [0, 1]\nconcurrency = 1\nserving_mode = \"static\"\n\
         input_tokens = 1\noutput_tokens = 2\n",
    );
    assert_eq!(alone.number(0, "tpot_s").to_bits(), alone.number(1, "tpot_s").to_bits());
}

/// TensorRT-LLM 1.0, performance overview: Qwen3-235B in nvfp4 on eight B200 that attend apart and share the experts, 3,000 requests of 1,000 +
/// 1,000 tokens: 42,391 tokens/s. Each replica's prompts hold up the other seven, less where they wait for each other, and no replica of
/// a dense model.
#[test]
fn replicas_that_share_experts_wait_for_each_others_prompts() {
    let found = rows(
        "model = \"qwen3-235b-a22b\"\naccelerator = \"b200-sxm\"\nprecision = \"nvfp4\"\nkv_precision = \"fp8\"\nengine = \"trtllm\"\n\
         data_parallel = 8\nexpert_parallel = 8\nconcurrency = 3000\nattention_dp_wait_steps = [0, 60]\ninput_tokens = 1000\n\
         output_tokens = 1000\n",
    );
    within("apart", found.number(0, "tokens_per_s"), 42_391.0, 0.05, 0.2);
    assert!(found.number(1, "tpot_s") < 0.97 * found.number(0, "tpot_s"));
    assert!(found.number(1, "ttft_s") > found.number(0, "ttft_s"));
    for load in ["concurrency = 512\n", "arrival_rate_per_s = 100\n"] {
        let dense = rows(&format!(
            "model = \"llama3.1-8b\"\naccelerator = \"b200-sxm\"\nengine = \"trtllm\"\ndata_parallel = 8\n\
             attention_dp_wait_steps = [0, 60]\n{load}"
        ));
        let [apart, gathered] = [0, 1].map(|row| dense.number(row, "ttft_s").to_bits());
        assert_eq!(apart, gathered);
    }
}

/// What if: a busier rank slows everyone, and copies of busy experts give part of it back.
#[test]
fn imbalance_costs_and_copies_help() {
    let found = rows(
        "model = \"deepseek-v3\"\naccelerator = \"h200-sxm-141\"\nprecision = \"fp8_block\"\nengine = \"sglang\"\ndata_parallel = 32\n\
         expert_parallel = 32\nexpert_imbalance = [1.0, 1.5]\nredundant_experts = [0, 32]\nconcurrency = 8192\nserving_mode = \"static\"\n\
         input_tokens = 1000\noutput_tokens = 100\n",
    );
    let [even, even_copies, skewed, skewed_copies] = [0, 1, 2, 3].map(|row| found.number(row, "tpot_s"));
    assert!(skewed > 1.05 * even && skewed_copies < skewed);
    assert!(skewed_copies / even_copies < skewed / even);
    let [own, copies] = [0, 1].map(|row| found.number(row, "weight_bytes"));
    // One more expert of 44 million parameters on each of 58 layers.
    within("copies", copies - own, 58.0 * 3.0 * 7168.0 * 2048.0, 0.01, 0.03);
}
