//! A strict reader of one table: unknown keys, wrong types and impossible numbers are one sentence with their place.
use crate::node::{DocumentError, Entry, Node, Place, Value, nearest};

/// One table of a catalogue file, whose keys have all been checked against the allowed ones.
pub(crate) struct Fields<'a> {
    entries: &'a [Entry],
    place: &'a Place,
    /// What the table describes, for the sentences: `model "llama2-70b"`.
    what: String,
}

impl<'a> Fields<'a> {
    /// Reads a node as a table with these keys and no others.
    pub(crate) fn new(node: &'a Node, what: impl Into<String>, allowed: &[&str]) -> Result<Self, DocumentError> {
        let what = what.into();
        let Value::Table(entries) = &node.value else {
            return Err(DocumentError::new(
                &node.place,
                format!("{what} must be a table, not {}", describe(&node.value)),
            ));
        };
        for entry in entries {
            if !allowed.contains(&entry.key.as_str()) {
                let hint = nearest(&entry.key, allowed.iter().copied()).map_or_else(
                    || format!("allowed are {}", allowed.join(", ")),
                    |name| format!("did you mean \"{name}\"?"),
                );
                return Err(DocumentError::new(
                    &entry.place,
                    format!("unknown key \"{}\" in {what}: {hint}", entry.key),
                ));
            }
        }
        Ok(Self { entries, place: &node.place, what })
    }

    /// Names what the table describes once its id is known.
    pub(crate) fn named(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// What the table describes.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Where the table starts.
    pub(crate) fn place(&self) -> &'a Place {
        self.place
    }

