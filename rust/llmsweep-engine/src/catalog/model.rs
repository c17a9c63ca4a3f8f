//! A model of the catalogue and its decoder: layer counts and ranks become a [`ModelShape`].
use llmsweep_model::arch::{
    Attention, DenseMlp, Extras, LatentAttention, LayerKind, LinearMixer, MixerKind, MlpKind, ModelShape, Moe, Norm,
    Position, SoftmaxAttention, SparseIndexer,
};

use super::fields::{Fields, MOST};
use super::layers::sequence;
use crate::node::{DocumentError, Node, Place};

/// A model of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// Id in specifications.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Family.
    pub family: String,
    /// Year of publication.
    pub year: Option<u32>,
    /// `leak` where the shape was never confirmed, `hypothetical` where no such model exists; absent otherwise.
    pub status: Option<String>,
    /// Shape.
    pub shape: ModelShape,
    /// Published total.
    pub published_parameters: Option<f64>,
    /// Published parameters per token, where they differ from the total.
    pub published_active_parameters: Option<f64>,
    /// Where the published totals come from.
    pub published_source: Option<String>,
    /// How it was trained, as far as published.
    pub training: Option<TrainingRun>,
    /// Sources of the shape.
    pub source: Vec<String>,
    /// Remark.
    pub note: Option<String>,
    /// Where the entry stands.
    pub place: Place,
}

/// A published training run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingRun {
    /// Tokens seen.
    pub tokens: Option<f64>,
    /// Floating-point operations.
    pub flops: Option<f64>,
    /// Accelerator, a catalogue id where it is known that exactly.
    pub accelerator: Option<String>,
    /// How many.
    pub accelerators: Option<u32>,
    /// Accelerator-hours.
    pub accelerator_hours: Option<f64>,
    /// Model FLOPs utilisation, as published.
    pub mfu: Option<f64>,
    /// Source.
    pub source: Option<String>,
}

/// Keys of a `[[model]]` table.
pub const MODEL_KEYS: &[&str] = &[
    "id",
    "name",
    "family",
    "year",
    "status",
    "published_parameters",
    "published_active_parameters",
    "published_source",
    "layers",
    "hidden",
    "vocab",
    "context_tokens",
    "tied_embeddings",
    "embedding_dim",
    "position",
    "extra_positions",
    "norm",
    "norms_per_layer",
    "final_norm",
    "linear_bias",
    "attention_bias",
    "qkv_bias",
    "mlp_bias",
    "head_bias",
    "qk_norm",
    "qk_norm_full",
    "embedding_norm",
    "attention_sinks",
    "attention",
    "linear",
    "mlp",
    "moe",
    "blocks",
    "sequence",
    "mtp_layers",
    "training",
    "source",
    "note",
];

/// Keys of `attention`.
pub const ATTENTION_KEYS: &[&str] = &[
    "kind",
    "heads",
    "kv_heads",
    "head_dim",
    "gate",
    "window",
    "sliding_layers",
    "layers",
    "query_rank",
    "kv_rank",
    "nope_dim",
    "rope_dim",
    "value_dim",
    "indexer",
];
/// Keys of `moe`.
pub const MOE_KEYS: &[&str] = &[
    "experts",
    "top_k",
    "expert_ffn",
    "shared_ffn",
    "shared_gate",
    "gated",
    "router_bias",
    "expert_bias",
    "first_dense_layers",
    "every",
];
/// Keys of `training`.
pub const TRAINING_KEYS: &[&str] =
    &["tokens", "flops", "accelerator", "accelerators", "accelerator_hours", "mfu", "source"];

impl ModelEntry {
    /// Reads a `[[model]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type, impossible number or inconsistent shape.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this model", MODEL_KEYS)?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("model \"{id}\""));
        Ok(Self {
            name: fields.text("name")?.unwrap_or(&id).to_owned(),
            family: fields.text("family")?.unwrap_or("other").to_owned(),
            year: fields.count("year", 1950, 2100)?,
            status: fields.text("status")?.map(str::to_owned),
            shape: shape(&fields)?,
            published_parameters: fields.positive("published_parameters")?,
            published_active_parameters: fields.positive("published_active_parameters")?,
            published_source: fields.text("published_source")?.map(str::to_owned),
            training: training(&fields)?,
            source: fields.texts("source")?,
            note: fields.text("note")?.map(str::to_owned),
            place: fields.place().clone(),
            id,
        })
    }
}

