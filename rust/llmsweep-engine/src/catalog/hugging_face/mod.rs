//! A catalogue entry from a Hugging Face `config.json`.
//!
//! The fields say the sizes; the type of model says what its code takes for granted ([`family`]). A type that is not known is
//! read by its field names alone, as a Llama, and the entry's note says so.
mod config;
mod family;
mod layers;
mod write;

use llmsweep_model::arch::{LayerKind, MixerKind, MlpKind};

use super::model::ModelEntry;
use crate::document::parse_toml;
use crate::node::{DocumentError, Node, Value};
use config::{Config, error};
use family::{Family, UNKNOWN, family};
use layers::Parts;
use write::{Draft, Inline};

/// Writes the catalogue entry, a `[[model]]` table, of the model that a `config.json` describes.
///
/// # Errors
/// One sentence: not JSON, a size missing, negative or not a whole number, or a shape that fits together in no way.
pub fn toml_from_config(config_json: &str, id: &str) -> Result<String, DocumentError> {
    if id.trim().is_empty() {
        return Err(error("the entry needs an id, like \"llama3.1-8b\""));
    }
    let config = Config::parse(config_json)?;
    let known = family(&config.model_type);
    let family = known.unwrap_or(UNKNOWN);
    let mut draft = Draft::new(id, &config.model_type);
    describe(&config, &family, &mut draft)?;
    if known.is_none() {
        draft.remark(&format!(
            "the type \"{}\" is not known, so it was read by its field names, as a Llama",
            config.model_type
        ));
    }
    let text = draft.finish();
    check(&text)?;
    Ok(text)
}

/// The entry must read back; what the catalogue objects to, the configuration has wrong.
fn check(text: &str) -> Result<(), DocumentError> {
    let document = parse_toml("config.json", text)?;
    if let Value::Table(entries) = &document.value
        && let Some(Value::Array(models)) = entries.first().map(|entry| &entry.node.value)
    {
        let read = |node: &Node| ModelEntry::decode(node).map_err(|cause| error(cause.message));
        models.iter().try_for_each(|node| read(node).map(|_| ()))?;
    }
    Ok(())
}

