//! Parameters, recounted from the shape: never from a model's name.
//!
//! With `h` hidden channels, `a` query and `g` key-value heads of `d` channels, `f` intermediate channels, `V` vocabulary:
//!
//! - attention `h·d·(a + 2g) + a·d·h`; latent attention by its ranks (arXiv:2405.04434, equations 9–19);
//! - MLP `3·h·f` gated, `2·h·f` plain; experts `E` times that, and the router `h·E`;
//! - input table `V·h`, and the LM head the same unless tied; a norm `h`, with bias `2h`.
//!
//! Llama-2-70B (L 80, h 8192, a 64, g 8, d 128, f 28672, V 32000):
//! `80·(8192·128·80 + 8192² + 3·8192·28672 + 2·8192) + 2·32000·8192 + 8192 = 68,976,648,192`, as published.
use super::{
    Attention, DenseMlp, LatentAttention, LayerKind, LinearMixer, MixerKind, MlpKind, ModelShape, Moe, Norm, Position,
    SoftmaxAttention,
};

/// Parameters of one layer, by what parallelism does with them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerParameters {
    /// Matrices of attention, mixer, dense MLP and shared experts: split over tensor parallelism.
    pub tensor_sharded: f64,
    /// Norms, router, output biases, and the down-projections of latent attention: on every device.
    pub replicated: f64,
    /// All routed experts of the layer: split over expert parallelism.
    pub experts: f64,
    /// The `top_k` routed experts that one token visits.
    pub active_experts: f64,
}

impl LayerParameters {
    /// All parameters of the layer.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.tensor_sharded + self.replicated + self.experts
    }

    /// The parameters that one token meets.
    #[must_use]
    pub fn active(&self) -> f64 {
        self.tensor_sharded + self.replicated + self.active_experts
    }
}

/// The parameters that one token meets, in the three conventions that publications mix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActiveParameters {
    /// With the input table and the LM head (DeepSeek-V3: 37.55 B).
    pub with_embeddings: f64,
    /// Without the input table, a look-up that costs no arithmetic; a tied table stays, for it is the head (GLM-4.5: 33 B).
    pub without_input_embedding: f64,
    /// Layers and final norm alone (GLM-4.5's published 32 B).
    pub without_embeddings: f64,
}

/// Split over tensor parallelism, and held by every device.
type Split = (f64, f64);

impl ModelShape {
    /// Parameters of one layer of this kind.
    ///
    /// One layer of Llama-2-70B: 855,638,016 in matrices and 16,384 in norms. A part that the shape lacks counts 0; the
    /// catalogue refuses such shapes.
    #[must_use]
    pub fn layer_parameters(&self, kind: LayerKind) -> LayerParameters {
        let mixer = match kind.mixer {
            MixerKind::None => (0.0, 0.0),
            MixerKind::Full | MixerKind::Sliding => {
                self.attention.as_ref().map_or((0.0, 0.0), |attention| self.attention_parameters(attention))
            }
            MixerKind::Linear => self.linear.as_ref().map_or((0.0, 0.0), |mixer| self.linear_parameters(mixer)),
        };
        let (mlp, experts, active_experts) = match (kind.mlp, self.dense, self.moe) {
            (MlpKind::Dense, Some(dense), _) => (self.dense_parameters(dense), 0.0, 0.0),
            (MlpKind::Moe, _, Some(moe)) => {
                let expert = self.expert_parameters(&moe);
                (self.shared_parameters(&moe), f64::from(moe.experts) * expert, f64::from(moe.top_k) * expert)
            }
            _ => ((0.0, 0.0), 0.0, 0.0),
        };
        let norms = match kind {
            LayerKind { mixer: MixerKind::None, .. } | LayerKind { mlp: MlpKind::None, .. } => 1,
            _ => self.norms_per_layer,
        };
        LayerParameters {
            tensor_sharded: mixer.0 + mlp.0,
            replicated: mixer.1 + mlp.1 + f64::from(norms) * self.norm_parameters(),
            experts,
            active_experts,
        }
    }

