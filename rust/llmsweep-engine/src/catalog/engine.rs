//! Serving engines: a release of an engine, as the constants in which it differs from the defaults.
use llmsweep_model::system::ServingEngine;
use serde_json::{Map, json};

use super::constant::{Own, given, keys, overridden};
use super::fields::Fields;
use super::kernels::{ANY_ENGINE, FASTEST_ENGINE};
use super::serving_engine::SERVING;
use crate::node::{DocumentError, Node, Place};

/// A serving engine.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineEntry {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Engines that measurements name, of which it is a release.
    pub engines: Vec<String>,
    /// Pattern that the name of the release matches; any where absent.
    pub release: Option<String>,
    /// First month of the release, as `2024-07`; the first of all where absent.
    pub since: Option<String>,
    /// Whose kernels it runs: one of [`ENGINE_KERNELS`].
    pub kernels: &'static str,
    /// Sources.
    pub source: Vec<String>,
    /// Where the entry stands.
    pub place: Place,
    /// Constants in place of the defaults, by position in [`SERVING`].
    pub constants: Own,
}

/// Keys of an `[[engine]]` table beside the constants of `systems/serving.toml`.
pub const ENGINE_KEYS: [&str; 7] = ["id", "name", "engines", "release", "since", "kernels", "source"];

/// Kernels that an engine may run: those of an engine that was timed, or the pools of all of them.
pub const ENGINE_KERNELS: [&str; 5] = [ANY_ENGINE, FASTEST_ENGINE, "vllm", "sglang", "trtllm"];

impl EngineEntry {
    /// Reads an `[[engine]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let allowed: Vec<&str> = ENGINE_KEYS.into_iter().chain(keys(&SERVING)).collect();
        let fields = Fields::new(node, "this engine", &allowed)?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("the engine \"{id}\""));
        let kernels = ENGINE_KERNELS.map(|engine| (engine, engine));
        Ok(Self {
            name: fields.required_text("name")?.to_owned(),
            engines: fields.texts("engines")?,
            release: fields.text("release")?.map(str::to_owned),
            since: fields.text("since")?.map(str::to_owned),
            kernels: if fields.has("kernels") { fields.required_choice("kernels", &kernels)? } else { ANY_ENGINE },
            source: fields.texts("source")?,
            place: fields.place().clone(),
            constants: given(&fields, &SERVING)?,
            id,
        })
    }

    /// Its constants; what it does not say is as in the defaults.
    #[must_use]
    pub fn system(&self, defaults: &ServingEngine) -> ServingEngine {
        overridden(*defaults, &SERVING, &self.constants)
    }

    /// A row of a list.
    #[must_use]
    pub fn row_json(&self) -> serde_json::Value {
        json!({
            "id": self.id,
            "name": self.name,
            "engines": self.engines,
            "release": self.release,
            "since": self.since,
            "kernels": self.kernels,
        })
    }

    /// Everything known.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let constant = |&(position, number): &(usize, f64)| (SERVING[position].key.to_owned(), number.into());
        let constants: Map<String, serde_json::Value> = self.constants.iter().map(constant).collect();
        let mut value = self.row_json();
        value["constants"] = constants.into();
        value["source"] = json!(self.source);
        value
    }
}
