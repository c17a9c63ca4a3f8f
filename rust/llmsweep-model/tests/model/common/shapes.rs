//! Shapes of published models, from their papers or configurations.
use llmsweep_model::arch::sequence::{place_experts, spread_mixer, uniform};
use llmsweep_model::arch::{
    Attention, DenseMlp, Extras, LatentAttention, LayerKind, LinearMixer, MixerKind, MlpKind, ModelShape, Moe, Norm,
    Position, SoftmaxAttention,
};

pub(crate) const FULL_DENSE: LayerKind = LayerKind::new(MixerKind::Full, MlpKind::Dense);
pub(crate) const FULL_MOE: LayerKind = LayerKind::new(MixerKind::Full, MlpKind::Moe);

/// Softmax attention without gate or window.
#[expect(clippy::unnecessary_wraps, reason = "a shape holds an option")]
pub(crate) fn softmax(heads: u32, kv_heads: u32, head_dim: u32) -> Option<Attention> {
    Some(Attention::Softmax(SoftmaxAttention { heads, kv_heads, head_dim, gate: false, window: None }))
}

/// A Llama-like model: gated MLP, RMS norms, rotary positions.
pub(crate) fn llama(layers: u32, hidden: u32, heads: u32, kv_heads: u32, ffn: u32, vocab: u32) -> ModelShape {
    ModelShape {
        hidden,
        vocab,
        max_context: 131_072,
        tied_embeddings: false,
        embedding_dim: None,
        position: Position::Rope,
        norm: Norm::Rms,
        norms_per_layer: 2,
        extras: Extras::default(),
        attention: softmax(heads, kv_heads, hidden / heads),
        linear: None,
        dense: Some(DenseMlp { ffn, gated: true }),
        moe: None,
        sequence: uniform(layers, FULL_DENSE),
        mtp_layers: 0,
    }
}

/// Touvron et al. 2023, arXiv:2307.09288, table 1 and the released configuration.
pub(crate) fn llama2_7b() -> ModelShape {
    llama(32, 4096, 32, 32, 11_008, 32_000)
}

/// The same source.
pub(crate) fn llama2_70b() -> ModelShape {
    llama(80, 8192, 64, 8, 28_672, 32_000)
}

/// Llama Team 2024, arXiv:2407.21783, table 3.
pub(crate) fn llama3_8b() -> ModelShape {
    llama(32, 4096, 32, 8, 14_336, 128_256)
}

/// The same source.
pub(crate) fn llama3_405b() -> ModelShape {
    llama(126, 16_384, 128, 8, 53_248, 128_256)
}

/// A GPT of Korthikanti et al. 2022, arXiv:2205.05198, table 3: plain MLP of `4h`, multi-head attention, learned positions.
pub(crate) fn gpt(layers: u32, hidden: u32, heads: u32) -> ModelShape {
    ModelShape {
        tied_embeddings: true,
        max_context: 2048,
        position: Position::Learned,
        norm: Norm::LayerNorm,
        extras: Extras { linear_bias: true, ..Extras::default() },
        dense: Some(DenseMlp { ffn: 4 * hidden, gated: false }),
        ..llama(layers, hidden, heads, heads, 4 * hidden, 51_200)
    }
}

/// Brown et al. 2020, arXiv:2005.14165, table 2.1.
pub(crate) fn gpt3_175b() -> ModelShape {
    gpt(96, 12_288, 96)
}

/// Jiang et al. 2024, arXiv:2401.04088, table 1.
pub(crate) fn mixtral_8x7b() -> ModelShape {
    ModelShape {
        moe: Some(moe(8, 2, 14_336, 0)),
        sequence: uniform(32, FULL_MOE),
        ..llama(32, 4096, 32, 8, 14_336, 32_000)
    }
}

/// Gated experts without biases.
pub(crate) fn moe(experts: u32, top_k: u32, expert_ffn: u32, shared_ffn: u32) -> Moe {
    Moe {
        experts,
        top_k,
        expert_ffn,
        shared_ffn,
        shared_gate: false,
        gated: true,
        router_bias: false,
        expert_bias: false,
    }
}

/// DeepSeek-AI 2024, arXiv:2412.19437, section 4.2.
pub(crate) fn deepseek_v3() -> ModelShape {
    let mut sequence = uniform(61, FULL_DENSE);
    place_experts(&mut sequence, 3, 1);
    ModelShape {
        attention: Some(Attention::Latent(LatentAttention {
            heads: 128,
            query_rank: 1536,
            kv_rank: 512,
            nope_dim: 128,
            rope_dim: 64,
            value_dim: 128,
            indexer: None,
        })),
        moe: Some(Moe { router_bias: true, ..moe(256, 8, 2048, 2048) }),
        sequence,
        mtp_layers: 1,
        ..llama(61, 7168, 128, 128, 18_432, 129_280)
    }
}

/// Qwen3-Next-80B-A3B's released configuration: three delta-net layers for one of attention, 512 experts.
pub(crate) fn qwen3_next() -> ModelShape {
    let mut sequence = uniform(48, LayerKind::new(MixerKind::Linear, MlpKind::Moe));
    spread_mixer(&mut sequence, 12, MixerKind::Full);
    ModelShape {
        attention: Some(Attention::Softmax(SoftmaxAttention {
            heads: 16,
            kv_heads: 2,
            head_dim: 256,
            gate: true,
            window: None,
        })),
        linear: Some(LinearMixer::GatedDeltaNet {
            key_heads: 16,
            value_heads: 32,
            key_dim: 128,
            value_dim: 128,
            conv: 4,
        }),
        dense: None,
        moe: Some(Moe { shared_gate: true, ..moe(512, 10, 512, 512) }),
        sequence,
        ..llama(48, 2048, 16, 2, 5120, 151_936)
    }
}

/// A Llama of 24 layers, five in six with a window of 1,024 tokens (Gemma-3's pattern, arXiv:2503.19786, section 2).
pub(crate) fn sliding() -> ModelShape {
    let mut shape = llama(24, 4096, 32, 8, 14_336, 128_256);
    spread_mixer(&mut shape.sequence, 20, MixerKind::Sliding);
    if let Some(Attention::Softmax(softmax)) = &mut shape.attention {
        softmax.window = Some(1024);
    }
    shape
}

/// A model that prints as its name: a failing law should not print every layer.
#[derive(Clone)]
pub(crate) struct Named(&'static str, ModelShape);

impl std::fmt::Debug for Named {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::ops::Deref for Named {
    type Target = ModelShape;

    fn deref(&self) -> &ModelShape {
        &self.1
    }
}

/// Models of every kind, for laws.
pub(crate) fn zoo() -> Vec<Named> {
    vec![
        Named("Llama-3-8B", llama3_8b()),
        Named("Llama-2-70B", llama2_70b()),
        Named("GPT-3 175B", gpt3_175b()),
        Named("Mixtral 8x7B", mixtral_8x7b()),
        Named("DeepSeek-V3", deepseek_v3()),
        Named("Qwen3-Next", qwen3_next()),
        Named("sliding window", sliding()),
    ]
}
