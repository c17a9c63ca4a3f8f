//! Names of the catalogue, those that the specification adds, and globs over both.
use super::report::{Report, find, found, instead, shown, unknown};
use crate::node::{Entry, Node, Place, Value};

/// The names that a catalogue knows, each list in the catalogue's order.
pub trait Names {
    /// Ids of the models.
    fn models(&self) -> Vec<&str>;
    /// Ids of the accelerators.
    fn accelerators(&self) -> Vec<&str>;
    /// Ids of the networks.
    fn networks(&self) -> Vec<&str>;
    /// Ids of the training stacks.
    fn stacks(&self) -> Vec<&str>;
    /// Ids of the serving engines.
    fn engines(&self) -> Vec<&str>;
}

/// Every name that a specification may use.
pub(super) struct Vocabulary {
    pub(super) models: Kind,
    pub(super) accelerators: Kind,
    pub(super) networks: Kind,
    pub(super) stacks: Kind,
    pub(super) engines: Kind,
}

impl Vocabulary {
    pub(super) fn new(names: &dyn Names) -> Self {
        Self {
            models: Kind::new(names.models()),
            accelerators: Kind::new(names.accelerators()),
            networks: Kind::new(names.networks()),
            stacks: Kind::new(names.stacks()),
            engines: Kind::new(names.engines()),
        }
    }
}

/// The names of one kind: the catalogue's, then the specification's own.
pub(super) struct Kind(Vec<String>);

impl Kind {
    fn new(names: Vec<&str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Adds the ids of the specification's own tables of this kind, and gives the tables back for the catalogue to decode.
    /// A table may have the id of a catalogue entry, which it then replaces.
    pub(super) fn take_inline(&mut self, kind: &str, entry: Option<&Entry>, report: &mut Report) -> Vec<Node> {
        let Some(Entry { node, .. }) = entry else { return Vec::new() };
        let Value::Array(tables) = &node.value else {
            let message = format!(
                "{kind} must be [[{kind}]] tables, not {}: to choose what is swept, write {kind} under [axes]",
                found(node)
            );
            report.wrong(&node.place, message);
            return Vec::new();
        };
        let mut ids: Vec<(&str, &Place)> = Vec::new();
        for table in tables {
            let Value::Table(fields) = &table.value else {
                let message = format!("each [[{kind}]] must be a table, not {}", found(table));
                report.wrong(&table.place, message);
                continue;
            };
            let Some(Entry { node, .. }) = find(fields, "id") else {
                report.wrong(&table.place, format!("this [[{kind}]] has no \"id\": write id = \"…\""));
                continue;
            };
            let Value::String(id) = &node.value else {
                report.wrong(&node.place, format!("id must be text, not {}", found(node)));
                continue;
            };
            if id.is_empty() || is_glob(id) || (has_default(kind) && id == "default") {
                let reserved = if has_default(kind) { ", nor be \"default\"" } else { "" };
                let message =
                    format!("\"{}\" can't be an id: it must not be empty nor hold * or ?{reserved}", shown(id));
                report.wrong(&node.place, message);
            } else if let Some((_, first)) = ids.iter().find(|(known, _)| known == id) {
                let message = format!("the {kind} \"{}\" is given twice, first at {first}", shown(id));
                report.wrong(&node.place, message);
            } else {
                ids.push((id, &node.place));
                if !self.contains(id) {
                    self.0.push(id.clone());
                }
            }
        }
        tables.clone()
    }

    /// The names that a name or glob stands for; never none.
    pub(super) fn resolve(&self, kind: &str, pattern: &str) -> Result<Vec<&str>, String> {
        let matching: Vec<&str> = if is_glob(pattern) {
            self.names().into_iter().filter(|name| matches(pattern, name)).collect()
        } else {
            self.names().into_iter().filter(|name| *name == pattern).take(1).collect()
        };
        match matching.is_empty() {
            false => Ok(matching),
            true if is_glob(pattern) => {
                Err(format!("no {kind} matches \"{}\"{}", shown(pattern), instead(pattern, &self.names())))
            }
            true => {
                let default = has_default(kind).then_some("default");
                Err(unknown(kind, pattern, &default.into_iter().chain(self.names()).collect::<Vec<_>>()))
            }
        }
    }
}

/// Whether an axis takes "default" beside the ids of a kind.
fn has_default(kind: &str) -> bool {
    matches!(kind, "network" | "stack")
}

/// Whether a name is a glob: `*` stands for any characters, `?` for one.
pub(super) fn is_glob(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether a glob matches a whole name.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut position) = (0, 0);
    // The last star seen and where its match may end; a mismatch lets it swallow one character more.
    let mut star: Option<(usize, usize)> = None;
    while position < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(one) if *one == '?' || *one == name[position] => {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((star_at, end)) = star else { return false };
                star = Some((star_at, end + 1));
                at = star_at + 1;
                position = end + 1;
            }
        }
    }
    pattern[at..].iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("h*", "h100-sxm-80", true),
            ("h*", "gh200", false),
            ("*", "", true),
            ("*80", "h100-sxm-80", true),
            ("a??", "a100", false),
            ("a???", "a100", true),
            ("*-*-80", "a-b-c-80", true),
            ("*-sxm", "h100-sxm-80", false),
            ("mi300?", "mi300x", true),
            ("?", "é", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }
}