fn training(fields: &Fields<'_>) -> Result<Option<TrainingRun>, DocumentError> {
    let Some(run) = fields.table("training", TRAINING_KEYS)? else { return Ok(None) };
    Ok(Some(TrainingRun {
        tokens: run.positive("tokens")?,
        flops: run.positive("flops")?,
        accelerator: run.text("accelerator")?.map(str::to_owned),
        accelerators: run.count("accelerators", 1, MOST)?,
        accelerator_hours: run.positive("accelerator_hours")?,
        mfu: run.share("mfu", 1.0)?,
        source: run.text("source")?.map(str::to_owned),
    }))
}

fn shape(fields: &Fields<'_>) -> Result<ModelShape, DocumentError> {
    let positions = [
        ("rope", Position::Rope),
        ("learned", Position::Learned),
        ("alibi", Position::Alibi),
        ("relative_projection", Position::RelativeProjection),
    ];
    let norms = [("rms", Norm::Rms), ("layer_norm", Norm::LayerNorm), ("layer_norm_no_bias", Norm::LayerNormNoBias)];
    let shape = ModelShape {
        hidden: fields.required_count("hidden")?,
        vocab: fields.required_count("vocab")?,
        max_context: fields.required_count("context_tokens")?,
        tied_embeddings: fields.flag("tied_embeddings")?,
        embedding_dim: fields.count("embedding_dim", 1, MOST)?,
        position: fields.choice("position", &positions)?.unwrap_or(Position::Rope),
        norm: fields.choice("norm", &norms)?.unwrap_or(Norm::Rms),
        norms_per_layer: fields.count("norms_per_layer", 0, 8)?.unwrap_or(2),
        extras: Extras {
            linear_bias: fields.flag("linear_bias")?,
            attention_bias: fields.flag("attention_bias")?,
            qkv_bias: fields.flag("qkv_bias")?,
            mlp_bias: fields.flag("mlp_bias")?,
            head_bias: fields.flag("head_bias")?,
            qk_norm: fields.flag("qk_norm")?,
            qk_norm_full: fields.flag("qk_norm_full")?,
            embedding_norm: fields.flag("embedding_norm")?,
            attention_sinks: fields.flag("attention_sinks")?,
            no_final_norm: !fields.flag_or("final_norm", true)?,
            extra_positions: fields.count_or_zero("extra_positions")?,
        },
        attention: fields.table("attention", ATTENTION_KEYS)?.map(|table| attention(&table)).transpose()?,
        linear: linear(fields)?,
        dense: fields
            .table("mlp", &["ffn", "gated"])?
            .map(|mlp| Ok(DenseMlp { ffn: mlp.required_count("ffn")?, gated: mlp.flag_or("gated", true)? }))
            .transpose()?,
        moe: fields.table("moe", MOE_KEYS)?.map(|table| moe(&table)).transpose()?,
        sequence: sequence(fields)?,
        mtp_layers: fields.count_or_zero("mtp_layers")?,
    };
    complete(fields, &shape)?;
    Ok(shape)
}

fn attention(table: &Fields<'_>) -> Result<Attention, DocumentError> {
    let heads = table.required_count("heads")?;
    let latent = table.required_choice("kind", &[("softmax", false), ("latent", true)])?;
    if latent {
        only(table, &["kv_heads", "head_dim", "gate", "window", "sliding_layers"], "softmax")?;
        let indexer = table
            .table("indexer", &["heads", "head_dim", "top_k"])?
            .map(|indexer| {
                Ok(SparseIndexer {
                    heads: indexer.required_count("heads")?,
                    head_dim: indexer.required_count("head_dim")?,
                    top_k: indexer.required_count("top_k")?,
                })
            })
            .transpose()?;
        return Ok(Attention::Latent(LatentAttention {
            heads,
            query_rank: table.count_or_zero("query_rank")?,
            kv_rank: table.required_count("kv_rank")?,
            nope_dim: table.required_count("nope_dim")?,
            rope_dim: table.required_count("rope_dim")?,
            value_dim: table.required_count("value_dim")?,
            indexer,
        }));
    }
    only(table, &["query_rank", "kv_rank", "nope_dim", "rope_dim", "value_dim", "indexer"], "latent")?;
    let kv_heads = table.count("kv_heads", 1, MOST)?.unwrap_or(heads);
    if !heads.is_multiple_of(kv_heads) {
        let message = format!(
            "\"kv_heads\" of {} is \"{kv_heads}\", which does not divide the {heads} query heads",
            table.what()
        );
        return Err(table.error("kv_heads", message));
    }
    if table.has("sliding_layers") && !table.has("window") {
        return Err(table.error("sliding_layers", format!("{} has \"sliding_layers\" but no \"window\"", table.what())));
    }
    Ok(Attention::Softmax(SoftmaxAttention {
        heads,
        kv_heads,
        head_dim: table.required_count("head_dim")?,
        gate: table.flag("gate")?,
        window: table.count("window", 1, MOST)?,
    }))
}

