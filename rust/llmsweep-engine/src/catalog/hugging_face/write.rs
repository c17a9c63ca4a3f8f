//! The text of a catalogue entry, line by line in the order of the shipped files.
use std::fmt::Write as _;

use llmsweep_model::arch::{LayerKind, MixerKind, MlpKind};

/// An entry being written.
pub(super) struct Draft {
    lines: String,
    remarks: Vec<String>,
}

impl Draft {
    /// Begins the entry of a model.
    pub(super) fn new(id: &str, model_type: &str) -> Self {
        let mut draft = Self { lines: "[[model]]\n".to_owned(), remarks: Vec::new() };
        draft.text("id", id);
        draft.text("name", id);
        draft.text("family", model_type);
        draft
    }

    /// A key whose value is already TOML.
    pub(super) fn raw(&mut self, key: &str, value: impl AsRef<str>) {
        self.lines.extend([key, " = ", value.as_ref(), "\n"]);
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.raw(key, quoted(value));
    }

    /// A count.
    pub(super) fn count(&mut self, key: &str, value: u32) {
        self.raw(key, value.to_string());
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.raw(key, value.to_string());
    }

    /// A flag that is written only where it is set.
    pub(super) fn set(&mut self, key: &str, value: bool) {
        if value {
            self.flag(key, true);
        }
    }

    /// Norms in a layer, written only where they are not 2.
    pub(super) fn norms_per_layer(&mut self, norms: u32) {
        if norms != 2 {
            self.count("norms_per_layer", norms);
        }
    }

    /// A remark for the note.
    pub(super) fn remark(&mut self, remark: &str) {
        self.remarks.push(remark.to_owned());
    }

    /// The whole entry.
    pub(super) fn finish(mut self) -> String {
        self.raw("source", "[\"config.json\"]");
        if !self.remarks.is_empty() {
            let note = self.remarks.join("; ");
            self.text("note", &note);
        }
        self.lines
    }
}

/// An inline table being written.
pub(super) struct Inline(Vec<String>);

impl Inline {
    /// Begins a table of a kind.
    pub(super) fn of_kind(kind: &str) -> Self {
        Self(vec![format!("kind = \"{kind}\"")])
    }

    /// Begins a table without a kind.
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// A count.
    pub(super) fn count(mut self, key: &str, value: u32) -> Self {
        self.0.push(format!("{key} = {value}"));
        self
    }

    /// A count that is written only above its default.
    pub(super) fn count_above(self, default: u32, key: &str, value: u32) -> Self {
        if value > default { self.count(key, value) } else { self }
    }

    /// True or false.
    pub(super) fn flag(mut self, key: &str, value: bool) -> Self {
        self.0.push(format!("{key} = {value}"));
        self
    }

    /// A flag that is written only where it is set.
    pub(super) fn set(self, key: &str, value: bool) -> Self {
        if value { self.flag(key, true) } else { self }
    }

    /// A table within.
    pub(super) fn table(mut self, key: &str, inner: Self) -> Self {
        self.0.push(format!("{key} = {}", inner.finish()));
        self
    }

    /// The table's text.
    pub(super) fn finish(self) -> String {
        format!("{{ {} }}", self.0.join(", "))
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for symbol in text.chars() {
        match symbol {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            control if control.is_control() => {
                let code = u32::from(control);
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{code:04X}");
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// Every layer by name: `["linear moe", …]`.
pub(super) fn sequence(kinds: &[LayerKind]) -> String {
    let names: Vec<String> = kinds
        .iter()
        .map(|kind| {
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
            format!("    \"{mixer} {mlp}\",\n")
        })
        .collect();
    format!("[\n{}]", names.concat())
}
