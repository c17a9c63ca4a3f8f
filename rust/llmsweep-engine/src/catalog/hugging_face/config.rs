//! Typed reading of a `config.json`: the same quantity goes by several names, and null means absent.
use serde_json::{Map, Value};

use super::super::fields::MOST;
use crate::node::{DocumentError, Place};

/// The text model's part of a configuration.
pub(super) struct Config {
    fields: Map<String, Value>,
    /// What the type of model is called.
    pub(super) model_type: String,
}

/// Parts that multimodal configurations nest their text model in.
const NESTED: [&str; 4] = ["text_config", "llm_config", "language_config", "text_model"];

/// An error about the file.
pub(super) fn error(message: impl Into<String>) -> DocumentError {
    DocumentError::new(&Place::Path("config.json".to_owned()), message)
}

impl Config {
    /// Reads the text of a `config.json`.
    pub(super) fn parse(text: &str) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|cause| error(format!("this is not JSON: {cause}")))?;
        let Value::Object(mut outer) = value else {
            return Err(error("a configuration is a JSON object, like {\"model_type\": \"llama\", …}"));
        };
        let outer_type = outer.get("model_type").and_then(Value::as_str).map(str::to_owned);
        let outer_tied = outer.get("tie_word_embeddings").cloned();
        let nested = NESTED.into_iter().find_map(|key| match outer.remove(key) {
            Some(Value::Object(inner)) => Some(inner),
            _ => None,
        });
        let mut fields = nested.unwrap_or(outer);
        if let Some(tied) = outer_tied {
            fields.entry("tie_word_embeddings").or_insert(tied);
        }
        let model_type = match fields.get("model_type") {
            Some(Value::String(name)) => name.clone(),
            _ => outer_type.unwrap_or_else(|| "unknown".to_owned()),
        };
        Ok(Self { fields, model_type })
    }

    /// The first of these names that is given and not null.
    fn get(&self, names: &[&str]) -> Option<(String, &Value)> {
        names.iter().find_map(|name| {
            self.fields.get(*name).filter(|value| !value.is_null()).map(|value| ((*name).to_owned(), value))
        })
    }

    /// Whether any of these names is given and not null.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.get(names).is_some()
    }

    /// A whole number of at least 0, if given.
    pub(super) fn count(&self, names: &[&str]) -> Result<Option<u32>, DocumentError> {
        let Some((name, value)) = self.get(names) else { return Ok(None) };
        match value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= MOST) {
            Some(number) => Ok(Some(number)),
            None => Err(error(format!("\"{name}\" is \"{value}\", allowed are whole numbers from 0 to {MOST}"))),
        }
    }

    /// A whole number of at least 1 that must be given.
    pub(super) fn need(&self, names: &[&str]) -> Result<u32, DocumentError> {
        match self.count(names)? {
            Some(0) => Err(error(format!("\"{}\" is \"0\", allowed are whole numbers from 1", names[0]))),
            Some(number) => Ok(number),
            None => Err(error(format!(
                "a model of type \"{}\" needs \"{}\", which this configuration lacks",
                self.model_type,
                names.join("\" or \"")
            ))),
        }
    }

    /// True or false, if given.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, DocumentError> {
        match self.get(&[name]) {
            None => Ok(None),
            Some((_, Value::Bool(flag))) => Ok(Some(*flag)),
            Some((_, value)) => Err(error(format!("\"{name}\" is \"{value}\", allowed are true and false"))),
        }
    }

    /// Text, if given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// A list of texts, if given.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, DocumentError> {
        let Some((_, value)) = self.get(&[name]) else { return Ok(None) };
        let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        texts.map(Some).ok_or_else(|| error(format!("\"{name}\" must be a list of texts")))
    }

    /// A list of layer numbers, empty where not given.
    pub(super) fn layers(&self, name: &str) -> Result<Vec<u64>, DocumentError> {
        let Some((_, value)) = self.get(&[name]) else { return Ok(Vec::new()) };
        let numbers = value.as_array().and_then(|items| items.iter().map(Value::as_u64).collect::<Option<Vec<_>>>());
        numbers.ok_or_else(|| error(format!("\"{name}\" must be a list of layer numbers")))
    }
}