fn describe(config: &Config, family: &Family, draft: &mut Draft) -> Result<(), DocumentError> {
    let hidden = config.need(&["hidden_size", "n_embd", "d_model", "n_embed"])?;
    let layers = config.need(&["num_hidden_layers", "n_layer", "n_layers", "num_layers"])?;
    if layers > 10_000 {
        return Err(error(format!("\"num_hidden_layers\" is \"{layers}\", allowed are whole numbers from 1 to 10000")));
    }
    let state_space = matches!(config.model_type.as_str(), "mamba" | "mamba2");
    let window = config.count(&["sliding_window", "attention_chunk_size"])?.filter(|window| *window > 0);
    let experts = config
        .count(&["num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts"])?
        .filter(|experts| *experts > 1);
    let linear = linear_mixer(config, hidden)?;
    let parts = Parts {
        attention: !state_space,
        window: window.is_some() && !config.has(&["kv_lora_rank"]),
        linear: linear.is_some(),
        moe: experts.is_some(),
    };
    let sequence = layers::sequence(config, family, parts, layers)?;
    let used = |test: fn(&LayerKind) -> bool| sequence.iter().any(test);

    draft.count("layers", layers);
    draft.count("hidden", hidden);
    draft.count("vocab", vocabulary(config)?);
    let context = context(config, draft)?;
    draft.count("context_tokens", context);
    draft.flag("tied_embeddings", config.flag("tie_word_embeddings")?.unwrap_or(family.tied));
    if let Some(width) = config.count(&["word_embed_proj_dim"])?.filter(|width| *width != hidden) {
        draft.count("embedding_dim", width);
    }
    let alibi = config.flag("alibi")?.unwrap_or(false);
    draft.text("position", if alibi { "alibi" } else { family.position });
    if family.extra_positions > 0 {
        draft.count("extra_positions", family.extra_positions);
    }
    draft.text("norm", family.norm);
    draft.norms_per_layer(norms_per_layer(config, family)?);
    if config.flag("do_layer_norm_before")? == Some(false) {
        draft.flag("final_norm", false);
    }
    biases(config, family, draft)?;

    let counts = layers::counts(&sequence);
    let attends = used(|kind| matches!(kind.mixer, MixerKind::Full | MixerKind::Sliding));
    if attends {
        let window = window.filter(|_| used(|kind| kind.mixer == MixerKind::Sliding));
        draft.raw("attention", attention(config, family, hidden, window, counts)?);
    }
    if let Some(linear) = linear.filter(|_| used(|kind| kind.mixer == MixerKind::Linear)) {
        draft.raw("linear", linear);
    }
    if used(|kind| kind.mlp == MlpKind::Dense) {
        let names = ["intermediate_size_mlp", "intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size"];
        let four = matches!(config.model_type.as_str(), "gpt2" | "gptj" | "bloom" | "falcon") && !config.has(&names);
        let ffn = if four { 4 * hidden } else { config.need(&names)? };
        draft.raw("mlp", Inline::new().count("ffn", ffn).flag("gated", family.gated).finish());
    }
    if let Some(experts) = experts.filter(|_| used(|kind| kind.mlp == MlpKind::Moe)) {
        draft.raw("moe", mixture(config, family, experts, counts)?);
    }
    if counts.is_none() {
        draft.raw("sequence", write::sequence(&sequence));
    }
    if let Some(mtp) = config.count(&["num_nextn_predict_layers", "num_mtp_modules"])?.filter(|mtp| *mtp > 0) {
        draft.count("mtp_layers", mtp);
    }
    Ok(())
}

fn vocabulary(config: &Config) -> Result<u32, DocumentError> {
    let gemma3 = config.model_type.starts_with("gemma3");
    match config.count(&["vocab_size", "padded_vocab_size"])? {
        // The class's default, which published configurations leave out.
        None if gemma3 => Ok(262_208),
        _ => config.need(&["vocab_size", "padded_vocab_size"]),
    }
}

