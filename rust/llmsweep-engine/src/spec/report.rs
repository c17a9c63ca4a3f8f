//! What is wrong with a specification, and the sentences that say so.
use crate::node::{DocumentError, Entry, Node, Place, Value, nearest};

/// Names that an error lists, at most.
const LISTED: usize = 40;

/// Mistakes found so far.
#[derive(Default)]
pub(super) struct Report {
    wrong: Vec<DocumentError>,
    missing: Vec<DocumentError>,
}

impl Report {
    /// Notes something that is there and wrong.
    pub(super) fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.wrong.push(DocumentError::new(place, message));
    }

    /// Notes something that should be there and is not, or that only the whole document shows.
    pub(super) fn missing(&mut self, place: &Place, message: impl Into<String>) {
        self.missing.push(DocumentError::new(place, message));
    }

    /// The value of a result; an error is noted.
    pub(super) fn keep<T>(&mut self, result: Result<T, DocumentError>) -> Option<T> {
        result.map_err(|error| self.wrong.push(error)).ok()
    }

    /// The entries of a section, if it is there and a table.
    pub(super) fn section<'a>(&mut self, section: Option<&'a Entry>, what: &str) -> Option<&'a [Entry]> {
        self.keep(entries(&section?.node, what))
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.wrong.is_empty() && self.missing.is_empty()
    }

    /// The first mistake in the document's order; objects have none but the order in which they were read.
    pub(super) fn first(self, root: &Place) -> DocumentError {
        let position = |error: &DocumentError| match error.place {
            Place::Text { line, column, .. } => (line, column),
            Place::Path(_) => (0, 0),
        };
        let first = self.wrong.into_iter().min_by_key(position).or_else(|| self.missing.into_iter().next());
        first.unwrap_or_else(|| DocumentError::new(root, "the specification is wrong"))
    }
}

/// The entries of a table.
pub(super) fn entries<'a>(node: &'a Node, what: &str) -> Result<&'a [Entry], DocumentError> {
    match &node.value {
        Value::Table(entries) => Ok(entries),
        _ => Err(DocumentError::new(&node.place, format!("{what} must be a table, not {}", found(node)))),
    }
}

/// The entry of a key.
pub(super) fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// The text of an entry that must be text.
pub(super) fn text(entry: &Entry, report: &mut Report) -> Option<String> {
    let Value::String(text) = &entry.node.value else {
        report.wrong(&entry.node.place, format!("{} must be text, not {}", entry.key, found(&entry.node)));
        return None;
    };
    Some(text.clone())
}

/// The text as an error may quote it: on one line, and not long.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// A value as an error names it.
pub(super) fn found(node: &Node) -> String {
    match &node.value {
        Value::Bool(flag) => format!("\"{flag}\""),
        Value::Integer(number) => format!("\"{number}\""),
        Value::Float(number) if number.is_nan() => "\"nan\"".to_owned(),
        Value::Float(number) => format!("\"{number:?}\""),
        Value::String(text) => format!("the text \"{}\"", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// The sentence on a name that does not exist.
pub(super) fn unknown(what: &str, name: &str, allowed: &[&str]) -> String {
    format!("unknown {what} \"{}\"{}", shown(name), instead(name, allowed))
}

/// How that sentence ends: the nearest name, and those allowed. Of a whole catalogue the nearest tells more than a long list.
pub(super) fn instead(name: &str, allowed: &[&str]) -> String {
    match nearest(name, allowed.iter().copied()) {
        Some(meant) if allowed.len() > LISTED => format!("; did you mean \"{meant}\"?; {} are allowed", allowed.len()),
        Some(meant) => format!("; did you mean \"{meant}\"?; allowed: {}", listed(allowed)),
        None => format!("; allowed: {}", listed(allowed)),
    }
}

/// Names in a row, cut where there are too many to read.
pub(super) fn listed(names: &[&str]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count if count > LISTED => format!("{}, … ({count} in all)", names[..LISTED].join(", ")),
        _ => names.join(", "),
    }
}
