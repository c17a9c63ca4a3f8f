//! `[constraints]` and `[pareto]`: what a row must keep, and what makes it worth having.
use super::report::{Report, entries, find, found, instead, shown, unknown};
use crate::axes::{AXES, Domain, Phase};
use crate::columns::{COLUMNS, Kind};
use crate::node::{Entry, Node, Place, Value};

/// Keys of `[pareto]`.
const PARETO_KEYS: [&str; 4] = ["minimize", "maximize", "by", "distinct"];

/// A bound on a column; rows outside it are not feasible.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    /// The column, numeric.
    pub column: &'static str,
    /// Smallest value allowed, in the column's unit.
    pub min: Option<f64>,
    /// Largest value allowed.
    pub max: Option<f64>,
    /// Where the specification demands it.
    pub place: Place,
}

/// What makes a row worth having.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoSpec {
    /// Columns of which less is better.
    pub minimize: Vec<&'static str>,
    /// Columns of which more is better.
    pub maximize: Vec<&'static str>,
    /// Columns whose values each have a front of their own.
    pub by: Vec<&'static str>,
    /// Whether of rows equal in every objective only the first stays.
    pub distinct: bool,
}

impl ParetoSpec {
    /// What a specification looks for that does not say.
    #[must_use]
    pub fn of_phase(phase: Phase) -> Self {
        let (minimize, maximize) = match phase {
            Phase::Training => (vec!["time_to_train_s", "cost_usd"], vec![]),
            Phase::Inference => (vec!["usd_per_million_tokens"], vec!["tokens_per_s_per_user"]),
        };
        Self { minimize, maximize, by: vec!["model"], distinct: false }
    }
}

/// A column, axes included, as far as this file cares. Results come first: they are what one bounds and optimises.
struct Candidate {
    name: &'static str,
    phases: &'static [Phase],
    numeric: bool,
    groups: bool,
}

fn candidates() -> impl Iterator<Item = Candidate> {
    let axes = AXES.iter().map(|axis| Candidate {
        name: axis.name,
        phases: axis.phases,
        numeric: axis.domain.is_numeric(),
        groups: matches!(axis.domain, Domain::Integer { .. })
            || !(axis.domain.is_numeric() || axis.domain == Domain::Bool),
    });
    let results = COLUMNS.iter().map(|column| Candidate {
        name: column.name,
        phases: column.phases,
        numeric: matches!(column.kind, Kind::Number | Kind::Count),
        groups: false,
    });
    results.chain(axes)
}

/// Names of the columns of a phase that are numbers.
pub(super) fn numeric_columns(phase: Phase) -> Vec<&'static str> {
    candidates().filter(|column| column.numeric && column.phases.contains(&phase)).map(|column| column.name).collect()
}

/// Names of the columns of a phase by which rows can be grouped: axes of names or whole numbers.
pub(super) fn group_columns(phase: Phase) -> Vec<&'static str> {
    candidates().filter(|column| column.groups && column.phases.contains(&phase)).map(|column| column.name).collect()
}

