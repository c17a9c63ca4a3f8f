//! Entries as JSON: a short row for a list, everything for one entry. Units stand in the keys.
use llmsweep_model::arch::{Attention, Extras, LinearMixer, MixerKind, MlpKind, ModelShape, Norm, Position};
use llmsweep_model::economics::HOUR;
use llmsweep_model::hardware::{LinkKind, Peaks, Tier};
use llmsweep_model::precision::ComputeFormat;
use serde_json::{Map, Value, json};

use super::network::WIRINGS;
use super::operations::OPERATIONS;
use super::{AcceleratorEntry, Catalog, EngineEntry, Kind, ModelEntry, NetworkEntry, Price, StackEntry, TrainingRun};

impl Catalog {
    /// Rows of the entries of a kind whose id matches a glob.
    #[must_use]
    pub fn list_json(&self, kind: Kind, pattern: &str) -> Value {
        let row = |id: &str| match kind {
            Kind::Models => self.model(id).map(ModelEntry::row_json),
            Kind::Accelerators => self.accelerator(id).map(AcceleratorEntry::row_json),
            Kind::Networks => self.network(id).map(NetworkEntry::row_json),
            Kind::Prices => self.price(id).map(Price::json),
            Kind::Stacks => self.stack(id).map(StackEntry::row_json),
            Kind::Engines => self.engine(id).map(EngineEntry::row_json),
        };
        self.matching(kind, pattern).into_iter().filter_map(row).collect()
    }

    /// How clusters are run: constants by name.
    #[must_use]
    pub fn operations_json(&self) -> Value {
        let mut operations = self.systems().operations.unwrap_or_default();
        OPERATIONS.iter().map(|constant| (constant.key.to_owned(), json!(*(constant.field)(&mut operations)))).collect()
    }

    /// One entry in full, its sources spelt out.
    #[must_use]
    pub fn show_json(&self, kind: Kind, id: &str) -> Option<Value> {
        let (mut value, sources) = match kind {
            Kind::Models => self.model(id).map(|entry| (entry.json(), &entry.source[..])),
            Kind::Accelerators => self.accelerator(id).map(|entry| (entry.json(), &entry.source[..])),
            Kind::Networks => self.network(id).map(|entry| (entry.json(), &entry.source[..])),
            Kind::Prices => self.price(id).map(|entry| (entry.json(), &[][..])),
            Kind::Stacks => self.stack(id).map(|entry| (entry.json(), &entry.source[..])),
            Kind::Engines => self.engine(id).map(|entry| (entry.json(), &entry.source[..])),
        }?;
        let spelt: Map<String, Value> =
            sources.iter().filter_map(|key| Some((key.clone(), self.source(kind, key)?.into()))).collect();
        if let (Value::Object(fields), false) = (&mut value, spelt.is_empty()) {
            fields.insert("sources".to_owned(), Value::Object(spelt));
        }
        Some(value)
    }
}

impl ModelEntry {
    /// A row of a list.
    #[must_use]
    pub fn row_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "family": self.family,
            "year": self.year,
            "parameters": self.shape.parameters(),
            "active_parameters": self.shape.active_parameters().with_embeddings,
            "layers": self.shape.layers(),
            "hidden": self.shape.hidden,
            "context_tokens": self.shape.max_context,
        })
    }

    /// Everything known, with the parameters recounted.
    #[must_use]
    pub fn json(&self) -> Value {
        let active = self.shape.active_parameters();
        json!({
            "id": self.id,
            "name": self.name,
            "family": self.family,
            "year": self.year,
            "status": self.status,
            "parameters": self.shape.parameters(),
            "active_parameters": {
                "with_embeddings": active.with_embeddings,
                "without_input_embedding": active.without_input_embedding,
                "without_embeddings": active.without_embeddings,
            },
            "mtp_parameters": self.shape.mtp_parameters(),
            "published_parameters": self.published_parameters,
            "published_active_parameters": self.published_active_parameters,
            "published_source": self.published_source,
            "shape": shape(&self.shape),
            "training": self.training.as_ref().map(training),
            "source": self.source,
            "note": self.note,
        })
    }
}

fn training(run: &TrainingRun) -> Value {
    json!({
        "tokens": run.tokens,
        "flops": run.flops,
        "accelerator": run.accelerator,
        "accelerators": run.accelerators,
        "accelerator_hours": run.accelerator_hours,
        "mfu": run.mfu,
        "source": run.source,
    })
}

