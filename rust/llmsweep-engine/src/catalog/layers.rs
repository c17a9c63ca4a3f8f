//! The layer sequence of a `[[model]]` table: listed one by one, as blocks, or from counts.
use llmsweep_model::arch::sequence::{Blocks, interleaved, place_experts, spread_mixer, uniform};
use llmsweep_model::arch::{LayerKind, MixerKind, MlpKind};

use super::fields::Fields;
use super::model::{ATTENTION_KEYS, MOE_KEYS};
use crate::node::DocumentError;

/// The kinds of all layers: listed one by one, as blocks of their own, or from counts.
pub(super) fn sequence(fields: &Fields<'_>) -> Result<Vec<LayerKind>, DocumentError> {
    let layers = fields.count("layers", 1, 10_000)?;
    let Some(layers) = layers else {
        return Err(fields.error("layers", format!("{} lacks the key \"layers\"", fields.what())));
    };
    let what = fields.what();
    if let Some(listing) = ["sequence", "blocks"].into_iter().find(|key| fields.has(key)) {
        for (part, keys) in [("attention", ["layers", "sliding_layers"]), ("moe", ["first_dense_layers", "every"])] {
            let table = fields.table(part, if part == "moe" { MOE_KEYS } else { ATTENTION_KEYS })?;
            if let Some((table, key)) =
                table.and_then(|table| keys.into_iter().find(|key| table.has(key)).map(|key| (table, key)))
            {
                let message = format!("{what} says \"{listing}\", so \"{key}\" of \"{part}\" is one too many");
                return Err(table.error(key, message));
            }
        }
    }
    let sequence = if fields.has("sequence") {
        listed(fields)?
    } else if let Some(blocks) = fields.table("blocks", &["linear", "attention", "dense", "moe"])? {
        interleaved(Blocks {
            linear: blocks.count("linear", 0, 10_000)?.unwrap_or(0),
            attention: blocks.count("attention", 0, 10_000)?.unwrap_or(0),
            dense: blocks.count("dense", 0, 10_000)?.unwrap_or(0),
            moe: blocks.count("moe", 0, 10_000)?.unwrap_or(0),
        })
    } else {
        counted(fields, layers)?
    };
    if sequence.len() != layers as usize {
        let key = if fields.has("sequence") { "sequence" } else { "blocks" };
        let message = format!("\"{key}\" of {what} has {} layers, but \"layers\" is \"{layers}\"", sequence.len());
        return Err(fields.error(key, message));
    }
    Ok(sequence)
}

/// `sequence = ["linear moe", "full moe", …]`.
fn listed(fields: &Fields<'_>) -> Result<Vec<LayerKind>, DocumentError> {
    let mixers = [
        ("none", MixerKind::None),
        ("full", MixerKind::Full),
        ("sliding", MixerKind::Sliding),
        ("linear", MixerKind::Linear),
    ];
    let mlps = [("none", MlpKind::None), ("dense", MlpKind::Dense), ("moe", MlpKind::Moe)];
    let find = |text: &str| {
        let (mixer, mlp) = text.split_once(' ')?;
        let mixer = mixers.iter().find(|(name, _)| *name == mixer)?.1;
        Some(LayerKind::new(mixer, mlps.iter().find(|(name, _)| *name == mlp.trim())?.1))
    };
    let items = fields.texts("sequence")?;
    items
        .iter()
        .map(|text| {
            find(text).ok_or_else(|| {
                let message = format!(
                    "\"sequence\" of {} has the layer \"{text}\", allowed are a mixer (full, sliding, linear, none) and an MLP \
                     (dense, moe, none), like \"full dense\"",
                    fields.what()
                );
                fields.error("sequence", message)
            })
        })
        .collect()
}

fn counted(fields: &Fields<'_>, layers: u32) -> Result<Vec<LayerKind>, DocumentError> {
    let linear = fields.has("linear");
    let mlp = if fields.has("mlp") || fields.has("moe") { MlpKind::Dense } else { MlpKind::None };
    let mixer = if linear { MixerKind::Linear } else { MixerKind::Full };
    let mut sequence = uniform(layers, LayerKind::new(mixer, mlp));
    if let Some(attention) = fields.table("attention", ATTENTION_KEYS)? {
        if linear {
            let Some(full) = attention.count("layers", 0, layers)? else {
                let message = format!("{} has linear layers too, so it needs \"layers\"", attention.what());
                return Err(attention.error("layers", message));
            };
            spread_mixer(&mut sequence, full, MixerKind::Full);
        } else if attention.has("layers") {
            let message = format!("\"layers\" of {} is for models with linear layers too", attention.what());
            return Err(attention.error("layers", message));
        }
        if let Some(window) = attention.node("window") {
            if linear {
                let message =
                    format!("{} has a window beside linear layers: list the layers in \"sequence\"", attention.what());
                return Err(DocumentError::new(&window.place, message));
            }
            let Some(sliding) = attention.count("sliding_layers", 0, layers)? else {
                let message = format!("{} has a \"window\" but no \"sliding_layers\"", attention.what());
                return Err(DocumentError::new(&window.place, message));
            };
            // The last of each group is full: Gemma-3 has five sliding layers and then a full one.
            sequence = uniform(layers, LayerKind::new(MixerKind::Sliding, mlp));
            spread_mixer(&mut sequence, layers - sliding, MixerKind::Full);
        }
    }
    if let Some(moe) = fields.table("moe", MOE_KEYS)? {
        let first_dense = moe.count("first_dense_layers", 0, layers)?.unwrap_or(0);
        place_experts(&mut sequence, first_dense, moe.count("every", 1, layers)?.unwrap_or(1));
    }
    Ok(sequence)
}