/// The column of a name among those allowed; `not` ends the sentence on one that is not of their kind.
fn column(phase: Phase, name: &str, allowed: &[&'static str], not: &str) -> Result<&'static str, String> {
    if let Some(found) = allowed.iter().find(|column| **column == name) {
        return Ok(found);
    }
    match candidates().find(|column| column.name == name) {
        Some(column) if column.phases.contains(&phase) => Err(format!("\"{name}\" {not}{}", instead("", allowed))),
        Some(column) => {
            let elsewhere: Vec<_> = column.phases.iter().map(|phase| phase.name()).collect();
            let (phase, elsewhere) = (phase.name(), elsewhere.join("\", \""));
            Err(format!("\"{name}\" is not a column of phase \"{phase}\", only of phase \"{elsewhere}\""))
        }
        None => Err(unknown("column", name, allowed)),
    }
}

/// The bounds of `[constraints]`.
pub(super) fn constraints(phase: Phase, section: Option<&Entry>, report: &mut Report) -> Vec<Constraint> {
    let allowed = numeric_columns(phase);
    let mut constraints = Vec::new();
    for entry in report.section(section, "[constraints]").unwrap_or_default() {
        match column(phase, &entry.key, &allowed, "can't be bounded, because it is not a number") {
            Ok(column) => constraints.extend(constraint(column, entry, report)),
            Err(message) => report.wrong(&entry.place, message),
        }
    }
    constraints
}

fn constraint(column: &'static str, entry: &Entry, report: &mut Report) -> Option<Constraint> {
    let node = &entry.node;
    let Value::Table(bounds) = &node.value else {
        let example = match node.value {
            Value::Integer(_) | Value::Float(_) => format!(": write {column} = {{ max = {} }}", plain(node)),
            _ => String::new(),
        };
        let message = format!("{column} must be {{ min = … }}, {{ max = … }} or both, not {}{example}", found(node));
        report.wrong(&node.place, message);
        return None;
    };
    if bounds.is_empty() {
        report.wrong(&node.place, format!("{column} has no bound: write {{ min = … }}, {{ max = … }} or both"));
        return None;
    }
    let mut constraint = Constraint { column, min: None, max: None, place: entry.place.clone() };
    for Entry { key, place, node } in bounds {
        let bound = match key.as_str() {
            "min" => &mut constraint.min,
            "max" => &mut constraint.max,
            _ => {
                report.wrong(place, unknown("key", key, &["min", "max"]));
                continue;
            }
        };
        *bound = match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            _ => {
                report.wrong(&node.place, format!("{key} of {column} must be a finite number, not {}", found(node)));
                continue;
            }
        };
    }
    if let (Some(min), Some(max)) = (constraint.min, constraint.max)
        && min > max
    {
        report.wrong(&node.place, format!("{column} allows nothing: its min \"{min}\" is above its max \"{max}\""));
    }
    Some(constraint)
}

fn plain(node: &Node) -> String {
    found(node).trim_matches('"').to_owned()
}

/// The objectives of `[pareto]`. Where it names none in either direction, the phase's own stand; where it names some in
/// one, there are none in the other.
pub(super) fn pareto(phase: Phase, section: Option<&Entry>, report: &mut Report) -> ParetoSpec {
    let mut pareto = ParetoSpec::of_phase(phase);
    let Some(section) = section else { return pareto };
    let Some(keys) = report.keep(entries(&section.node, "[pareto]")) else { return pareto };
    for entry in keys.iter().filter(|entry| !PARETO_KEYS.contains(&entry.key.as_str())) {
        report.wrong(&entry.place, unknown("key", &entry.key, &PARETO_KEYS));
    }

    let numeric = numeric_columns(phase);
    let minimize = find(keys, "minimize")
        .map(|entry| columns(phase, entry, &numeric, "can't be minimized, because it is not a number", report));
    let maximize = find(keys, "maximize")
        .map(|entry| columns(phase, entry, &numeric, "can't be maximized, because it is not a number", report));
    if minimize.is_some() || maximize.is_some() {
        let (minimize, maximize) = (minimize.unwrap_or_default(), maximize.unwrap_or_default());
        if let Some((name, place)) = maximize.iter().find(|(name, _)| minimize.iter().any(|(other, _)| other == name)) {
            report.wrong(place, format!("\"{name}\" can't be both minimized and maximized"));
        }
        if minimize.is_empty() && maximize.is_empty() {
            report.missing(&section.place, "[pareto] has no objective: name a column in minimize or maximize");
        }
        pareto.minimize = minimize.into_iter().map(|(name, _)| name).collect();
        pareto.maximize = maximize.into_iter().map(|(name, _)| name).collect();
    }
    if let Some(entry) = find(keys, "by") {
        let not = "can't group rows, because it is not an axis of names or whole numbers";
        let by = columns(phase, entry, &group_columns(phase), not, report);
        pareto.by = by.into_iter().map(|(name, _)| name).collect();
    }
    if let Some(Entry { node, .. }) = find(keys, "distinct") {
        match node.value {
            Value::Bool(flag) => pareto.distinct = flag,
            _ => report.wrong(&node.place, format!("distinct must be true or false, not {}", found(node))),
        }
    }
    pareto
}

/// The columns that a list, or a single name, gives, each with its place.
fn columns<'a>(
    phase: Phase,
    entry: &'a Entry,
    allowed: &[&'static str],
    not: &str,
    report: &mut Report,
) -> Vec<(&'static str, &'a Place)> {
    let items = match &entry.node.value {
        Value::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.node),
    };
    let mut columns: Vec<(&'static str, &Place)> = Vec::new();
    for item in items {
        let found = match &item.value {
            Value::String(name) => column(phase, name, allowed, not),
            _ => Err(format!("{} must be a list of columns, not {}", entry.key, found(item))),
        };
        match found {
            Ok(name) => match columns.iter().find(|(known, _)| *known == name) {
                Some((_, first)) => {
                    let message = format!("{} has the column \"{}\" twice, first at {first}", entry.key, shown(name));
                    report.wrong(&item.place, message);
                }
                None => columns.push((name, &item.place)),
            },
            Err(message) => report.wrong(&item.place, message),
        }
    }
    columns
}
