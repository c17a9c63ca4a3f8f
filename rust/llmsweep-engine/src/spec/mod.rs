//! The specification of a sweep, decoded and checked: what to vary, what to demand, what to look for.
//!
//! [`Spec::decode`] reads a [`Node`] tree, so that TOML text and Python objects get the same checks and the same sentences.
//! It finds every mistake it can and reports the first in the document's order; what is missing comes last, because a
//! misspelt key is both unknown and missing, and the former is the better answer.
mod axis;
mod names;
mod objective;
mod operations;
mod range;
mod report;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod workload;

use std::collections::BTreeMap;
use std::fmt;

pub use names::Names;
pub use objective::{Constraint, ParetoSpec};
pub use schema::json_schema;
pub use search::Search;

use crate::axes::{AXES, Axis, Phase};
use crate::node::{DocumentError, Entry, Node, Place, Value};
use names::Vocabulary;
use report::{Report, entries, find, found, shown, text, unknown};

/// The version of the specification's format that this engine reads.
pub const SCHEMA: i64 = 1;

/// Values on one axis, at most.
pub const VALUES_LIMIT: usize = 100_000;

/// Keys at the top of a specification.
const ROOT_KEYS: [&str; 16] = [
    "schema",
    "phase",
    "name",
    "description",
    "axes",
    "workload",
    "constraints",
    "pareto",
    "prices",
    "operations",
    "search",
    "model",
    "accelerator",
    "network",
    "stack",
    "engine",
];

/// Those that hold for rows whatever the axes are.
const SURROUNDINGS: [&str; 8] =
    ["prices", "operations", "search", "model", "accelerator", "network", "stack", "engine"];

/// One value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum AxisValue {
    /// A name of the catalogue, or one of the axis's choices.
    Name(String),
    /// A whole number.
    Integer(u64),
    /// A finite number of at least zero.
    Number(f64),
    /// true or false.
    Bool(bool),
}

impl fmt::Display for AxisValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Bool(flag) => write!(formatter, "{flag}"),
        }
    }
}

/// An axis and the values that a sweep takes on it, at least one, each once.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValues {
    /// The axis.
    pub axis: &'static Axis,
    /// Its values, in the order of the specification.
    pub values: Vec<AxisValue>,
    /// Where the specification gives them; absent where it is silent and the axis takes its fallback.
    pub place: Option<Place>,
}

/// A specification, checked: every name in it exists, every number is in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Training or inference.
    pub phase: Phase,
    /// The sweep's name.
    pub name: Option<String>,
    /// What the sweep is for.
    pub description: Option<String>,
    /// Every axis of the phase in the registry's order.
    pub axes: Vec<AxisValues>,
    /// Bounds that a row must keep.
    pub constraints: Vec<Constraint>,
    /// What makes a row worth having.
    pub pareto: ParetoSpec,
    /// USD per device-hour by accelerator, in place of the catalogue's prices.
    pub prices: BTreeMap<String, f64>,
    /// Position in [`OPERATIONS`](crate::catalog::operations::OPERATIONS) and value of constants in place of the catalogue's.
    pub operations: Vec<(usize, f64)>,
    /// What decides on the number of replicas.
    pub search: Search,
    /// `[[model]]` tables, for the catalogue to decode; each has an `id`.
    pub models: Vec<Node>,
    /// `[[accelerator]]` tables.
    pub accelerators: Vec<Node>,
    /// `[[network]]` tables.
    pub networks: Vec<Node>,
    /// `[[stack]]` tables.
    pub stacks: Vec<Node>,
    /// Its own `[[engine]]` tables.
    pub engines: Vec<Node>,
}

impl Spec {
    /// Decodes and checks a specification; `names` are those of the catalogue.
    ///
    /// # Errors
    /// The first mistake in the document's order.
    pub fn decode(root: &Node, names: &dyn Names) -> Result<Self, DocumentError> {
        Self::decode_as(root, names, Rows::Product)
    }

    /// Decodes a specification whose rows are listed one by one: its axes and their product may be of any size.
    ///
    /// # Errors
    /// The first mistake in the document's order.
    pub fn decode_listed(root: &Node, names: &dyn Names) -> Result<Self, DocumentError> {
        Self::decode_as(root, names, Rows::Listed)
    }

    /// What of a specification holds for rows that a table lists: prices, operations, search and entries of its own. It need not be whole.
    ///
    /// # Errors
    /// A key that no specification has, or another phase.
    pub fn surroundings(root: &Node, phase: Phase) -> Result<Vec<Entry>, DocumentError> {
        let mut report = Report::default();
        let top = entries(root, "a specification")?;
        for entry in top {
            check_root_key(entry, &mut report);
        }
        if let Some(Entry { node, .. }) = find(top, "phase")
            && node.value != Value::String(phase.name().to_owned())
        {
            report.wrong(
                &node.place,
                format!("phase must be \"{}\", as that of the table, not {}", phase.name(), found(node)),
            );
        }
        if !report.is_empty() {
            return Err(report.first(&root.place));
        }
        Ok(top.iter().filter(|entry| SURROUNDINGS.contains(&entry.key.as_str())).cloned().collect())
    }

