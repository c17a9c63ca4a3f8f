//! Training stacks: a framework's release, as the constants in which it differs from the physical defaults.
use std::collections::BTreeMap;

use llmsweep_model::system::TrainingSystem;
use serde_json::{Map, json};

use super::constant::{Own, given, keys, overridden};
use super::fields::Fields;
use super::training_system::TRAINING;
use crate::axes::{AXES, Phase};
use crate::node::{DocumentError, Entry, Node, Place, Value, nearest};

/// A training stack.
#[derive(Clone, Debug, PartialEq)]
pub struct StackEntry {
    /// Identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Frameworks that measurements name, of which it is a release.
    pub frameworks: Vec<String>,
    /// Pattern that the name of the release matches; any where absent.
    pub release: Option<String>,
    /// First month of the release, as `2024-07`; the first of all where absent.
    pub since: Option<String>,
    /// Speed of its attention kernels over the accelerator's law, by architecture.
    pub attention_ratio: BTreeMap<String, f64>,
    /// What its launchers take where nothing is said, by training axis.
    pub unsaid: Vec<Entry>,
    /// Sources.
    pub source: Vec<String>,
    /// Where the entry stands.
    pub place: Place,
    /// Constants in place of the defaults, by position in [`TRAINING`].
    pub constants: Own,
}

/// Keys of a `[[stack]]` table beside the constants of `systems/training.toml`.
pub const STACK_KEYS: [&str; 8] =
    ["id", "name", "frameworks", "release", "since", "attention_ratio", "unsaid", "source"];

impl StackEntry {
    /// Reads a `[[stack]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let allowed: Vec<&str> = STACK_KEYS.into_iter().chain(keys(&TRAINING)).collect();
        let fields = Fields::new(node, "this stack", &allowed)?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("the stack \"{id}\""));
        let constants = given(&fields, &TRAINING)?;
        let architectures: Vec<&str> =
            fields.any_table("attention_ratio")?.iter().map(|entry| entry.key.as_str()).collect();
        let mut attention_ratio = BTreeMap::new();
        if let Some(ratios) = fields.table("attention_ratio", &architectures)? {
            for architecture in architectures {
                attention_ratio.insert(architecture.to_owned(), ratios.required_positive(architecture)?);
            }
        }
        let unsaid = fields.any_table("unsaid")?.to_vec();
        for entry in &unsaid {
            check_axis(entry, fields.what())?;
        }
        Ok(Self {
            name: fields.required_text("name")?.to_owned(),
            frameworks: fields.texts("frameworks")?,
            release: fields.text("release")?.map(str::to_owned),
            since: fields.text("since")?.map(str::to_owned),
            attention_ratio,
            unsaid,
            source: fields.texts("source")?,
            place: fields.place().clone(),
            constants,
            id,
        })
    }

    /// Its constants; what it does not say is as in the defaults.
    #[must_use]
    pub fn system(&self, defaults: &TrainingSystem) -> TrainingSystem {
        overridden(*defaults, &TRAINING, &self.constants)
    }

    /// A row of a list.
    #[must_use]
    pub fn row_json(&self) -> serde_json::Value {
        json!({
            "id": self.id,
            "name": self.name,
            "frameworks": self.frameworks,
            "release": self.release,
            "since": self.since,
        })
    }

    /// Everything known.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let constant = |&(position, number): &(usize, f64)| (TRAINING[position].key.to_owned(), number.into());
        let constants: Map<String, serde_json::Value> = self.constants.iter().map(constant).collect();
        let unsaid: Map<String, serde_json::Value> =
            self.unsaid.iter().filter_map(|entry| Some((entry.key.clone(), plain(&entry.node.value)?))).collect();
        let mut value = self.row_json();
        let more = json!({
            "constants": constants,
            "attention_ratio": self.attention_ratio,
            "unsaid": unsaid,
            "source": self.source,
        });
        if let (serde_json::Value::Object(all), serde_json::Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    }
}

fn plain(value: &Value) -> Option<serde_json::Value> {
    match value {
        Value::Bool(flag) => Some(json!(flag)),
        Value::Integer(number) => Some(json!(number)),
        Value::Float(number) => Some(json!(number)),
        Value::String(text) => Some(json!(text)),
        Value::Array(_) | Value::Table(_) => None,
    }
}

/// What is unsaid must be an axis of training.
fn check_axis(entry: &Entry, what: &str) -> Result<(), DocumentError> {
    let axes = || AXES.iter().filter(|axis| axis.phases.contains(&Phase::Training)).map(|axis| axis.name);
    if !axes().any(|name| name == entry.key) {
        let hint = nearest(&entry.key, axes()).map_or(String::new(), |name| format!(": did you mean \"{name}\"?"));
        let message = format!("\"unsaid\" of {what} names no axis of training with \"{}\"{hint}", entry.key);
        return Err(DocumentError::new(&entry.place, message));
    }
    match &entry.node.value {
        Value::Array(_) | Value::Table(_) => {
            let message = format!("\"{}\" of \"unsaid\" of {what} must be one value of the axis", entry.key);
            Err(DocumentError::new(&entry.node.place, message))
        }
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => Ok(()),
    }
}
