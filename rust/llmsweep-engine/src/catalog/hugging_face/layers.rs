//! The kind of every layer, as a configuration's lists, periods and patterns say.
use llmsweep_model::arch::sequence::{place_experts, spread_mixer, uniform};
use llmsweep_model::arch::{LayerKind, MixerKind, MlpKind};

use super::config::{Config, error};
use super::family::{Family, Sliding};
use crate::node::DocumentError;

/// What a configuration has.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Parts {
    pub(super) attention: bool,
    pub(super) window: bool,
    pub(super) linear: bool,
    pub(super) moe: bool,
}

/// The kind of every layer.
pub(super) fn sequence(
    config: &Config,
    family: &Family,
    parts: Parts,
    layers: u32,
) -> Result<Vec<LayerKind>, DocumentError> {
    if let Some(pattern) = config.text("hybrid_override_pattern") {
        let kinds: Option<Vec<LayerKind>> = pattern.chars().map(block).collect();
        let kinds = kinds.ok_or_else(|| {
            error(format!("\"hybrid_override_pattern\" is \"{pattern}\", allowed are the letters M, *, - and E"))
        })?;
        if kinds.len() != layers as usize {
            let count = kinds.len();
            return Err(error(format!(
                "\"hybrid_override_pattern\" has {count} blocks, but there are {layers} layers"
            )));
        }
        return Ok(kinds);
    }
    let mixers = mixers(config, family, parts, layers)?;
    let mlps = mlps(config, parts, layers)?;
    Ok(mixers.into_iter().zip(mlps).map(|(mixer, mlp)| LayerKind::new(mixer, mlp)).collect())
}

/// One letter of Nemotron-H's pattern.
fn block(letter: char) -> Option<LayerKind> {
    Some(match letter {
        'M' => LayerKind::new(MixerKind::Linear, MlpKind::None),
        '*' => LayerKind::new(MixerKind::Full, MlpKind::None),
        '-' => LayerKind::new(MixerKind::None, MlpKind::Dense),
        'E' => LayerKind::new(MixerKind::None, MlpKind::Moe),
        _ => return None,
    })
}

fn mixers(config: &Config, family: &Family, parts: Parts, layers: u32) -> Result<Vec<MixerKind>, DocumentError> {
    if !parts.attention {
        return Ok(vec![MixerKind::Linear; layers as usize]);
    }
    if let Some(types) = config.texts("layer_types")? {
        if types.len() != layers as usize {
            return Err(error(format!("\"layer_types\" has {} layers, but there are {layers}", types.len())));
        }
        return types
            .into_iter()
            .map(|name| match name {
                "sliding_attention" | "chunked_attention" if parts.window => Ok(MixerKind::Sliding),
                // A layer that could slide but has no window sees everything.
                "full_attention" | "attention" | "sliding_attention" | "chunked_attention" => Ok(MixerKind::Full),
                "linear_attention" | "mamba" if parts.linear => Ok(MixerKind::Linear),
                _ => Err(error(format!(
                    "\"layer_types\" has \"{name}\", allowed are full_attention, sliding_attention, chunked_attention and, \
                     with their own fields, linear_attention and mamba"
                ))),
            })
            .collect();
    }
    let softmax = config.layers("attn_type_list")?;
    let full: Box<dyn Fn(u32) -> bool> = if !softmax.is_empty() {
        if softmax.len() != layers as usize {
            return Err(error(format!("\"attn_type_list\" has {} layers, but there are {layers}", softmax.len())));
        }
        Box::new(move |layer| softmax[layer as usize] == 1)
    } else if parts.linear {
        if let Some(interval) = config.count(&["full_attention_interval"])? {
            let interval = interval.max(1);
            Box::new(move |layer| (layer + 1).is_multiple_of(interval))
        } else {
            let period = config.count(&["attn_layer_period"])?.unwrap_or(8).max(1);
            let offset = config.count(&["attn_layer_offset"])?.unwrap_or(4) % period;
            Box::new(move |layer| layer % period == offset)
        }
    } else {
        if !parts.window {
            return Ok(vec![MixerKind::Full; layers as usize]);
        }
        match family.sliding {
            Sliding::Never => Box::new(|_| true),
            Sliding::All => Box::new(|_| false),
            Sliding::Even => Box::new(|layer| layer % 2 == 1),
            Sliding::AllButEvery(every) => {
                let every =
                    config.count(&["sliding_window_pattern", "no_rope_layer_interval"])?.unwrap_or(every).max(1);
                Box::new(move |layer| (layer + 1).is_multiple_of(every))
            }
            Sliding::FromMaxWindowLayers => {
                let from = if config.flag("use_sliding_window")?.unwrap_or(false) {
                    config.count(&["max_window_layers"])?.unwrap_or(layers)
                } else {
                    layers
                };
                Box::new(move |layer| layer < from)
            }
        }
    };
    let other = if parts.linear { MixerKind::Linear } else { MixerKind::Sliding };
    Ok((0..layers).map(|layer| if full(layer) { MixerKind::Full } else { other }).collect())
}

