//! The shape of a language model: everything that counting needs, and nothing else.
//!
//! A model is a sequence of layers; a layer is a *mixer* (which moves information between tokens) followed by an *MLP*.
//! Either may be absent: Nemotron-H writes each as a layer of its own.

pub mod parameters;
pub mod sequence;

/// How a token's position enters the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Rotary embedding: no parameters.
    Rope,
    /// A learned table of `max_context × hidden`.
    Learned,
    /// Linear biases on the attention scores: no parameters.
    Alibi,
    /// Transformer-XL relative positions: one `hidden × hidden` projection per attention layer.
    RelativeProjection,
}

/// The normalisation before (and sometimes after) each block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Root-mean-square: one gain per channel.
    Rms,
    /// Layer norm: gain and bias.
    LayerNorm,
    /// Layer norm without bias: gain only.
    LayerNormNoBias,
}

/// Softmax attention with full keys and values: multi-head, grouped-query or multi-query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftmaxAttention {
    /// Query heads, `a`.
    pub heads: u32,
    /// Key-value heads, `g`: equal to `heads` in multi-head, 1 in multi-query attention.
    pub kv_heads: u32,
    /// Channels of one head, `d`.
    pub head_dim: u32,
    /// An output gate of `heads × head_dim` channels, projected from the input (Qwen3-Next).
    pub gate: bool,
    /// Window of the sliding-window layers. \[tokens\]
    pub window: Option<u32>,
}

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatentAttention {
    /// Query heads, `a`.
    pub heads: u32,
    /// Rank of the query compression; 0 where queries are projected directly.
    pub query_rank: u32,
    /// Rank of the shared key-value latent: what the cache holds, with `rope_dim`.
    pub kv_rank: u32,
    /// Channels of a head without position.
    pub nope_dim: u32,
    /// Channels of a head with rotary position, shared by all heads in the cache.
    pub rope_dim: u32,
    /// Channels of a value head.
    pub value_dim: u32,
    /// Sparse attention's indexer (DeepSeek-V3.2), if there is one.
    pub indexer: Option<SparseIndexer>,
}

/// The lightning indexer of DeepSeek sparse attention: scores all past tokens, keeps `top_k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseIndexer {
    /// Indexer heads.
    pub heads: u32,
    /// Channels of an indexer head.
    pub head_dim: u32,
    /// Past tokens that attention then reads.
    pub top_k: u32,
}

/// A mixer whose state does not grow with context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LinearMixer {
    /// Gated DeltaNet (arXiv:2412.06464).
    GatedDeltaNet {
        /// Key heads.
        key_heads: u32,
        /// Value heads.
        value_heads: u32,
        /// Channels of a key head.
        key_dim: u32,
        /// Channels of a value head.
        value_dim: u32,
        /// Width of the short convolution. \[tokens\]
        conv: u32,
    },
    /// Lightning attention (MiniMax-01, arXiv:2501.08313): linear attention with an output gate.
    Lightning {
        /// Heads.
        heads: u32,
        /// Channels of a head.
        head_dim: u32,
    },
    /// Mamba-1 selective scan (arXiv:2312.00752).
    Mamba1 {
        /// Inner channels, `expand × hidden`.
        inner: u32,
        /// State per channel.
        state: u32,
        /// Rank of the step-size projection.
        dt_rank: u32,
        /// Width of the short convolution. \[tokens\]
        conv: u32,
        /// Whether the inner dt, B and C are normalised (Jamba).
        inner_norms: bool,
    },
    /// Mamba-2 state-space duality (arXiv:2405.21060).
    Mamba2 {
        /// Heads.
        heads: u32,
        /// Channels of a head.
        head_dim: u32,
        /// State per head channel.
        state: u32,
        /// Groups that share B and C.
        groups: u32,
        /// Width of the short convolution. \[tokens\]
        conv: u32,
    },
}

/// The attention of a model's attention layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attention {
    /// Full keys and values in the cache.
    Softmax(SoftmaxAttention),
    /// A compressed latent in the cache.
    Latent(LatentAttention),
}

/// A dense MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseMlp {
    /// Intermediate channels, `f`.
    pub ffn: u32,
    /// Gated (three matrices: SwiGLU, GeGLU) or plain (two).
    pub gated: bool,
}