    /// Parameters before the first layer: input table, learned positions, embedding projections and norm.
    ///
    /// GPT-3 175B: `50257·12288 + 2048·12288 = 642,723,840`.
    #[must_use]
    pub fn embedding_parameters(&self) -> f64 {
        let h = f64::from(self.hidden);
        let width = f64::from(self.embedding_dim.unwrap_or(self.hidden));
        let projections = if self.embedding_dim.is_some() { 2.0 * width * h } else { 0.0 };
        let positions = match self.position {
            Position::Learned => f64::from(self.max_context + self.extras.extra_positions) * h,
            Position::Rope | Position::Alibi | Position::RelativeProjection => 0.0,
        };
        let norm = if self.extras.embedding_norm { self.norm_parameters() } else { 0.0 };
        f64::from(self.vocab) * width + projections + positions + norm
    }

    /// Parameters of the LM head beyond the input table: 0 if tied.
    #[must_use]
    pub fn head_parameters(&self) -> f64 {
        let bias = if self.extras.head_bias { f64::from(self.vocab) } else { 0.0 };
        let matrix = f64::from(self.vocab) * f64::from(self.embedding_dim.unwrap_or(self.hidden));
        if self.tied_embeddings { bias } else { matrix + bias }
    }

    /// Parameters of the norm after the last layer.
    #[must_use]
    pub fn final_norm_parameters(&self) -> f64 {
        if self.extras.no_final_norm { 0.0 } else { self.norm_parameters() }
    }

    /// All parameters, multi-token prediction left out, as publications count.
    ///
    /// DeepSeek-V3: 671,026,419,200.
    #[must_use]
    pub fn parameters(&self) -> f64 {
        let layers: f64 =
            self.kinds().iter().map(|&(kind, n)| f64::from(n) * self.layer_parameters(kind).total()).sum();
        layers + self.embedding_parameters() + self.head_parameters() + self.final_norm_parameters()
    }

    /// Parameters that one token meets.
    ///
    /// Mixtral-8x7B (arXiv:2401.04088, "13B active"): 12,879,925,248 with embeddings.
    #[must_use]
    pub fn active_parameters(&self) -> ActiveParameters {
        let layers: f64 =
            self.kinds().iter().map(|&(kind, n)| f64::from(n) * self.layer_parameters(kind).active()).sum();
        let without_embeddings = layers + self.final_norm_parameters();
        let with_embeddings = without_embeddings + self.embedding_parameters() + self.head_parameters();
        let table = f64::from(self.vocab) * f64::from(self.embedding_dim.unwrap_or(self.hidden));
        let without_input_embedding = if self.tied_embeddings { with_embeddings } else { with_embeddings - table };
        ActiveParameters { with_embeddings, without_input_embedding, without_embeddings }
    }

    /// Parameters of the multi-token-prediction layers; they share the model's table and head.
    ///
    /// Each is a layer like the model's last, a `2h × h` projection and three norms (arXiv:2412.19437, equation 21).
    #[must_use]
    pub fn mtp_parameters(&self) -> f64 {
        let h = f64::from(self.hidden);
        let layer = self.sequence.last().map_or(0.0, |&kind| self.layer_parameters(kind).total());
        f64::from(self.mtp_layers) * (layer + 2.0 * h * h + 3.0 * self.norm_parameters())
    }

    /// One norm over the residual stream.
    fn norm_parameters(&self) -> f64 {
        let vectors = match self.norm {
            Norm::Rms | Norm::LayerNormNoBias => 1.0,
            Norm::LayerNorm => 2.0,
        };
        vectors * f64::from(self.hidden)
    }

    fn attention_parameters(&self, attention: &Attention) -> Split {
        match attention {
            Attention::Softmax(softmax) => self.softmax_parameters(softmax),
            Attention::Latent(latent) => self.latent_parameters(latent),
        }
    }

    /// `h·d·(a + 2g) + a·d·h`, and what the extras add.
    fn softmax_parameters(&self, attention: &SoftmaxAttention) -> Split {
        let h = f64::from(self.hidden);
        let a = f64::from(attention.heads);
        let g = f64::from(attention.kv_heads);
        let d = f64::from(attention.head_dim);
        let extras = &self.extras;
        let mut sharded = h * d * (a + 2.0 * g) + a * d * h;
        if attention.gate {
            sharded += h * a * d;
        }
        if extras.linear_bias || extras.attention_bias || extras.qkv_bias {
            sharded += d * (a + 2.0 * g);
        }
        if self.position == Position::RelativeProjection {
            sharded += h * a * d;
        }
        if extras.attention_sinks {
            sharded += a;
        }
        let mut replicated = if extras.linear_bias || extras.attention_bias { h } else { 0.0 };
        if extras.qk_norm_full {
            replicated += d * (a + g);
        } else if extras.qk_norm {
            replicated += 2.0 * d;
        }
        (sharded, replicated)
    }