fn context(config: &Config, draft: &mut Draft) -> Result<u32, DocumentError> {
    let names = ["max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "model_max_length", "n_ctx"];
    if let Some(context) = config.count(&names)?.filter(|context| *context > 0) {
        return Ok(context);
    }
    let default = if config.model_type.starts_with("gemma3") { 131_072 } else { 2048 };
    draft.remark(&format!("the configuration states no context, {default} tokens are assumed"));
    Ok(default)
}

fn norms_per_layer(config: &Config, family: &Family) -> Result<u32, DocumentError> {
    if config.model_type != "falcon" {
        return Ok(family.norms_per_layer);
    }
    let new = config.flag("new_decoder_architecture")?.unwrap_or(false);
    let parallel = config.flag("parallel_attn")?.unwrap_or(true);
    let in_parallel = config.count(&["num_ln_in_parallel_attn"])?;
    Ok(if new {
        in_parallel.unwrap_or(2)
    } else if parallel {
        1
    } else {
        2
    })
}

fn biases(config: &Config, family: &Family, draft: &mut Draft) -> Result<(), DocumentError> {
    let attention = config.flag("attention_bias")?.or(config.flag("add_qkv_bias")?);
    let everywhere = config.flag("enable_bias")?.or(config.flag("use_bias")?).or(config.flag("bias")?);
    let linear =
        family.linear_bias && everywhere.unwrap_or(true) || everywhere == Some(true) && config.model_type == "falcon";
    let mlp = family.mlp_bias || config.flag("mlp_bias")?.unwrap_or(false);
    let in_attention = attention == Some(true) || (family.attention_sinks && attention.is_none());
    if linear || (in_attention && mlp && family.bias_covers_output) {
        draft.flag("linear_bias", true);
    } else {
        draft.set("attention_bias", in_attention && family.bias_covers_output && !family.qkv_bias);
        draft.set("qkv_bias", family.qkv_bias || (in_attention && !family.bias_covers_output));
        draft.set("mlp_bias", mlp);
    }
    draft.set("head_bias", family.head_bias || config.flag("lm_head_bias")?.unwrap_or(false));
    let qk_norm = family.qk_norm || config.flag("use_qk_norm")?.unwrap_or(false);
    draft.set("qk_norm", qk_norm && !family.qk_norm_full);
    draft.set("qk_norm_full", family.qk_norm_full);
    draft.set("embedding_norm", family.embedding_norm);
    draft.set("attention_sinks", family.attention_sinks);
    Ok(())
}

fn attention(
    config: &Config,
    family: &Family,
    hidden: u32,
    window: Option<u32>,
    counts: Option<layers::Counts>,
) -> Result<String, DocumentError> {
    let gemma3 = config.model_type.starts_with("gemma3");
    let head_names = ["num_attention_heads", "n_head", "n_heads"];
    let heads = if gemma3 && !config.has(&head_names) { 8 } else { config.need(&head_names)? };
    let table = if config.has(&["kv_lora_rank"]) {
        let latent = Inline::of_kind("latent")
            .count("heads", heads)
            .count("query_rank", config.count(&["q_lora_rank"])?.unwrap_or(0))
            .count("kv_rank", config.need(&["kv_lora_rank"])?)
            .count("nope_dim", config.need(&["qk_nope_head_dim"])?)
            .count("rope_dim", config.need(&["qk_rope_head_dim"])?)
            .count("value_dim", config.need(&["v_head_dim"])?);
        if config.has(&["index_topk"]) {
            let indexer = Inline::new()
                .count("heads", config.need(&["index_n_heads"])?)
                .count("head_dim", config.need(&["index_head_dim"])?)
                .count("top_k", config.need(&["index_topk"])?);
            latent.table("indexer", indexer)
        } else {
            latent
        }
    } else {
        Inline::of_kind("softmax")
            .count("heads", heads)
            .count("kv_heads", kv_heads(config, heads)?)
            .count("head_dim", head_dim(config, family, hidden, heads)?)
            .set("gate", family.gate)
    };
    let table = window.into_iter().fold(table, |table, window| table.count("window", window));
    Ok(match counts {
        Some(counts) if counts.sliding > 0 => table.count("sliding_layers", counts.sliding),
        Some(counts) if counts.linear > 0 => table.count("layers", counts.full),
        _ => table,
    }
    .finish())
}

fn head_dim(config: &Config, family: &Family, hidden: u32, heads: u32) -> Result<u32, DocumentError> {
    let given = config.count(&["head_dim", "attention_head_dim", "kv_channels"])?.filter(|dim| *dim > 0);
    match given.or(family.head_dim) {
        Some(dim) => Ok(dim),
        None if hidden.is_multiple_of(heads) => Ok(hidden / heads),
        None => {
            Err(error(format!("\"head_dim\" is missing, and the {hidden} channels do not split over {heads} heads")))
        }
    }
}

fn kv_heads(config: &Config, heads: u32) -> Result<u32, DocumentError> {
    let names = ["num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"];
    match config.model_type.as_str() {
        // `num_kv_heads` counts only in Falcon's new architecture; before, multi-query was a switch.
        "falcon" if !config.flag("new_decoder_architecture")?.unwrap_or(false) => {
            Ok(if config.flag("multi_query")?.unwrap_or(true) { 1 } else { heads })
        }
        kind if kind.starts_with("gemma3") && !config.has(&names) => Ok(4),
        _ if config.has(&names) => config.need(&names),
        _ => Ok(heads),
    }
}

/// The linear mixer that the fields describe, as an inline table.
fn linear_mixer(config: &Config, hidden: u32) -> Result<Option<String>, DocumentError> {
    let conv = |names: &[&str]| Ok::<_, DocumentError>(config.count(names)?.unwrap_or(4));
    let table = if config.has(&["linear_num_value_heads"]) {
        Inline::of_kind("gated_delta_net")
            .count("key_heads", config.need(&["linear_num_key_heads"])?)
            .count("value_heads", config.need(&["linear_num_value_heads"])?)
            .count("key_dim", config.need(&["linear_key_head_dim"])?)
            .count("value_dim", config.need(&["linear_value_head_dim"])?)
            .count("conv", conv(&["linear_conv_kernel_dim"])?)
    } else if config.has(&["mamba_num_heads"]) || config.model_type == "mamba2" {
        Inline::of_kind("mamba2")
            .count("heads", config.need(&["mamba_num_heads", "num_heads"])?)
            .count("head_dim", config.need(&["mamba_head_dim", "head_dim"])?)
            .count("state", config.need(&["ssm_state_size", "state_size"])?)
            .count("groups", config.need(&["n_groups"])?)
            .count("conv", conv(&["conv_kernel"])?)
    } else if config.has(&["attn_type_list"]) {
        Inline::of_kind("lightning")
            .count("heads", config.need(&["num_attention_heads"])?)
            .count("head_dim", config.need(&["head_dim"])?)
    } else if config.has(&["mamba_d_state"]) || config.model_type == "mamba" {
        let inner = match config.count(&["intermediate_size"])?.filter(|_| config.model_type == "mamba") {
            Some(inner) => inner,
            None => hidden.saturating_mul(config.count(&["mamba_expand", "expand"])?.unwrap_or(2)),
        };
        let rank_names = ["mamba_dt_rank", "time_step_rank"];
        // "auto" is a sixteenth of the width.
        let automatic = rank_names.iter().any(|name| config.text(name) == Some("auto")) || !config.has(&rank_names);
        let dt_rank = if automatic { hidden.div_ceil(16) } else { config.need(&rank_names)? };
        Inline::of_kind("mamba1")
            .count("inner", inner)
            .count("state", config.need(&["mamba_d_state", "state_size"])?)
            .count("dt_rank", dt_rank)
            .count("conv", conv(&["mamba_d_conv", "conv_kernel"])?)
            .flag("inner_norms", config.model_type == "jamba")
    } else {
        return Ok(None);
    };
    Ok(Some(table.finish()))
}

fn mixture(
    config: &Config,
    family: &Family,
    experts: u32,
    counts: Option<layers::Counts>,
) -> Result<String, DocumentError> {
    let top_k = config.need(&["num_experts_per_tok", "experts_per_token", "moe_top_k", "num_experts_per_token"])?;
    let expert_ffn = config.need(&["moe_intermediate_size", "intermediate_size", "ffn_hidden_size"])?;
    let shared_ffn = match config.count(&["shared_expert_intermediate_size", "moe_shared_expert_intermediate_size"])? {
        Some(shared) => shared,
        None if config.model_type.starts_with("llama4") => expert_ffn,
        None => expert_ffn.saturating_mul(config.count(&["n_shared_experts", "num_shared_experts"])?.unwrap_or(0)),
    };
    let table = Inline::new()
        .count("experts", experts)
        .count("top_k", top_k)
        .count("expert_ffn", expert_ffn)
        .count_above(0, "shared_ffn", shared_ffn)
        .flag("gated", family.gated)
        .set("shared_gate", family.shared_gate && shared_ffn > 0)
        .set("router_bias", family.router_bias)
        .set("expert_bias", family.expert_bias);
    let table = counts.into_iter().fold(table, |table, counts| {
        table.count_above(0, "first_dense_layers", counts.first_dense).count_above(1, "every", counts.every)
    });
    Ok(table.finish())
}