fn shape(shape: &ModelShape) -> Value {
    let layers: Vec<Value> = shape
        .kinds()
        .into_iter()
        .map(|(kind, count)| {
            let mixer = match kind.mixer {
                MixerKind::None => "none",
                MixerKind::Full => "full",
                MixerKind::Sliding => "sliding",
                MixerKind::Linear => "linear",
            };
            let mlp = match kind.mlp {
                MlpKind::None => "none",
                MlpKind::Dense => "dense",
                MlpKind::Moe => "moe",
            };
            json!({ "mixer": mixer, "mlp": mlp, "layers": count, "parameters": shape.layer_parameters(kind).total() })
        })
        .collect();
    json!({
        "layers": shape.layers(),
        "layer_kinds": layers,
        "hidden": shape.hidden,
        "vocab": shape.vocab,
        "context_tokens": shape.max_context,
        "tied_embeddings": shape.tied_embeddings,
        "embedding_dim": shape.embedding_dim,
        "position": match shape.position {
            Position::Rope => "rope",
            Position::Learned => "learned",
            Position::Alibi => "alibi",
            Position::RelativeProjection => "relative_projection",
        },
        "norm": match shape.norm {
            Norm::Rms => "rms",
            Norm::LayerNorm => "layer_norm",
            Norm::LayerNormNoBias => "layer_norm_no_bias",
        },
        "norms_per_layer": shape.norms_per_layer,
        "attention": shape.attention.as_ref().map(attention),
        "linear": shape.linear.as_ref().map(linear),
        "mlp": shape.dense.map(|dense| json!({ "ffn": dense.ffn, "gated": dense.gated })),
        "moe": shape.moe.map(|moe| json!({
            "experts": moe.experts,
            "top_k": moe.top_k,
            "expert_ffn": moe.expert_ffn,
            "shared_ffn": moe.shared_ffn,
            "gated": moe.gated,
            "shared_gate": moe.shared_gate,
            "router_bias": moe.router_bias,
            "expert_bias": moe.expert_bias,
        })),
        "extras": extras(&shape.extras),
        "mtp_layers": shape.mtp_layers,
    })
}

fn extras(extras: &Extras) -> Value {
    json!({
        "linear_bias": extras.linear_bias,
        "attention_bias": extras.attention_bias,
        "qkv_bias": extras.qkv_bias,
        "mlp_bias": extras.mlp_bias,
        "head_bias": extras.head_bias,
        "qk_norm": extras.qk_norm,
        "qk_norm_full": extras.qk_norm_full,
        "embedding_norm": extras.embedding_norm,
        "attention_sinks": extras.attention_sinks,
        "final_norm": !extras.no_final_norm,
        "extra_positions": extras.extra_positions,
    })
}

fn attention(attention: &Attention) -> Value {
    match attention {
        Attention::Softmax(softmax) => json!({
            "kind": "softmax",
            "heads": softmax.heads,
            "kv_heads": softmax.kv_heads,
            "head_dim": softmax.head_dim,
            "gate": softmax.gate,
            "window": softmax.window,
        }),
        Attention::Latent(latent) => json!({
            "kind": "latent",
            "heads": latent.heads,
            "query_rank": latent.query_rank,
            "kv_rank": latent.kv_rank,
            "nope_dim": latent.nope_dim,
            "rope_dim": latent.rope_dim,
            "value_dim": latent.value_dim,
            "indexer": latent.indexer.map(|indexer| json!({
                "heads": indexer.heads,
                "head_dim": indexer.head_dim,
                "top_k": indexer.top_k,
            })),
        }),
    }
}

fn linear(mixer: &LinearMixer) -> Value {
    match *mixer {
        LinearMixer::GatedDeltaNet { key_heads, value_heads, key_dim, value_dim, conv } => json!({
            "kind": "gated_delta_net",
            "key_heads": key_heads,
            "value_heads": value_heads,
            "key_dim": key_dim,
            "value_dim": value_dim,
            "conv": conv,
        }),
        LinearMixer::Lightning { heads, head_dim } => {
            json!({ "kind": "lightning", "heads": heads, "head_dim": head_dim })
        }
        LinearMixer::Mamba1 { inner, state, dt_rank, conv, .. } => {
            json!({ "kind": "mamba1", "inner": inner, "state": state, "dt_rank": dt_rank, "conv": conv })
        }
        LinearMixer::Mamba2 { heads, head_dim, state, groups, conv } => json!({
            "kind": "mamba2",
            "heads": heads,
            "head_dim": head_dim,
            "state": state,
            "groups": groups,
            "conv": conv,
        }),
    }
}

