//! What each type of model takes for granted: the defaults of its configuration class and of its code.

/// Defaults of a type of model.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Family {
    /// `tie_word_embeddings` where the configuration says nothing.
    pub(super) tied: bool,
    /// Gated MLP.
    pub(super) gated: bool,
    /// Norm.
    pub(super) norm: &'static str,
    /// Norms in a layer.
    pub(super) norms_per_layer: u32,
    /// Positions.
    pub(super) position: &'static str,
    /// Biases in all linear maps of attention and MLP.
    pub(super) linear_bias: bool,
    /// Biases in query, key and value projections.
    pub(super) qkv_bias: bool,
    /// `attention_bias` covers the output projection too.
    pub(super) bias_covers_output: bool,
    /// Biases in the MLP.
    pub(super) mlp_bias: bool,
    /// Bias in the head.
    pub(super) head_bias: bool,
    /// Norms of queries and keys, per head channel.
    pub(super) qk_norm: bool,
    /// Norms of queries and keys over all heads.
    pub(super) qk_norm_full: bool,
    /// Norm after the embedding.
    pub(super) embedding_norm: bool,
    /// A sink logit per head.
    pub(super) attention_sinks: bool,
    /// Rows of the position table beyond the context.
    pub(super) extra_positions: u32,
    /// Output gate of attention.
    pub(super) gate: bool,
    /// Bias per expert in the router.
    pub(super) router_bias: bool,
    /// Biases in the experts.
    pub(super) expert_bias: bool,
    /// A learned gate on the shared expert.
    pub(super) shared_gate: bool,
    /// `head_dim` where it is neither given nor hidden over heads.
    pub(super) head_dim: Option<u32>,
    /// How sliding and full layers alternate where no list says so.
    pub(super) sliding: Sliding,
}

/// Which layers slide where `layer_types` is absent but a window is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sliding {
    /// None: the window is a leftover unless switched on.
    Never,
    /// All.
    All,
    /// All but every n-th.
    AllButEvery(u32),
    /// Every second, the first included.
    Even,
    /// Those from `max_window_layers` on, if `use_sliding_window`.
    FromMaxWindowLayers,
}

const LLAMA: Family = Family {
    tied: false,
    gated: true,
    norm: "rms",
    norms_per_layer: 2,
    position: "rope",
    linear_bias: false,
    qkv_bias: false,
    bias_covers_output: true,
    mlp_bias: false,
    head_bias: false,
    qk_norm: false,
    qk_norm_full: false,
    embedding_norm: false,
    attention_sinks: false,
    extra_positions: 0,
    gate: false,
    router_bias: false,
    expert_bias: false,
    shared_gate: false,
    head_dim: None,
    sliding: Sliding::Never,
};

/// A plain MLP, layer norms and biases everywhere: the GPT lineage.
const GPT: Family = Family { gated: false, norm: "layer_norm", linear_bias: true, ..LLAMA };

const QWEN: Family = Family { sliding: Sliding::FromMaxWindowLayers, ..LLAMA };

/// The family of a `model_type`, or `None` where it is unknown and field names alone must do.
pub(super) fn family(model_type: &str) -> Option<Family> {
    Some(match model_type {
        "llama" | "granite" | "deepseek" | "deepseek_v2" | "jamba" | "mamba2" | "mamba" | "minimax_text_01"
        | "minimax" => LLAMA,
        "mistral" | "mixtral" | "phi3" | "ministral" => Family { sliding: Sliding::All, ..LLAMA },
        "smollm3" => Family { tied: true, ..LLAMA },
        "llama4_text" | "llama4" => Family { sliding: Sliding::AllButEvery(4), ..LLAMA },
        "qwen2" => Family { qkv_bias: true, ..QWEN },
        "qwen2_moe" => Family { qkv_bias: true, shared_gate: true, ..QWEN },
        "qwen3" | "qwen3_moe" => Family { qk_norm: true, head_dim: Some(128), ..QWEN },
        "qwen3_next" | "qwen3_5" | "qwen3_5_text" | "qwen3_5_moe" | "qwen3_5_moe_text" => {
            Family { qk_norm: true, gate: true, shared_gate: true, head_dim: Some(256), ..LLAMA }
        }
        "deepseek_v3" | "deepseek_v32" | "kimi_k2" | "glm_moe_dsa" => Family { router_bias: true, ..LLAMA },
        "glm4_moe" => Family { bias_covers_output: false, router_bias: true, ..LLAMA },
        "glm" | "chatglm" => Family { bias_covers_output: false, ..LLAMA },
        "glm4" => Family { bias_covers_output: false, norms_per_layer: 4, ..LLAMA },
        "minimax_m2" => Family { qk_norm_full: true, router_bias: true, ..LLAMA },
        "gemma" => Family { tied: true, head_dim: Some(256), ..LLAMA },
        "gemma2" => Family { tied: true, norms_per_layer: 4, head_dim: Some(256), sliding: Sliding::Even, ..LLAMA },
        "gemma3" | "gemma3_text" => Family {
            tied: true,
            norms_per_layer: 4,
            qk_norm: true,
            head_dim: Some(256),
            sliding: Sliding::AllButEvery(6),
            ..LLAMA
        },
        "gpt_oss" => Family {
            attention_sinks: true,
            router_bias: true,
            expert_bias: true,
            head_dim: Some(64),
            sliding: Sliding::Even,
            ..LLAMA
        },
        "olmo2" => Family { qk_norm_full: true, ..LLAMA },
        "cohere" => Family { tied: true, norm: "layer_norm_no_bias", norms_per_layer: 1, ..LLAMA },
        "cohere2" => Family {
            tied: true,
            norm: "layer_norm_no_bias",
            norms_per_layer: 1,
            sliding: Sliding::AllButEvery(4),
            ..LLAMA
        },
        "nemotron_h" => Family { gated: false, router_bias: true, ..LLAMA },
        "phimoe" => Family { norm: "layer_norm", ..LLAMA },
        "gpt2" => Family { tied: true, position: "learned", ..GPT },
        "gpt_neox" => GPT,
        "gptj" => Family { linear_bias: false, mlp_bias: true, head_bias: true, norms_per_layer: 1, ..GPT },
        "opt" => Family { tied: true, position: "learned", extra_positions: 2, ..GPT },
        "bloom" => Family { tied: true, position: "alibi", embedding_norm: true, ..GPT },
        "falcon" => Family { tied: true, linear_bias: false, norms_per_layer: 1, ..GPT },
        "phi" => Family { head_bias: true, norms_per_layer: 1, ..GPT },
        "starcoder2" => Family { tied: true, sliding: Sliding::All, ..GPT },
        _ => return None,
    })
}

/// What an unknown type is taken for: a Llama whose `tie_word_embeddings` is written only where it is false.
pub(super) const UNKNOWN: Family = Family { tied: true, sliding: Sliding::All, ..LLAMA };
