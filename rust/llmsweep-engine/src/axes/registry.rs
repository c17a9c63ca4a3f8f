//! The list of axes itself.
use llmsweep_model::memory::recompute::Module;
use llmsweep_model::phase::training_state::Offload;
use llmsweep_model::work::adapters::Target;

use super::{Axis, Domain, Fallback, KV_PRECISION_NAMES, Level, POOL_PRECISION_NAMES, PRECISION_NAMES, Phase, SAME};

const BOTH: &[Phase] = &Phase::ALL;
const TRAINING: &[Phase] = &[Phase::Training];
const INFERENCE: &[Phase] = &[Phase::Inference];

const fn axis(
    name: &'static str,
    phases: &'static [Phase],
    level: Level,
    domain: Domain,
    fallback: Fallback,
    doc: &'static str,
) -> Axis {
    Axis { name, phases, level, domain, fallback, workload: false, unit: "", doc }
}

const fn workload(axis: Axis, unit: &'static str) -> Axis {
    Axis { workload: true, unit, ..axis }
}

const fn in_unit(unit: &'static str, axis: Axis) -> Axis {
    Axis { unit, ..axis }
}

use Domain::{Amount, AtLeastOne, Between, Bool, Choice, Integer, Positive, Share};
use Fallback::{Name, Number, Required};
use Level::{Row, Shape, Time, Work};

/// A count of at least one; the limit keeps every product of counts exact in an `f64`.
const COUNT: Domain = Integer { min: 1, max: 100_000_000 };
/// Tokens: from one to far more than any published run.
const TOKENS: Domain = Integer { min: 1, max: 1_000_000_000_000_000 };

/// A count of at least zero.
const FROM_ZERO: Domain = Integer { min: 0, max: 100_000_000 };

/// Layers of one stage, none for an even share.
const STAGE_LAYERS: Domain = Integer { min: 0, max: 100_000 };

/// Coefficients of variation; the widest published traces stay below 4.
const VARIATION: Domain = Between { min: 0, max: 10 };

