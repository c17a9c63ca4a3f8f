//! Registry positions of the axes that evaluation reads.
use crate::plan::position;

macro_rules! positions {
    ($($constant:ident = $name:literal;)*) => {$(
        #[doc = concat!("Position of `", $name, "`.")]
        pub const $constant: usize = position($name);
    )*};
}

positions! {
    MODEL = "model";
    PRECISION = "precision";
    KV_PRECISION = "kv_precision";
    QUANTISED = "quantised_modules";
    TENSOR = "tensor_parallel";
    STACK = "stack";
    EXPERT = "expert_parallel";
    EXPERT_TENSOR = "expert_tensor_parallel";
    CONTEXT = "context_parallel";
    SEQUENCE_PARALLEL = "sequence_parallel";
    SEQUENCE_LENGTH = "sequence_length";
    MICRO_BATCH = "micro_batch";
    RECOMPUTE = "recompute";
    PREDICTION = "multi_token_prediction";
    ATTENTION_KERNEL = "attention_kernel";
    RECOMPUTE_MODULES = "recompute_modules";
    TRAINING_MODE = "training_mode";
    LORA_RANK = "lora_rank";
    LORA_MODULES = "lora_modules";
    GRADIENT = "gradient_precision";
    CONTEXT_EXCHANGE = "context_exchange";
    EXPERT_IMBALANCE = "expert_imbalance";
    ROUTING_CORRELATION = "routing_correlation";
    REDUNDANT_EXPERTS = "redundant_experts";
    ACCELERATOR = "accelerator";
    NETWORK = "network";
    NICS = "nics_per_device";
    POD_DEVICES = "pod_devices";
    OVERSUBSCRIPTION = "oversubscription";
    ENGINE = "engine";
    PEAK_SCALE = "peak_flops_scale";
    BANDWIDTH_SCALE = "hbm_bandwidth_scale";
    MEMORY_SCALE = "memory_scale";
    SCALE_UP_SCALE = "scale_up_bandwidth_scale";
    NETWORK_SCALE = "network_bandwidth_scale";
    PRICE_SCALE = "price_scale";
    POWER_SCALE = "power_scale";
    PIPELINE = "pipeline_parallel";
    VIRTUAL = "virtual_pipeline";
    DEVICES = "devices";
    GLOBAL_BATCH = "global_batch";
    ZERO = "zero_stage";
    REPLICATE = "data_parallel_replicate";
    OPTIMIZER = "optimizer";
    RECOMPUTE_LAYERS = "recompute_layers";
    OFFLOAD = "offload";
    TOKENS = "tokens";
    TOKENS_PER_PARAMETER = "tokens_per_parameter";
    DEVICE_MTBF = "device_mtbf_hours";
    CHECKPOINT_INTERVAL = "checkpoint_interval_s";
    SPARES = "spare_devices";
    SCHEDULE = "schedule";
    FIRST_STAGE = "first_stage_layers";
    LAST_STAGE = "last_stage_layers";
    EMBEDDING_AS_LAYERS = "embedding_as_layers";
    DATA = "data_parallel";
    MODE = "serving_mode";
    CONCURRENCY = "concurrency";
    INPUT = "input_tokens";
    OUTPUT = "output_tokens";
    ADMISSION_INTERVAL = "admission_interval";
    SPECULATION = "speculation";
    DRAFT_MODEL = "draft_model";
    SPECULATIVE_TOKENS = "speculative_tokens";
    KV_ALLOCATOR = "kv_allocator";
    MAX_MODEL_LEN = "max_model_len";
    WEIGHT_OFFLOAD = "weight_offload";
    KV_OFFLOAD = "kv_offload";
    ACCEPTANCE = "acceptance_rate";
    PREFIX_HIT_RATE = "prefix_hit_rate";
    PREFIX_SHARED = "prefix_shared";
    ARRIVAL_RATE = "arrival_rate_per_s";
    INPUT_CV = "input_tokens_cv";
    OUTPUT_CV = "output_tokens_cv";
    LENGTH_CORRELATION = "length_correlation";
    SLO_TTFT = "slo_ttft_s";
    SLO_TPOT = "slo_tpot_s";
    MAX_BATCH = "max_batch";
    DECODE_WORKERS = "decode_workers";
    TWO_BATCH_OVERLAP = "two_batch_overlap";
    PREFILL_WORKERS = "prefill_workers";
    PREFILL_ACCELERATOR = "prefill_accelerator";
    PREFILL_PRECISION = "prefill_precision";
    PREFILL_TENSOR = "prefill_tensor_parallel";
    PREFILL_EXPERT = "prefill_expert_parallel";
    PREFILL_PIPELINE = "prefill_pipeline_parallel";
    PREFILL_DATA = "prefill_data_parallel";
}