/// Refuses keys that belong to another kind.
fn only(table: &Fields<'_>, foreign: &[&str], kind: &str) -> Result<(), DocumentError> {
    match foreign.iter().find(|key| table.has(key)) {
        Some(key) => {
            Err(table.error(key, format!("the key \"{key}\" in {} belongs to the kind \"{kind}\"", table.what())))
        }
        None => Ok(()),
    }
}

fn linear(fields: &Fields<'_>) -> Result<Option<LinearMixer>, DocumentError> {
    const KINDS: [(&str, &[&str]); 4] = [
        ("gated_delta_net", &["kind", "key_heads", "value_heads", "key_dim", "value_dim", "conv"]),
        ("lightning", &["kind", "heads", "head_dim"]),
        ("mamba1", &["kind", "inner", "state", "dt_rank", "conv", "inner_norms"]),
        ("mamba2", &["kind", "heads", "head_dim", "state", "groups", "conv"]),
    ];
    let every: Vec<&str> = KINDS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
    let Some(table) = fields.table("linear", &every)? else { return Ok(None) };
    let kind = table.required_choice("kind", &KINDS.map(|(name, _)| (name, name)))?;
    let keys = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    // Once the kind is known, its keys alone are allowed.
    let Some(table) = fields.table("linear", keys)? else { return Ok(None) };
    let count = |key| table.required_count(key);
    Ok(Some(match kind {
        "gated_delta_net" => {
            let (key_heads, value_heads) = (count("key_heads")?, count("value_heads")?);
            if !value_heads.is_multiple_of(key_heads) {
                let message = format!(
                    "\"value_heads\" of {} is \"{value_heads}\", which is no multiple of the {key_heads} key heads",
                    table.what()
                );
                return Err(table.error("value_heads", message));
            }
            LinearMixer::GatedDeltaNet {
                key_heads,
                value_heads,
                key_dim: count("key_dim")?,
                value_dim: count("value_dim")?,
                conv: count("conv")?,
            }
        }
        "lightning" => LinearMixer::Lightning { heads: count("heads")?, head_dim: count("head_dim")? },
        "mamba1" => LinearMixer::Mamba1 {
            inner: count("inner")?,
            state: count("state")?,
            dt_rank: count("dt_rank")?,
            conv: count("conv")?,
            inner_norms: table.flag("inner_norms")?,
        },
        _ => LinearMixer::Mamba2 {
            heads: count("heads")?,
            head_dim: count("head_dim")?,
            state: count("state")?,
            groups: count("groups")?,
            conv: count("conv")?,
        },
    }))
}

fn moe(table: &Fields<'_>) -> Result<Moe, DocumentError> {
    let (experts, top_k) = (table.required_count("experts")?, table.required_count("top_k")?);
    if top_k > experts {
        let message = format!("\"top_k\" of {} is \"{top_k}\", more than its {experts} experts", table.what());
        return Err(table.error("top_k", message));
    }
    Ok(Moe {
        experts,
        top_k,
        expert_ffn: table.required_count("expert_ffn")?,
        shared_ffn: table.count_or_zero("shared_ffn")?,
        shared_gate: table.flag("shared_gate")?,
        gated: table.flag_or("gated", true)?,
        router_bias: table.flag("router_bias")?,
        expert_bias: table.flag("expert_bias")?,
    })
}

/// Every kind of layer has the part that it names, and every part is used.
fn complete(fields: &Fields<'_>, shape: &ModelShape) -> Result<(), DocumentError> {
    let what = fields.what();
    let used = |test: fn(&LayerKind) -> bool| shape.sequence.iter().any(test);
    let windowed = matches!(shape.attention, Some(Attention::Softmax(SoftmaxAttention { window: Some(_), .. })));
    let parts = [
        (
            "attention",
            shape.attention.is_some(),
            used(|kind| matches!(kind.mixer, MixerKind::Full | MixerKind::Sliding)),
        ),
        ("linear", shape.linear.is_some(), used(|kind| kind.mixer == MixerKind::Linear)),
        ("mlp", shape.dense.is_some(), used(|kind| kind.mlp == MlpKind::Dense)),
        ("moe", shape.moe.is_some(), used(|kind| kind.mlp == MlpKind::Moe)),
    ];
    for (key, given, needed) in parts {
        if needed && !given {
            return Err(DocumentError::new(fields.place(), format!("{what} has layers that need the key \"{key}\"")));
        }
        if given && !needed {
            return Err(fields.error(key, format!("{what} has \"{key}\", but no layer that uses it")));
        }
    }
    if used(|kind| kind.mixer == MixerKind::Sliding) && !windowed {
        let message = format!("{what} has sliding layers, so its \"attention\" needs \"window\"");
        return Err(fields.error("attention", message));
    }
    Ok(())
}