/// Every axis, outermost first.
pub const AXES: &[Axis] = &[
    axis("model", BOTH, Shape, Domain::Model, Required, "The language model."),
    axis("precision", BOTH, Shape, Choice(&PRECISION_NAMES), Name("bf16"), "Format of weights and arithmetic."),
    axis("kv_precision", INFERENCE, Shape, Choice(&KV_PRECISION_NAMES), Name("bf16"), "Format of the key-value cache."),
    axis(
        "quantised_modules",
        INFERENCE,
        Shape,
        Choice(&["usual", "all", "experts"]),
        Name("usual"),
        "The matrices that precision holds for: all of the layers, routed experts alone, or usual: experts alone where weights have fewer than \
         8 bits, as such checkpoints are published.",
    ),
    axis(
        "stack",
        TRAINING,
        Work,
        Domain::Stack,
        Name("default"),
        "The training software, by release; sets host time, overlap, memory overheads and kernel generations.",
    ),
    axis("tensor_parallel", BOTH, Work, COUNT, Fallback::Integer(1), "Devices that share each layer's matrices."),
    axis(
        "expert_parallel",
        BOTH,
        Work,
        COUNT,
        Fallback::Integer(1),
        "Devices over which the experts of a layer are spread.",
    ),
    axis(
        "expert_tensor_parallel",
        TRAINING,
        Work,
        COUNT,
        Fallback::Integer(1),
        "Devices that share one expert's matrices.",
    ),
    axis(
        "context_parallel",
        BOTH,
        Work,
        COUNT,
        Fallback::Integer(1),
        "Devices that share each sequence's tokens (ring attention), in serving also its cache.",
    ),
    axis(
        "sequence_parallel",
        TRAINING,
        Work,
        Bool,
        Fallback::Bool(true),
        "Whether norms and residuals are split over the tensor-parallel group too.",
    ),
    workload(
        axis("sequence_length", TRAINING, Work, COUNT, Fallback::Integer(4096), "Tokens of a training sequence."),
        "tokens",
    ),
    axis(
        "micro_batch",
        TRAINING,
        Work,
        COUNT,
        Fallback::Integer(1),
        "Sequences of a micro-batch on one data-parallel rank.",
    ),
    axis(
        "recompute",
        TRAINING,
        Work,
        Choice(&["none", "selective", "full"]),
        Name("none"),
        "Which activations are computed again in the backward pass.",
    ),
    axis(
        "multi_token_prediction",
        TRAINING,
        Work,
        Bool,
        Fallback::Bool(false),
        "Whether the model's multi-token-prediction layers are trained too.",
    ),
    axis(
        "attention_kernel",
        TRAINING,
        Work,
        Choice(&["flash", "unfused"]),
        Name("flash"),
        "Whether the score matrix stays on chip (flash) or is written to memory.",
    ),
    axis(
        "recompute_modules",
        TRAINING,
        Work,
        Domain::Subset(&Module::NAMES),
        Name("scores+norm+activation"),
        "What recompute = \"selective\" runs again.",
    ),
    axis(
        "training_mode",
        TRAINING,
        Work,
        Choice(&["pretraining", "full_finetuning", "lora", "qlora"]),
        Name("pretraining"),
        "What trains: all parameters, or low-rank adapters beside frozen weights of 16 (lora) or 4 bits (qlora).",
    ),
    axis(
        "lora_rank",
        TRAINING,
        Work,
        Integer { min: 1, max: 1_000_000 },
        Fallback::Integer(16),
        "Rank of low-rank adapters.",
    ),
    axis(
        "lora_modules",
        TRAINING,
        Work,
        Domain::Subset(&Target::NAMES),
        Name("attention+mlp"),
        "The matrices that have low-rank adapters.",
    ),
    axis(
        "gradient_precision",
        TRAINING,
        Work,
        Choice(&["fp32", "bf16"]),
        Name("fp32"),
        "Format in which gradients are summed and exchanged.",
    ),
    axis(
        "context_exchange",
        TRAINING,
        Work,
        Choice(&["ring", "all_gather", "all_to_all"]),
        Name("ring"),
        "What context-parallel ranks send each other: keys and values around a ring or gathered, or heads (all_to_all, Ulysses).",
    ),
    axis(
        "expert_imbalance",
        BOTH,
        Work,
        AtLeastOne,
        Number(1.0),
        "What if: tokens of the busiest expert-parallel rank over the mean; in inference before redundant_experts spread them.",
    ),
    axis(
        "redundant_experts",
        INFERENCE,
        Work,
        FROM_ZERO,
        Fallback::Integer(0),
        "Copies of busy experts in each layer, in all: expert_parallel divides the experts with them.",
    ),
    axis(
        "speculation",
        INFERENCE,
        Work,
        Choice(&["none", "draft", "mtp", "eagle"]),
        Name("none"),
        "What guesses tokens ahead: a draft_model, the model's prediction layers (mtp), or a layer on its features (eagle).",
    ),
    axis(
        "draft_model",
        INFERENCE,
        Work,
        Domain::DraftModel,
        Name("none"),
        "The model that guesses tokens where speculation is \"draft\".",
    ),
    axis("accelerator", BOTH, Time, Domain::Accelerator, Required, "The accelerator."),
    axis("network", BOTH, Time, Domain::Network, Name("default"), "The cluster's network link per accelerator."),
    axis(
        "nics_per_device",
        BOTH,
        Time,
        Positive,
        Number(1.0),
        "Ports per accelerator where network is a named link, 0.5 where two share one; the default network is a share already.",
    ),
    axis(
        "pod_devices",
        BOTH,
        Time,
        COUNT,
        Fallback::Integer(100_000_000),
        "Accelerators among which the network has full bisection.",
    ),
    axis(
        "oversubscription",
        BOTH,
        Time,
        AtLeastOne,
        Number(1.0),
        "Ports of a pod over what leaves it, in bandwidth: 7 where the paper says 1:7.",
    ),
    axis(
        "engine",
        INFERENCE,
        Time,
        Domain::Engine,
        Name("vllm"),
        "The serving engine, by release; sets host time, memory use, scheduling and kernels.",
    ),
    axis("peak_flops_scale", BOTH, Time, Positive, Number(1.0), "What if: factor on the accelerator's peak FLOP/s."),
    axis(
        "hbm_bandwidth_scale",
        BOTH,
        Time,
        Positive,
        Number(1.0),
        "What if: factor on the accelerator's memory bandwidth.",
    ),
    axis("memory_scale", BOTH, Time, Positive, Number(1.0), "What if: factor on the accelerator's memory."),
    axis(
        "scale_up_bandwidth_scale",
        BOTH,
        Time,
        Positive,
        Number(1.0),
        "What if: factor on the bandwidth inside a node.",
    ),
    axis(
        "network_bandwidth_scale",
        BOTH,
        Time,
        Positive,
        Number(1.0),
        "What if: factor on the bandwidth between nodes.",
    ),
    axis("price_scale", BOTH, Row, Positive, Number(1.0), "What if: factor on the accelerator's rental price."),
    axis("pipeline_parallel", BOTH, Row, COUNT, Fallback::Integer(1), "Stages into which the layers are split."),
    axis(
        "virtual_pipeline",
        TRAINING,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Model chunks per stage: 1f1b with more than 1 is the interleaved schedule.",
    ),
    workload(
        axis("devices", TRAINING, Row, COUNT, Required, "Accelerators of the run; data parallelism follows from it."),
        "",
    ),
    workload(axis("global_batch", TRAINING, Row, COUNT, Required, "Sequences of one optimizer step."), "sequences"),
    axis(
        "zero_stage",
        TRAINING,
        Row,
        Integer { min: 0, max: 3 },
        Fallback::Integer(1),
        "What the data-parallel group shards: 1 optimizer, 2 + gradients, 3 + weights (ZeRO).",
    ),
    axis(
        "data_parallel_replicate",
        TRAINING,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Copies of what ZeRO shards; each is sharded over the nearest ranks (HSDP).",
    ),
    axis(
        "optimizer",
        TRAINING,
        Row,
        Choice(&["adamw", "adamw_bf16", "adamw_8bit", "muon", "sgd_momentum"]),
        Name("adamw"),
        "The optimizer; sets the state held per parameter.",
    ),
    axis(
        "recompute_layers",
        TRAINING,
        Row,
        Integer { min: 0, max: 100_000 },
        Fallback::Integer(0),
        "Layers of a pipeline stage that recompute runs again; 0 is all of them.",
    ),
    axis(
        "offload",
        TRAINING,
        Row,
        Domain::Subset(&Offload::NAMES),
        Name("none"),
        "What lives in the host's memory: the optimizer's state and update, activations.",
    ),
    workload(
        axis("tokens", TRAINING, Row, TOKENS, Fallback::Integer(1_000_000_000_000), "Tokens of the whole run."),
        "tokens",
    ),
    workload(
        axis(
            "tokens_per_parameter",
            TRAINING,
            Row,
            Amount,
            Number(0.0),
            "Tokens of the whole run per parameter of the model, in place of tokens; 20 is compute-optimal (Chinchilla), 0 \
             leaves it to tokens.",
        ),
        "tokens",
    ),
    in_unit(
        "h",
        axis(
            "device_mtbf_hours",
            TRAINING,
            Row,
            Positive,
            Number(50_000.0),
            "Mean time between failures of one accelerator, with its share of everything around it.",
        ),
    ),
    in_unit(
        "s",
        axis(
            "checkpoint_interval_s",
            TRAINING,
            Row,
            Amount,
            Number(0.0),
            "Training time between two checkpoints; 0 takes the best (Young, Daly).",
        ),
    ),
    axis(
        "spare_devices",
        TRAINING,
        Row,
        Integer { min: 0, max: 100_000_000 },
        Fallback::Integer(0),
        "Accelerators beside devices that are paid for and take the place of failed ones.",
    ),
    axis(
        "schedule",
        TRAINING,
        Row,
        Choice(&["1f1b", "gpipe", "zero_bubble_h1", "zero_bubble_v", "dualpipe", "dualpipe_v"]),
        Name("1f1b"),
        "In which order pipeline stages work; 1f1b interleaves where virtual_pipeline is above 1.",
    ),
    axis(
        "first_stage_layers",
        TRAINING,
        Row,
        STAGE_LAYERS,
        Fallback::Integer(0),
        "Layers of the first pipeline stage; 0 spreads them evenly.",
    ),
    axis(
        "last_stage_layers",
        TRAINING,
        Row,
        STAGE_LAYERS,
        Fallback::Integer(0),
        "Layers of the last pipeline stage; 0 spreads them evenly.",
    ),
    axis(
        "embedding_as_layers",
        TRAINING,
        Row,
        Bool,
        Fallback::Bool(false),
        "Whether embedding and LM head count as a layer each where layers are spread over stages.",
    ),
    axis("data_parallel", INFERENCE, Row, COUNT, Fallback::Integer(1), "Independent replicas that share the traffic."),
    axis(
        "serving_mode",
        INFERENCE,
        Row,
        Choice(&["continuous", "static", "disaggregated"]),
        Name("continuous"),
        "Continuous batching in steady state, one static batch at a time, or a pool that prefills beside one that decodes.",
    ),
    workload(
        axis(
            "input_tokens",
            INFERENCE,
            Row,
            COUNT,
            Fallback::Integer(1024),
            "Tokens of a request's prompt, on average.",
        ),
        "tokens",
    ),
    workload(
        axis(
            "output_tokens",
            INFERENCE,
            Row,
            COUNT,
            Fallback::Integer(256),
            "Tokens of a request's answer, on average.",
        ),
        "tokens",
    ),
    workload(
        axis(
            "concurrency",
            INFERENCE,
            Row,
            COUNT,
            Fallback::Integer(1),
            "Requests in flight over all replicas (the batch of a static run); arrivals at a rate take its place.",
        ),
        "requests",
    ),
    axis(
        "admission_interval",
        INFERENCE,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Decode steps between two looks at the queue of new requests: SGLang's scheduler_recv_interval, TensorRT-LLM's batch_wait_timeout_iters.",
    ),
    axis(
        "speculative_tokens",
        INFERENCE,
        Row,
        Integer { min: 0, max: 1000 },
        Fallback::Integer(0),
        "Tokens that are guessed before each step, where speculation is not \"none\".",
    ),
    axis(
        "kv_allocator",
        INFERENCE,
        Row,
        Choice(&["paged", "contiguous", "power_of_two"]),
        Name("paged"),
        "How room for a request's cache is set aside: in blocks, in one piece of max_model_len, or of a power of two.",
    ),
    in_unit(
        "tokens",
        axis(
            "max_model_len",
            INFERENCE,
            Row,
            Integer { min: 0, max: 100_000_000 },
            Fallback::Integer(0),
            "Longest request that the engine takes, prompt and answer; 0 for input_tokens + output_tokens.",
        ),
    ),
    axis(
        "weight_offload",
        INFERENCE,
        Row,
        Share,
        Number(0.0),
        "Share of the layers' weights that live in the host's memory; every pass brings them over.",
    ),
    axis(
        "kv_offload",
        INFERENCE,
        Row,
        Share,
        Number(0.0),
        "Share of the running requests' cache that lives in the host's memory; every step brings it over.",
    ),
    workload(
        axis(
            "acceptance_rate",
            INFERENCE,
            Row,
            Share,
            Number(0.8),
            "Probability that a guessed token is accepted where those before it were; depends on what guesses and on the text.",
        ),
        "",
    ),
    workload(
        axis(
            "prefix_hit_rate",
            INFERENCE,
            Row,
            Share,
            Number(0.0),
            "Share of a prompt's tokens whose keys and values are cached from earlier requests; the last token never is.",
        ),
        "",
    ),
    workload(
        axis(
            "prefix_shared",
            INFERENCE,
            Row,
            Bool,
            Fallback::Bool(false),
            "Whether the cached prefix is the same for all requests, so that its cache needs room once.",
        ),
        "",
    ),
    workload(
        axis(
            "arrival_rate_per_s",
            INFERENCE,
            Row,
            Amount,
            Number(0.0),
            "Requests that arrive per second over all replicas, at random (open loop); 0 keeps concurrency in flight (closed loop).",
        ),
        "1/s",
    ),
    workload(
        axis(
            "input_tokens_cv",
            INFERENCE,
            Row,
            VARIATION,
            Number(0.0),
            "Standard deviation over mean of the prompts' lengths, which are lognormal.",
        ),
        "",
    ),
    workload(
        axis(
            "output_tokens_cv",
            INFERENCE,
            Row,
            VARIATION,
            Number(0.0),
            "Standard deviation over mean of the answers' lengths, which are lognormal.",
        ),
        "",
    ),
    workload(
        axis(
            "length_correlation",
            INFERENCE,
            Row,
            Between { min: -1, max: 1 },
            Number(0.0),
            "Correlation of the logarithms of a request's two lengths.",
        ),
        "",
    ),
    workload(
        axis(
            "slo_ttft_s",
            INFERENCE,
            Row,
            Amount,
            Number(0.0),
            "Promised time to the first token, for slo_attainment; 0 promises none.",
        ),
        "s",
    ),
    workload(
        axis(
            "slo_tpot_s",
            INFERENCE,
            Row,
            Amount,
            Number(0.0),
            "Promised time between two tokens, for slo_attainment; 0 promises none.",
        ),
        "s",
    ),
    axis(
        "max_batch",
        INFERENCE,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Requests that an engine runs together on one replica at most; 0 is as many as fit. Static batches have their size.",
    ),
    axis(
        "decode_workers",
        INFERENCE,
        Row,
        COUNT,
        Fallback::Integer(1),
        "Workers of a disaggregated decode pool, each laid out by the main axes; data_parallel is inside one.",
    ),
    axis(
        "two_batch_overlap",
        INFERENCE,
        Row,
        Bool,
        Fallback::Bool(false),
        "Whether a batch is worked on in two halves, one's tokens travelling to their experts while the other is computed.",
    ),
    axis("prefill_workers", INFERENCE, Row, COUNT, Fallback::Integer(1), "Workers of a disaggregated prefill pool."),
    axis(
        "prefill_accelerator",
        INFERENCE,
        Row,
        Domain::PoolAccelerator,
        Name(SAME),
        "The accelerator of a disaggregated prefill pool.",
    ),
    axis(
        "prefill_precision",
        INFERENCE,
        Row,
        Choice(&POOL_PRECISION_NAMES),
        Name(SAME),
        "Format of weights and arithmetic in a disaggregated prefill pool.",
    ),
    axis(
        "prefill_tensor_parallel",
        INFERENCE,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Devices of the prefill pool that share each layer's matrices; 0 is tensor_parallel.",
    ),
    axis(
        "prefill_expert_parallel",
        INFERENCE,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Devices of the prefill pool over which the experts of a layer are spread; 0 is expert_parallel.",
    ),
    axis(
        "prefill_pipeline_parallel",
        INFERENCE,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Stages into which the prefill pool's workers split the layers; 0 is pipeline_parallel.",
    ),
    axis(
        "prefill_data_parallel",
        INFERENCE,
        Row,
        FROM_ZERO,
        Fallback::Integer(0),
        "Attention replicas inside one worker of the prefill pool; 0 is data_parallel.",
    ),
];