/// A mixture of experts in place of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a yes-or-no field of published configurations")]
pub struct Moe {
    /// Routed experts, `E`.
    pub experts: u32,
    /// Routed experts that each token visits, `k`.
    pub top_k: u32,
    /// Intermediate channels of a routed expert.
    pub expert_ffn: u32,
    /// Intermediate channels of all shared experts together; 0 where there are none.
    pub shared_ffn: u32,
    /// A learned scalar gate on the shared expert's output.
    pub shared_gate: bool,
    /// Gated or plain experts.
    pub gated: bool,
    /// A bias per expert in the router (loss-free balancing).
    pub router_bias: bool,
    /// Biases in the experts' matrices (gpt-oss).
    pub expert_bias: bool,
}

/// What moves information between tokens in one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MixerKind {
    /// No mixer: the layer is an MLP only.
    None,
    /// [`Attention`] over the whole context.
    Full,
    /// [`SoftmaxAttention`] over the last `window` tokens.
    Sliding,
    /// [`LinearMixer`].
    Linear,
}

/// What works on each token alone in one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MlpKind {
    /// No MLP: the layer is a mixer only.
    None,
    /// [`DenseMlp`].
    Dense,
    /// [`Moe`].
    Moe,
}

/// One layer's kind. Layers of one kind cost the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerKind {
    /// The mixer.
    pub mixer: MixerKind,
    /// The MLP.
    pub mlp: MlpKind,
}

/// Which linear maps and norms carry extra parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a yes-or-no field of published configurations")]
pub struct Extras {
    /// Biases in all linear maps of attention and MLP (GPT-2, OPT, BLOOM).
    pub linear_bias: bool,
    /// Biases in all linear maps of attention only (gpt-oss).
    pub attention_bias: bool,
    /// Biases in the query, key and value projections only (Qwen2).
    pub qkv_bias: bool,
    /// Biases in the MLP only.
    pub mlp_bias: bool,
    /// A bias in the LM head.
    pub head_bias: bool,
    /// Norms of queries and keys, one gain per head channel (Qwen3).
    pub qk_norm: bool,
    /// Norms of queries and keys over all heads together (OLMo-2, MiniMax-M2).
    pub qk_norm_full: bool,
    /// A norm after the embedding (BLOOM).
    pub embedding_norm: bool,
    /// A learned sink logit per query head (gpt-oss).
    pub attention_sinks: bool,
    /// No norm after the last layer (OPT-350m normalises after each block instead).
    pub no_final_norm: bool,
    /// Rows of a learned position table beyond `max_context` (OPT has 2).
    pub extra_positions: u32,
}

/// The shape of a language model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelShape {
    /// Channels of the residual stream, `h`.
    pub hidden: u32,
    /// Vocabulary, `V`.
    pub vocab: u32,
    /// Longest context the model was made for. \[tokens\]
    pub max_context: u32,
    /// Whether the LM head shares the embedding's weights.
    pub tied_embeddings: bool,
    /// Width of the embedding where it differs from `hidden` (OPT-350m projects in and out).
    pub embedding_dim: Option<u32>,
    /// Positions.
    pub position: Position,
    /// Norm.
    pub norm: Norm,
    /// Norms in a layer with mixer and MLP: 2 usually, 4 in Gemma-2, 1 in parallel blocks.
    pub norms_per_layer: u32,
    /// Extra parameters.
    pub extras: Extras,
    /// The attention of `Full` and `Sliding` layers.
    pub attention: Option<Attention>,
    /// The mixer of `Linear` layers.
    pub linear: Option<LinearMixer>,
    /// The MLP of `Dense` layers.
    pub dense: Option<DenseMlp>,
    /// The experts of `Moe` layers.
    pub moe: Option<Moe>,
    /// The kind of every layer, in order; its length is the number of layers, `L`.
    pub sequence: Vec<LayerKind>,
    /// Multi-token-prediction layers, outside published totals (DeepSeek-V3, arXiv:2412.19437, section 2.2).
    pub mtp_layers: u32,
}

impl ModelShape {
    /// Whether its MLPs and experts have gates.
    #[must_use]
    pub fn has_gates(&self) -> bool {
        self.dense.is_some_and(|dense| dense.gated) || self.moe.is_some_and(|moe| moe.gated)
    }

    /// Number of layers, `L`.
    #[must_use]
    pub fn layers(&self) -> u32 {
        self.sequence.len() as u32
    }

    /// The distinct layer kinds, in order of first appearance, with how many layers are of each.
    #[must_use]
    pub fn kinds(&self) -> Vec<(LayerKind, u32)> {
        let mut kinds: Vec<(LayerKind, u32)> = Vec::new();
        for &kind in &self.sequence {
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        kinds
    }
}