    /// Where a key's value stands, or the table where there is no such key.
    pub(crate) fn place_of(&self, key: &str) -> &'a Place {
        self.node(key).map_or(self.place, |node| &node.place)
    }

    /// An error about the value of a key.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) -> DocumentError {
        DocumentError::new(self.place_of(key), message)
    }

    /// The value of a key, if there is one.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Whether the key is given.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    fn missing(&self, key: &str) -> DocumentError {
        DocumentError::new(self.place, format!("{} lacks the key \"{key}\"", self.what))
    }

    fn wrong_type(&self, key: &str, node: &Node, wanted: &str) -> DocumentError {
        let what = &self.what;
        DocumentError::new(&node.place, format!("\"{key}\" of {what} must be {wanted}, not {}", describe(&node.value)))
    }

    /// Text, if given; never empty.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, DocumentError> {
        match self.node(key) {
            None => Ok(None),
            Some(Node { value: Value::String(text), .. }) if !text.trim().is_empty() => Ok(Some(text)),
            Some(node) => Err(self.wrong_type(key, node, "text")),
        }
    }

    /// Text that must be given.
    pub(crate) fn required_text(&self, key: &str) -> Result<&'a str, DocumentError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// One of a few names, if given.
    pub(crate) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, DocumentError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint =
            nearest(text, names.iter().copied()).map_or(String::new(), |name| format!("; did you mean \"{name}\"?"));
        let message = format!("\"{key}\" of {} is \"{text}\", allowed are {}{hint}", self.what, names.join(", "));
        Err(self.error(key, message))
    }

    /// One of a few names that must be given.
    pub(crate) fn required_choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T, DocumentError> {
        self.choice(key, choices)?.ok_or_else(|| self.missing(key))
    }

    /// A list of texts, empty where not given; a single text is a list of one.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, DocumentError> {
        match self.node(key) {
            None => Ok(Vec::new()),
            Some(Node { value: Value::String(text), .. }) => Ok(vec![text.clone()]),
            Some(node @ Node { value: Value::Array(items), .. }) => items
                .iter()
                .map(|item| match &item.value {
                    Value::String(text) => Ok(text.clone()),
                    _ => Err(self.wrong_type(key, node, "a list of texts")),
                })
                .collect(),
            Some(node) => Err(self.wrong_type(key, node, "a list of texts")),
        }
    }

    /// True or false; false where not given.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, DocumentError> {
        self.flag_or(key, false)
    }

    /// True or false, with a default.
    pub(crate) fn flag_or(&self, key: &str, default: bool) -> Result<bool, DocumentError> {
        match self.node(key) {
            None => Ok(default),
            Some(Node { value: Value::Bool(flag), .. }) => Ok(*flag),
            Some(node) => Err(self.wrong_type(key, node, "true or false")),
        }
    }

    /// A whole number between two bounds, if given.
    pub(crate) fn count(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, DocumentError> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let Value::Integer(number) = node.value else {
            return Err(self.wrong_type(key, node, "a whole number"));
        };
        match u32::try_from(number) {
            Ok(count) if (least..=most).contains(&count) => Ok(Some(count)),
            _ => {
                let message = format!(
                    "\"{key}\" of {} is \"{number}\", allowed are whole numbers from {least} to {most}",
                    self.what
                );
                Err(DocumentError::new(&node.place, message))
            }
        }
    }

    /// A whole number of at least 1 that must be given.
    pub(crate) fn required_count(&self, key: &str) -> Result<u32, DocumentError> {
        self.count(key, 1, MOST)?.ok_or_else(|| self.missing(key))
    }

    /// A whole number of at least 0, 0 where not given.
    pub(crate) fn count_or_zero(&self, key: &str) -> Result<u32, DocumentError> {
        Ok(self.count(key, 0, MOST)?.unwrap_or(0))
    }

    /// A finite number above zero, if given.
    pub(crate) fn positive(&self, key: &str) -> Result<Option<f64>, DocumentError> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let Some(number) = number(node) else {
            return Err(self.wrong_type(key, node, "a number"));
        };
        if number.is_finite() && number > 0.0 {
            return Ok(Some(number));
        }
        let message = format!("\"{key}\" of {} is \"{number}\", allowed are finite numbers above 0", self.what);
        Err(DocumentError::new(&node.place, message))
    }

    /// A finite number above zero that must be given.
    pub(crate) fn required_positive(&self, key: &str) -> Result<f64, DocumentError> {
        self.positive(key)?.ok_or_else(|| self.missing(key))
    }

    /// A share above 0 and at most `most`, if given.
    pub(crate) fn share(&self, key: &str, most: f64) -> Result<Option<f64>, DocumentError> {
        match self.positive(key)? {
            Some(share) if share > most => {
                let message = format!("\"{key}\" of {} is \"{share}\", allowed are numbers up to {most}", self.what);
                Err(self.error(key, message))
            }
            share => Ok(share),
        }
    }

    /// A nested table with these keys, if given.
    pub(crate) fn table(&self, key: &str, allowed: &[&str]) -> Result<Option<Fields<'a>>, DocumentError> {
        self.node(key).map(|node| Fields::new(node, format!("\"{key}\" of {}", self.what), allowed)).transpose()
    }

    /// The entries of a nested table with keys of any name, none where it is not given.
    pub(crate) fn any_table(&self, key: &str) -> Result<&'a [Entry], DocumentError> {
        match self.node(key) {
            None => Ok(&[]),
            Some(Node { value: Value::Table(entries), .. }) => Ok(entries),
            Some(node) => Err(self.wrong_type(key, node, "a table")),
        }
    }

    /// Key, place and value of every entry, in order.
    pub(crate) fn entries(&self) -> &'a [Entry] {
        self.entries
    }
}

/// The largest count that a catalogue takes: products of three counts stay exact in an `f64`.
pub(crate) const MOST: u32 = 100_000_000;

/// A number, whole or not.
pub(crate) fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    }
}

/// A value as a sentence names it.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Bool(flag) => format!("\"{flag}\""),
        Value::Integer(number) => format!("\"{number}\""),
        Value::Float(number) => format!("\"{number}\""),
        Value::String(text) => format!("the text \"{text}\""),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}