    /// Up-projections and output are split over heads; engines and Megatron keep the down-projections and the indexer whole.
    ///
    /// DeepSeek-V3: 187,107,328 per layer with its norms of the two latents.
    fn latent_parameters(&self, attention: &LatentAttention) -> Split {
        let h = f64::from(self.hidden);
        let a = f64::from(attention.heads);
        let (q, c) = (f64::from(attention.query_rank), f64::from(attention.kv_rank));
        let (n, r, v) = (f64::from(attention.nope_dim), f64::from(attention.rope_dim), f64::from(attention.value_dim));
        let query = if attention.query_rank == 0 { h } else { q } * a * (n + r);
        let sharded = query + c * a * (n + v) + a * v * h;
        let mut replicated = h * q + h * (c + r) + q + c;
        if let Some(indexer) = attention.indexer {
            let (heads, d) = (f64::from(indexer.heads), f64::from(indexer.head_dim));
            // Queries from the latent, one shared key with its layer norm, and a weight per head.
            replicated += q * heads * d + h * d + 2.0 * d + h * heads;
        }
        (sharded, replicated)
    }

    fn linear_parameters(&self, mixer: &LinearMixer) -> Split {
        let h = f64::from(self.hidden);
        match *mixer {
            LinearMixer::GatedDeltaNet { key_heads, value_heads, key_dim, value_dim, conv } => {
                let heads = f64::from(value_heads);
                let keys = f64::from(key_heads) * f64::from(key_dim);
                let values = heads * f64::from(value_dim);
                // Query, key, value, output gate; decay and step per head; convolution without bias; output.
                let projections = h * (2.0 * keys + 2.0 * values) + 2.0 * h * heads + values * h;
                (projections + f64::from(conv) * (2.0 * keys + values) + 2.0 * heads, f64::from(value_dim))
            }
            LinearMixer::Lightning { heads, head_dim } => {
                let inner = f64::from(heads) * f64::from(head_dim);
                // Query, key, value, gate, output, and a norm over all heads.
                (5.0 * h * inner + inner, 0.0)
            }
            LinearMixer::Mamba1 { inner, state, dt_rank, conv, inner_norms } => {
                let (i, s, r) = (f64::from(inner), f64::from(state), f64::from(dt_rank));
                let projections = 2.0 * h * i + i * (r + 2.0 * s) + (r * i + i) + i * h;
                let norms = if inner_norms { r + 2.0 * s } else { 0.0 };
                (projections + i * (f64::from(conv) + 1.0) + i * s + i, norms)
            }
            LinearMixer::Mamba2 { heads, head_dim, state, groups, conv } => {
                let a = f64::from(heads);
                let i = a * f64::from(head_dim);
                let shared = 2.0 * f64::from(groups) * f64::from(state);
                let projections = h * (2.0 * i + shared + a) + i * h;
                (projections + (i + shared) * (f64::from(conv) + 1.0) + 3.0 * a + i, 0.0)
            }
        }
    }

    fn dense_parameters(&self, dense: DenseMlp) -> Split {
        let (h, f) = (f64::from(self.hidden), f64::from(dense.ffn));
        let inputs = if dense.gated { 2.0 } else { 1.0 };
        let biased = self.extras.linear_bias || self.extras.mlp_bias;
        let (inner_bias, output_bias) = if biased { (inputs * f, h) } else { (0.0, 0.0) };
        ((inputs + 1.0) * h * f + inner_bias, output_bias)
    }

    /// One routed expert.
    fn expert_parameters(&self, moe: &Moe) -> f64 {
        let (h, f) = (f64::from(self.hidden), f64::from(moe.expert_ffn));
        let inputs = if moe.gated { 2.0 } else { 1.0 };
        let bias = if moe.expert_bias { inputs * f + h } else { 0.0 };
        (inputs + 1.0) * h * f + bias
    }