impl AcceleratorEntry {
    /// A row of a list.
    #[must_use]
    pub fn row_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "vendor": self.vendor,
            "architecture": self.architecture,
            "year": self.year,
            "status": self.status,
            "peak_flops_per_s": peaks(&self.accelerator.peaks),
            "memory_bytes": self.accelerator.memory.0,
            "memory_bandwidth_bytes_per_s": self.accelerator.memory_bandwidth.0,
            "scale_up_devices": self.scale_up.as_ref().map_or(1, |scale_up| scale_up.devices),
            "board_power_w": self.accelerator.board_power.map(|power| power.0),
            "rental_usd_per_hour": self.accelerator.rental.map(|rental| rental.0 * HOUR),
        })
    }

    /// Everything known.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut value = self.row_json();
        let more = json!({
            "memory_type": self.memory_type,
            "memory_label_gb": self.memory_label_gb,
            "compute_units": self.compute_units,
            "l2_bytes": self.l2.map(|size| size.0),
            "last_level_cache_bytes": self.last_level_cache.map(|size| size.0),
            "on_chip_memory_bytes": self.on_chip_memory.map(|size| size.0),
            "scale_up_link": self.scale_up.as_ref().map(|scale_up| scale_up.link.as_str()),
            "pcie_generation": self.pcie_generation,
            "pcie_peer_to_peer": self.pcie_peer_to_peer,
            "half_accumulation": self.half_accumulation,
            "host_devices": self.host_devices,
            "host_bandwidth_bytes_per_s": self.accelerator.host_bandwidth.0,
            "nic_bandwidth_bytes_per_s": self.nic_bandwidth.map(|bandwidth| bandwidth.0),
            "fabric": self.accelerator.fabric.tiers().iter().map(tier).collect::<Vec<_>>(),
            "measured_peak_flops_per_s": peaks(&self.measured_peaks),
            "measured_peak_source": self.measured_peak_source,
            "purchase_usd": self.accelerator.purchase.map(|price| price.0),
            "price": self.price.as_ref().map(Price::json),
            "unverified": self.unverified,
            "source": self.source,
            "note": self.note,
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    }
}

fn peaks(peaks: &Peaks) -> Value {
    let rates: Map<String, Value> = ComputeFormat::ALL
        .into_iter()
        .filter_map(|format| Some((format.name().to_owned(), peaks.get(format)?.0.into())))
        .collect();
    Value::Object(rates)
}

fn wiring(kind: LinkKind) -> &'static str {
    WIRINGS.iter().find(|(_, known)| *known == kind).map_or("network", |(name, _)| name)
}

fn tier(tier: &Tier) -> Value {
    json!({
        "wiring": wiring(tier.kind),
        "devices": (tier.span != u32::MAX).then_some(tier.span),
        "bandwidth_bytes_per_s": tier.bandwidth.0,
        "pair_bandwidth_bytes_per_s": tier.pair_bandwidth.0,
        "latency_s": tier.latency.0,
    })
}

impl NetworkEntry {
    /// A row of a list.
    #[must_use]
    pub fn row_json(&self) -> Value {
        json!({
            "id": self.id,
            "kind": self.kind,
            "wiring": wiring(self.tier.kind),
            "bandwidth_bytes_per_s": self.tier.bandwidth.0,
            "latency_s": self.tier.latency.0,
            "efficiency": self.efficiency,
            "status": self.status,
        })
    }

    /// Everything known.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut value = self.row_json();
        let more = json!({
            "per": self.per,
            "latency_source": self.latency_source,
            "scope": self.scope,
            "domain_devices": self.domain_devices,
            "efficiency_source": self.efficiency_source,
            "source": self.source,
            "note": self.note,
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    }
}

impl Price {
    /// Everything known.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "accelerator": self.accelerator,
            "rental_usd_per_hour": self.rental().map(|rental| rental.0 * HOUR),
            "rental_low_usd_per_hour": self.rental_usd_per_hour.map(|(low, _)| low),
            "rental_high_usd_per_hour": self.rental_usd_per_hour.map(|(_, high)| high),
            "rental_source": self.rental_source,
            "rental_date": self.rental_date,
            "purchase_usd": self.purchase.map(|price| price.0),
            "purchase_source": self.purchase_source,
            "purchase_date": self.purchase_date,
            "note": self.note,
        })
    }
}