    fn decode_as(root: &Node, names: &dyn Names, rows: Rows) -> Result<Self, DocumentError> {
        let mut report = Report::default();
        let top = entries(root, "a specification")?;
        for entry in top {
            check_root_key(entry, &mut report);
        }
        check_schema(root, top, &mut report);
        let Some(phase) = phase(root, top, &mut report) else { return Err(report.first(&root.place)) };

        let mut vocabulary = Vocabulary::new(names);
        let models = vocabulary.models.take_inline("model", find(top, "model"), &mut report);
        let accelerators = vocabulary.accelerators.take_inline("accelerator", find(top, "accelerator"), &mut report);
        let networks = vocabulary.networks.take_inline("network", find(top, "network"), &mut report);
        let stacks = vocabulary.stacks.take_inline("stack", find(top, "stack"), &mut report);
        let engines = vocabulary.engines.take_inline("engine", find(top, "engine"), &mut report);

        let spec = Self {
            phase,
            name: find(top, "name").and_then(|entry| text(entry, &mut report)),
            description: find(top, "description").and_then(|entry| text(entry, &mut report)),
            axes: axis::decode(phase, root, top, &vocabulary, rows, &mut report),
            constraints: objective::constraints(phase, find(top, "constraints"), &mut report),
            pareto: objective::pareto(phase, find(top, "pareto"), &mut report),
            prices: prices(find(top, "prices"), &vocabulary, &mut report),
            operations: operations::decode(find(top, "operations"), &mut report),
            search: search::decode(phase, top, &mut report),
            models,
            accelerators,
            networks,
            stacks,
            engines,
        };
        if rows == Rows::Product {
            workload::check(&spec.axes, &mut report);
            axis::check_product(&spec.axes, root, top, &mut report);
        }
        if report.is_empty() { Ok(spec) } else { Err(report.first(&root.place)) }
    }

    /// Whether the specification brings entries that the catalogue lacks.
    #[must_use]
    pub fn has_own_entries(&self) -> bool {
        let own = [&self.models, &self.accelerators, &self.networks, &self.stacks, &self.engines];
        own.iter().any(|tables| !tables.is_empty())
    }

    /// The number of rows of the sweep: the product of the axes' lengths.
    #[must_use]
    pub fn configurations(&self) -> u64 {
        self.axes.iter().map(|axis| axis.values.len() as u64).product()
    }
}

/// How a specification's axes make rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Every combination of values is a row.
    Product,
    /// Rows name the combinations themselves.
    Listed,
}

fn check_root_key(entry: &Entry, report: &mut Report) {
    let key = entry.key.as_str();
    if ROOT_KEYS.contains(&key) {
        return;
    }
    if AXES.iter().any(|axis| axis.name == key) {
        report.wrong(&entry.place, format!("\"{key}\" is an axis: write it under [axes]"));
    } else {
        report.wrong(&entry.place, unknown("key", key, &ROOT_KEYS));
    }
}

fn check_schema(root: &Node, top: &[Entry], report: &mut Report) {
    match find(top, "schema").map(|entry| &entry.node) {
        None => report.missing(&root.place, format!("the key \"schema\" is missing: write schema = {SCHEMA}")),
        Some(node) if node.value == Value::Integer(SCHEMA) => {}
        Some(node) => {
            report.wrong(&node.place, format!("schema must be {SCHEMA}, the only version, not {}", found(node)));
        }
    }
}

fn phase(root: &Node, top: &[Entry], report: &mut Report) -> Option<Phase> {
    let Some(Entry { node, .. }) = find(top, "phase") else {
        let message = "the key \"phase\" is missing: write phase = \"training\" or phase = \"inference\"";
        report.missing(&root.place, message);
        return None;
    };
    let names = Phase::ALL.map(Phase::name);
    let Value::String(name) = &node.value else {
        report.wrong(&node.place, format!("phase must be one of {}, not {}", names.join(", "), found(node)));
        return None;
    };
    let phase = Phase::ALL.into_iter().find(|phase| phase.name() == name);
    if phase.is_none() {
        report.wrong(&node.place, unknown("phase", name, &names));
    }
    phase
}

fn prices(section: Option<&Entry>, vocabulary: &Vocabulary, report: &mut Report) -> BTreeMap<String, f64> {
    let mut prices = BTreeMap::new();
    let Some(section) = report.section(section, "[prices]") else { return prices };
    for Entry { key, place, node } in section {
        if !vocabulary.accelerators.contains(key) {
            report.wrong(place, unknown("accelerator", key, &vocabulary.accelerators.names()));
        }
        let price = match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        };
        match price.filter(|price| price.is_finite() && *price >= 0.0) {
            Some(price) => _ = prices.insert(key.clone(), price),
            None => report.wrong(
                &node.place,
                format!(
                    "the price of \"{}\" must be USD per device-hour, a finite number of at least 0, not {}",
                    shown(key),
                    found(node)
                ),
            ),
        }
    }
    prices
}