    /// Shared experts (split), router and shared gate (whole).
    fn shared_parameters(&self, moe: &Moe) -> Split {
        let (h, f) = (f64::from(self.hidden), f64::from(moe.shared_ffn));
        let matrices = if moe.gated { 3.0 } else { 2.0 };
        let experts = f64::from(moe.experts);
        let bias = if moe.router_bias { experts } else { 0.0 };
        let gate = if moe.shared_gate { h } else { 0.0 };
        (matrices * h * f, h * experts + bias + gate)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Extras, SparseIndexer, sequence};
    use super::*;

    fn llama2_70b() -> ModelShape {
        ModelShape {
            hidden: 8192,
            vocab: 32000,
            max_context: 4096,
            tied_embeddings: false,
            embedding_dim: None,
            position: Position::Rope,
            norm: Norm::Rms,
            norms_per_layer: 2,
            extras: Extras::default(),
            attention: Some(Attention::Softmax(SoftmaxAttention {
                heads: 64,
                kv_heads: 8,
                head_dim: 128,
                gate: false,
                window: None,
            })),
            linear: None,
            dense: Some(DenseMlp { ffn: 28672, gated: true }),
            moe: None,
            sequence: sequence::uniform(80, LayerKind::new(MixerKind::Full, MlpKind::Dense)),
            mtp_layers: 0,
        }
    }

    fn deepseek_v3() -> ModelShape {
        let mut layers = sequence::uniform(61, LayerKind::new(MixerKind::Full, MlpKind::Dense));
        sequence::place_experts(&mut layers, 3, 1);
        ModelShape {
            hidden: 7168,
            vocab: 129_280,
            attention: Some(Attention::Latent(LatentAttention {
                heads: 128,
                query_rank: 1536,
                kv_rank: 512,
                nope_dim: 128,
                rope_dim: 64,
                value_dim: 128,
                indexer: None,
            })),
            dense: Some(DenseMlp { ffn: 18432, gated: true }),
            moe: Some(Moe {
                experts: 256,
                top_k: 8,
                expert_ffn: 2048,
                shared_ffn: 2048,
                shared_gate: false,
                gated: true,
                router_bias: true,
                expert_bias: false,
            }),
            sequence: layers,
            mtp_layers: 1,
            ..llama2_70b()
        }
    }

    #[track_caller]
    fn exactly(count: f64, published: f64) {
        assert!((count - published).abs() < 0.5, "{count} is not {published}");
    }

    #[test]
    fn llama2_70b_has_68_976_648_192() {
        exactly(llama2_70b().parameters(), 68_976_648_192.0);
        let layer = llama2_70b().layer_parameters(LayerKind::new(MixerKind::Full, MlpKind::Dense));
        exactly(layer.tensor_sharded, 855_638_016.0);
        exactly(layer.replicated, 16_384.0);
    }

    #[test]
    fn deepseek_v3_has_671_026_419_200() {
        exactly(deepseek_v3().parameters(), 671_026_419_200.0);
        let active = deepseek_v3().active_parameters();
        assert!((active.with_embeddings / 37.55e9 - 1.0).abs() < 1e-3, "{}", active.with_embeddings);
    }

    #[test]
    fn multi_token_prediction_is_one_layer_and_a_projection() {
        let shape = deepseek_v3();
        let layer = shape.layer_parameters(LayerKind::new(MixerKind::Full, MlpKind::Moe));
        exactly(shape.mtp_parameters(), layer.total() + 2.0 * 7168.0 * 7168.0 + 3.0 * 7168.0);
        exactly(llama2_70b().mtp_parameters(), 0.0);
    }

    #[test]
    fn the_indexer_adds_13_959_424_per_layer() {
        let mut shape = deepseek_v3();
        let kind = LayerKind::new(MixerKind::Full, MlpKind::Dense);
        let before = shape.layer_parameters(kind).total();
        if let Some(Attention::Latent(latent)) = &mut shape.attention {
            latent.indexer = Some(SparseIndexer { heads: 64, head_dim: 128, top_k: 2048 });
        }
        exactly(shape.layer_parameters(kind).total() - before, 13_959_424.0);
    }

    #[test]
    fn a_tied_table_stays_in_the_second_convention() {
        let shape = ModelShape { tied_embeddings: true, ..llama2_70b() };
        let active = shape.active_parameters();
        exactly(active.without_input_embedding, active.with_embeddings);
        exactly(active.with_embeddings - active.without_embeddings, 32000.0 * 8192.0);
        exactly(llama2_70b().active_parameters().without_input_embedding, 68_976_648_192.0 - 32000.0 * 8192.0);
    }
}
