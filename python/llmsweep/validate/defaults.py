"""What a source leaves unsaid: the default of its software and release. One rule each, for all rows alike.

No rule looks at what was measured. A file that has the column filled is taken at its word.
"""

import polars as pl

FRAMEWORK = pl.col("framework_id").fill_null("megatron").str.to_lowercase()
RELEASE = pl.col("framework").fill_null("").str.to_lowercase()
EXPERTS = pl.col("experts")
# NeMo's and Megatron Bridge's recipes for DeepSeek-V3 recompute modules (`moe_act`, `mla_up_proj`).
DEEPSEEK_RECIPE = (FRAMEWORK == "megatron") & EXPERTS & pl.col("model_key").str.starts_with("deepseek")


def said(name: str, allowed: tuple[str, ...]) -> pl.Expr:
    """What a row says, if it is one of the allowed words."""
    word = pl.col(name).str.to_lowercase()
    return pl.when(word.is_in(allowed)).then(word)


def recompute() -> pl.Expr:
    """What the stack's recipes recompute."""
    default = pl.when(DEEPSEEK_RECIPE).then(pl.lit("selective")).otherwise("unsaid_recompute")
    return pl.coalesce(said("recompute", ("none", "selective", "full")), default)


def recompute_modules() -> pl.Expr:
    """What selective recomputation runs again: NeMo's recipes for DeepSeek-V3 name modules, others the stack."""
    return pl.when(DEEPSEEK_RECIPE).then(pl.lit("activation+latent_up")).otherwise("unsaid_recompute_modules")


def gradient_precision() -> pl.Expr:
    """In which format gradients are summed: DeepSpeed sums fp16 ones as they are, those of bf16 in single precision."""
    as_they_are = (FRAMEWORK == "megatron-deepspeed") & (pl.col("precision_id") == "fp16")
    return pl.when(as_they_are).then(pl.lit("bf16")).otherwise("unsaid_gradient_precision")


def zero_stage() -> pl.Expr:
    """What the stack's data parallelism shards."""
    given = pl.when(pl.col("zero_stage").is_between(0, 3)).then(pl.col("zero_stage"))
    return pl.coalesce(given, "unsaid_zero_stage")


def sequence_parallel() -> pl.Expr:
    """Whether the stack's tensor parallelism splits norms and residuals too."""
    yes = pl.col("seq_parallel").str.to_lowercase().str.slice(0, 1)
    return pl.when(yes.is_not_null()).then(yes.is_in(["y", "t", "1"])).otherwise("unsaid_sequence_parallel")


def attention_kernel() -> pl.Expr:
    """How the stack computes scores."""
    return pl.col("unsaid_attention_kernel")


def virtual_pipeline() -> pl.Expr:
    """NeMo's dense recipes interleave one layer per chunk where the schedule takes it; others don't interleave.

    The schedule takes it where the stages share the layers evenly, and the micro-batches come in multiples of them.
    """
    stages = pl.col("pp").fill_null(1)
    replicas = pl.col("n_devices") // (pl.col("tp").fill_null(1) * pl.col("cp").fill_null(1) * stages).clip(1)
    batches = pl.col("global_batch") // (replicas * pl.col("micro_batch").fill_null(1)).clip(1)
    chunks = pl.col("model_layers") // stages.clip(1)
    nemo = (FRAMEWORK == "megatron") & RELEASE.str.contains("nemo|bridge") & ~EXPERTS
    takes = (stages > 1) & (pl.col("model_layers") % stages.clip(1) == 0) & (batches % stages.clip(1) == 0)
    return pl.when(pl.col("vp") > 0).then(pl.col("vp")).when(nemo & takes).then(chunks.clip(1)).otherwise(1)


# Models whose checkpoints in fp8 have a scale per block of 128 x 128 weights (`weight_block_size` of their configs).
BLOCK_SCALED = "^(deepseek-v3|deepseek-r1|kimi-k2|glm-4\\.5|glm-4\\.6|glm-5|qwen3|minimax-m2)"


def precision() -> pl.Expr:
    """The format of a row; fp8 is that of the model's checkpoint."""
    said = pl.coalesce("precision_id", pl.lit("bf16"))
    blocks = (said == "fp8") & pl.col("model_key").str.contains(BLOCK_SCALED).fill_null(value=False)
    return pl.when(blocks).then(pl.lit("fp8_block")).otherwise(said)


CACHE_FORMATS = ("fp32", "fp16", "bf16", "fp8", "int8", "int4", "nvfp4")


def kv_precision() -> pl.Expr:
    """TensorRT-LLM's quantised checkpoints carry an fp8 cache (`kv_cache_quant_algo`); else the cache is 16 bits.

    So do Gaudi's (Optimum Habana measures its fp8 scales with the cache).
    vLLM's and SGLang's `kv_cache_dtype = auto` is the format of the activations, 16 bits, whatever the weights are.
    """
    quantised = pl.col("precision_id").is_in(["fp8", "nvfp4"]) & pl.col("engine_id").str.contains(
        "tensorrt|trtllm|habana"
    )
    default = pl.when(quantised).then(pl.lit("fp8")).otherwise(pl.lit("bf16"))
    return pl.coalesce(said("kv_precision", CACHE_FORMATS), default)


# Prompts of data sets that a source names but does not measure: a chat's question. Such rows are not scored.
INPUT_TOKENS = 256
OUTPUT_TOKENS = 256
# `trtllm-bench` and `vllm bench throughput` send all requests at once: as many run as the engine takes.
OFFLINE_REQUESTS = 4096


# Formats that a chip without their arithmetic reads as weights only: vLLM's Marlin kernels and their like.
WEIGHT_ONLY = {"fp8": "w8a16", "mxfp8": "w8a16", "int8": "w8a16", "nvfp4": "w4a16", "mxfp4": "w4a16", "bf16": "fp16"}
