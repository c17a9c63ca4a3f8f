//! A document as a tree in which every value knows its place: one decoder serves TOML text and Python objects alike.
use std::fmt;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text file: name, line and column, both from 1.
    Text {
        /// The file's name as the user gave it.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
    },
    /// In an object: the path of keys that leads to it (`axes.tensor_parallel[2]`).
    Path(String),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { file, line, column } => write!(formatter, "{file}:{line}:{column}"),
            Self::Path(path) => formatter.write_str(path),
        }
    }
}

/// A value without its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; may be infinite or NaN, which decoders refuse.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// A table, in the document's order.
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// Its value.
    pub node: Node,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What is wrong with a document, in one sentence that starts with the place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct DocumentError {
    /// Where.
    pub place: Place,
    /// What: the value in quotes, what is allowed, the nearest name.
    pub message: String,
}

impl DocumentError {
    /// An error at a place.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into() }
    }
}

/// The allowed name nearest to a wrong one, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    allowed
        .into_iter()
        .map(|name| {
            let known = name.to_lowercase();
            // A name cut short, as people say it, is nearer than one with other letters.
            (!wrong.is_empty() && known.starts_with(&wrong), strsim::jaro_winkler(&wrong, &known), name)
        })
        .filter(|(begins, score, _)| *begins || *score > 0.75)
        .max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)))
        .map(|(_, _, name)| name)
}