fn mlps(config: &Config, parts: Parts, layers: u32) -> Result<Vec<MlpKind>, DocumentError> {
    if !parts.moe {
        let kind = if parts.attention { MlpKind::Dense } else { MlpKind::None };
        return Ok(vec![kind; layers as usize]);
    }
    let first_dense = config.count(&["first_k_dense_replace"])?.unwrap_or(0);
    let dense = config.layers("mlp_only_layers")?;
    let listed = config.layers("moe_layers")?;
    let every =
        config.count(&["decoder_sparse_step", "interleave_moe_layer_step", "expert_layer_period"])?.unwrap_or(1).max(1);
    // Jamba's experts sit at their own offset; elsewhere they close each group.
    let offset = match config.count(&["expert_layer_offset"])? {
        Some(offset) => offset % every,
        None => every - 1,
    };
    Ok((0..layers)
        .map(|layer| {
            let experts = if listed.is_empty() {
                layer >= first_dense && layer % every == offset && !dense.contains(&u64::from(layer))
            } else {
                listed.contains(&u64::from(layer))
            };
            if experts { MlpKind::Moe } else { MlpKind::Dense }
        })
        .collect())
}

/// A sequence as counts, where counts say it exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) full: u32,
    pub(super) sliding: u32,
    pub(super) linear: u32,
    pub(super) first_dense: u32,
    pub(super) every: u32,
}

/// The counts from which the catalogue's own builders make this very sequence, if there are any.
pub(super) fn counts(sequence: &[LayerKind]) -> Option<Counts> {
    let layers = sequence.len() as u32;
    let number = |mixer| sequence.iter().filter(|kind| kind.mixer == mixer).count() as u32;
    let (full, sliding, linear) = (number(MixerKind::Full), number(MixerKind::Sliding), number(MixerKind::Linear));
    if full + sliding + linear != layers || (linear > 0 && sliding > 0) {
        return None;
    }
    let experts = |kind: &LayerKind| kind.mlp == MlpKind::Moe;
    let first = sequence.iter().position(experts).map(|first| first as u32);
    let second = sequence.iter().skip(first.map_or(0, |first| first as usize + 1)).position(experts);
    let every = second.map_or(1, |gap| gap as u32 + 1);
    let first_dense = first.map_or(0, |first| if every > 1 { 0 } else { first });
    let base = if linear > 0 {
        MixerKind::Linear
    } else if sliding > 0 {
        MixerKind::Sliding
    } else {
        MixerKind::Full
    };
    let mlp = if first.is_some() { MlpKind::Dense } else { sequence.first()?.mlp };
    let mut rebuilt = uniform(layers, LayerKind::new(base, mlp));
    spread_mixer(&mut rebuilt, full, MixerKind::Full);
    if first.is_some() {
        place_experts(&mut rebuilt, first_dense, every);
    }
    (rebuilt == sequence).then_some(Counts { full, sliding, linear, first_dense, every })
}
