//! `[axes]` and `[workload]`: the values of every axis of the phase.
use std::collections::{BTreeMap, HashMap};

use super::names::{Vocabulary, is_glob};
use super::report::{Report, find, found, unknown};
use super::{AxisValue, AxisValues, Rows, VALUES_LIMIT, range};
use crate::axes::{AXES, Axis, Domain, Fallback, Phase, SAME, of_phase};
use crate::columns;
use crate::lengths;
use crate::node::{DocumentError, Entry, Node, Place, Value};

/// The two sections that hold axes.
#[derive(Clone, Copy, PartialEq)]
enum Section {
    Axes,
    Workload,
}

impl Section {
    const fn key(self) -> &'static str {
        match self {
            Self::Axes => "axes",
            Self::Workload => "workload",
        }
    }
}

/// Every axis of the phase with its values, in the registry's order.
pub(super) fn decode(
    phase: Phase,
    root: &Node,
    top: &[Entry],
    vocabulary: &Vocabulary,
    rows: Rows,
    report: &mut Report,
) -> Vec<AxisValues> {
    let mut given: BTreeMap<&'static str, (&Place, Vec<AxisValue>)> = BTreeMap::new();
    for section in [Section::Axes, Section::Workload] {
        let what = format!("[{}]", section.key());
        for entry in report.section(find(top, section.key()), &what).unwrap_or_default() {
            let axis = match lookup(section, phase, &entry.key) {
                Ok(axis) => axis,
                Err(message) => {
                    report.wrong(&entry.place, message);
                    continue;
                }
            };
            if let Some((first, _)) = given.get(axis.name) {
                let (earlier, later) = in_order(first, &entry.place);
                report.wrong(later, format!("the axis \"{}\" is given twice, first at {earlier}", axis.name));
                continue;
            }
            let values = values(axis, &entry.node, vocabulary, rows, report);
            given.insert(axis.name, (&entry.place, values));
        }
    }

    let axes_place = find(top, "axes").map_or(&root.place, |entry| &entry.place);
    let mut axes = Vec::new();
    for axis in of_phase(phase) {
        axes.push(match given.remove(axis.name) {
            Some((place, values)) => AxisValues { axis, values, place: Some(place.clone()) },
            None => AxisValues { axis, values: fallback(axis, phase, axes_place, report), place: None },
        });
    }
    axes
}

/// Refuses axes whose product does not fit a row number.
pub(super) fn check_product(axes: &[AxisValues], root: &Node, top: &[Entry], report: &mut Report) {
    let configurations = axes.iter().try_fold(1_u64, |product, axis| product.checked_mul(axis.values.len() as u64));
    if configurations.is_none() {
        let message = format!("the axes make more than {} configurations: shorten some", grouped(u64::MAX));
        report.missing(find(top, "axes").map_or(&root.place, |entry| &entry.place), message);
    }
}

/// Of two places the one that a reader meets first, then the other.
fn in_order<'a>(one: &'a Place, other: &'a Place) -> (&'a Place, &'a Place) {
    match (one, other) {
        (Place::Text { line, column, .. }, Place::Text { line: other_line, column: other_column, .. })
            if (line, column) > (other_line, other_column) =>
        {
            (other, one)
        }
        _ => (one, other),
    }
}

fn lookup(section: Section, phase: Phase, key: &str) -> Result<&'static Axis, String> {
    // `accelerator.hbm_bandwidth_scale` says what it scales; the prefix adds nothing.
    let name = key.strip_prefix("accelerator.").filter(|rest| rest.ends_with("_scale")).unwrap_or(key);
    let allowed = |axis: &&Axis| section == Section::Axes || axis.workload;
    let Some(axis) = AXES.iter().find(|axis| axis.name == name) else {
        if columns::of_phase(phase).any(|column| column.name == name) {
            return Err(format!("\"{name}\" is a result, not an axis: bound it under [constraints]"));
        }
        if key == lengths::KEY {
            return Err(format!("\"{key}\" is no axis: write it under [workload] of phase \"inference\""));
        }
        let mut names: Vec<&str> = of_phase(phase).filter(allowed).map(|axis| axis.name).collect();
        if section == Section::Workload && phase == Phase::Inference {
            names.push(lengths::KEY);
        }
        return Err(unknown("key", key, &names));
    };
    if !axis.phases.contains(&phase) {
        let elsewhere: Vec<_> = axis.phases.iter().map(|phase| phase.name()).collect();
        return Err(format!(
            "\"{name}\" is not an axis of phase \"{}\", only of phase \"{}\"",
            phase.name(),
            elsewhere.join("\", \"")
        ));
    }
    if !allowed(&axis) {
        return Err(format!("\"{name}\" is no property of the workload: write it under [axes]"));
    }
    Ok(axis)
}

fn fallback(axis: &Axis, phase: Phase, place: &Place, report: &mut Report) -> Vec<AxisValue> {
    match axis.fallback {
        Fallback::Required => {
            let sections = if axis.workload { "[axes] or [workload]" } else { "[axes]" };
            let message =
                format!("the axis \"{}\" is missing: phase \"{}\" needs it in {sections}", axis.name, phase.name());
            report.missing(place, message);
            Vec::new()
        }
        Fallback::Name(name) => vec![AxisValue::Name(name.to_owned())],
        Fallback::Integer(number) => vec![AxisValue::Integer(number)],
        Fallback::Number(number) => vec![AxisValue::Number(number)],
        Fallback::Bool(flag) => vec![AxisValue::Bool(flag)],
    }
}

/// What an axis takes, to follow "must be".
pub(super) fn expected(axis: &Axis) -> String {
    match axis.domain {
        Domain::Model => "the name of a model in the catalogue".to_owned(),
        Domain::DraftModel => "the name of a model in the catalogue, or \"none\"".to_owned(),
        Domain::Accelerator => "the name of an accelerator in the catalogue".to_owned(),
        Domain::PoolAccelerator => "the name of an accelerator in the catalogue, or \"same\"".to_owned(),
        Domain::Network => "the name of a network in the catalogue, or \"default\"".to_owned(),
        Domain::Stack => "the name of a training stack in the catalogue, or \"default\"".to_owned(),
        Domain::Engine => "the name of a serving engine in the catalogue".to_owned(),
        Domain::Choice(names) => format!("one of {}", names.join(", ")),
        Domain::Subset(names) => format!("\"none\" or any of {}, joined by +", names.join(", ")),
        Domain::Integer { min, max } => format!("a whole number from {} to {}", grouped(min), grouped(max)),
        Domain::Positive => "a finite number above 0".to_owned(),
        Domain::Amount => "a finite number of at least 0".to_owned(),
        Domain::AtLeastOne => "a finite number of at least 1".to_owned(),
        Domain::Share => "a number from 0 to 1".to_owned(),
        Domain::Between { min, max } => format!("a number from {min} to {max}"),
        Domain::Bool => "true or false".to_owned(),
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The sentence on an axis that is too long.
pub(super) fn too_many(axis: &Axis) -> String {
    format!("{} takes at most {} values", axis.name, grouped(VALUES_LIMIT as u64))
}

fn values(
    axis: &'static Axis,
    node: &Node,
    vocabulary: &Vocabulary,
    rows: Rows,
    report: &mut Report,
) -> Vec<AxisValue> {
    match &node.value {
        // A table has as many values as it has rows, be it none.
        Value::Array(items) if rows == Rows::Listed => list(axis, items, vocabulary, report),
        Value::Table(_) => report.keep(range::values(axis, node)).unwrap_or_default(),
        Value::Array(items) if items.is_empty() => {
            report.wrong(&node.place, format!("{} has no values: it must be {}", axis.name, expected(axis)));
            Vec::new()
        }
        Value::Array(items) if items.len() > VALUES_LIMIT => {
            report.wrong(&node.place, too_many(axis));
            Vec::new()
        }
        Value::Array(items) => list(axis, items, vocabulary, report),
        _ => list(axis, std::slice::from_ref(node), vocabulary, report),
    }
}

fn list(axis: &'static Axis, items: &[Node], vocabulary: &Vocabulary, report: &mut Report) -> Vec<AxisValue> {
    let mut values = Vec::new();
    // Where each value was first given, and whether by its own name: only such may not be given again.
    let mut seen: HashMap<String, (&Place, bool)> = HashMap::new();
    for item in items {
        let literal = !matches!(&item.value, Value::String(name) if is_glob(name));
        for value in report.keep(scalar(axis, item, vocabulary)).unwrap_or_default() {
            match seen.get_mut(&value.to_string()) {
                Some((first, true)) if literal => {
                    let message = format!("{} has the value \"{value}\" twice, first at {first}", axis.name);
                    report.wrong(&item.place, message);
                }
                Some((_, by_name)) => *by_name |= literal,
                None => {
                    seen.insert(value.to_string(), (&item.place, literal));
                    values.push(value);
                }
            }
        }
    }
    values
}

/// The values that one item of a list stands for; a glob stands for several.
fn scalar(axis: &Axis, node: &Node, vocabulary: &Vocabulary) -> Result<Vec<AxisValue>, DocumentError> {
    let names = |found: Result<Vec<&str>, String>| {
        let found = found.map_err(|message| DocumentError::new(&node.place, message))?;
        Ok(found.into_iter().map(|name| AxisValue::Name(name.to_owned())).collect())
    };
    match (axis.domain, &node.value) {
        (Domain::DraftModel, Value::String(name)) if name == "none" => names(Ok(vec!["none"])),
        (Domain::Model | Domain::DraftModel, Value::String(name)) => names(vocabulary.models.resolve("model", name)),
        (Domain::PoolAccelerator, Value::String(name)) if name == SAME => names(Ok(vec![SAME])),
        (Domain::Accelerator | Domain::PoolAccelerator, Value::String(name)) => {
            names(vocabulary.accelerators.resolve("accelerator", name))
        }
        (Domain::Network | Domain::Stack, Value::String(name)) if name == "default" => names(Ok(vec!["default"])),
        (Domain::Network, Value::String(name)) => names(vocabulary.networks.resolve("network", name)),
        (Domain::Stack, Value::String(name)) => names(vocabulary.stacks.resolve("stack", name)),
        (Domain::Engine, Value::String(name)) => names(vocabulary.engines.resolve("engine", name)),
        (Domain::Choice(choices), Value::String(name)) if choices.contains(&name.as_str()) => names(Ok(vec![name])),
        (Domain::Choice(choices), Value::String(name)) => {
            Err(DocumentError::new(&node.place, unknown(axis.name, name, choices)))
        }
        (Domain::Subset(all), Value::String(text)) => {
            let chosen = subset(axis, text, all).map_err(|message| DocumentError::new(&node.place, message))?;
            Ok(vec![AxisValue::Name(chosen)])
        }
        (Domain::Bool, Value::Bool(flag)) => Ok(vec![AxisValue::Bool(*flag)]),
        (domain, _) if domain.is_numeric() => number(axis, node).map(|value| vec![value]),
        _ => Err(mismatch(axis, node)),
    }
}

/// A choice of names in the order of the list, so that each choice has one spelling.
fn subset(axis: &Axis, text: &str, all: &[&str]) -> Result<String, String> {
    let parts: Vec<&str> = text.split('+').map(str::trim).collect();
    if parts == ["none"] {
        return Ok("none".to_owned());
    }
    if parts.contains(&"none") {
        return Err(format!("{} is \"none\" or some of {}, not both as in \"{text}\"", axis.name, all.join(", ")));
    }
    if let Some(wrong) = parts.iter().find(|part| !all.contains(part)) {
        return Err(unknown(axis.name, wrong, &[&["none"], all].concat()));
    }
    if let Some(twice) = parts.iter().enumerate().find(|(index, part)| parts[..*index].contains(part)) {
        return Err(format!("{} names \"{}\" twice in \"{text}\"", axis.name, twice.1));
    }
    let chosen: Vec<&str> = all.iter().copied().filter(|name| parts.contains(name)).collect();
    Ok(chosen.join("+"))
}

/// The one number that a value of a numeric axis is; `8.0` is the whole number 8.
pub(super) fn number(axis: &Axis, node: &Node) -> Result<AxisValue, DocumentError> {
    let value = match (axis.domain, &node.value) {
        (Domain::Integer { min, max }, Value::Integer(number)) => {
            u64::try_from(*number).ok().filter(|number| (min..=max).contains(number)).map(AxisValue::Integer)
        }
        (Domain::Integer { min, max }, Value::Float(number)) => {
            let whole = number.fract() == 0.0 && (min as f64..=max as f64).contains(number);
            whole.then_some(AxisValue::Integer(*number as u64))
        }
        (Domain::Positive, Value::Integer(number)) => (*number > 0).then_some(AxisValue::Number(*number as f64)),
        (Domain::AtLeastOne, Value::Integer(number)) => (*number >= 1).then_some(AxisValue::Number(*number as f64)),
        (Domain::AtLeastOne, Value::Float(number)) => {
            (number.is_finite() && *number >= 1.0).then_some(AxisValue::Number(*number))
        }
        (Domain::Positive, Value::Float(number)) => {
            (number.is_finite() && *number > 0.0).then_some(AxisValue::Number(*number))
        }
        (Domain::Share, Value::Integer(number)) => {
            (0..=1).contains(number).then_some(AxisValue::Number(*number as f64))
        }
        (Domain::Share, Value::Float(number)) => {
            (0.0..=1.0).contains(number).then_some(AxisValue::Number(*number + 0.0))
        }
        (Domain::Amount, Value::Integer(number)) => (*number >= 0).then_some(AxisValue::Number(*number as f64)),
        (Domain::Between { min, max }, Value::Integer(number)) => {
            (i64::from(min)..=i64::from(max)).contains(number).then_some(AxisValue::Number(*number as f64))
        }
        (Domain::Between { min, max }, Value::Float(number)) => {
            (f64::from(min)..=f64::from(max)).contains(number).then_some(AxisValue::Number(*number + 0.0))
        }
        // Adding zero makes -0.0, which is another text than 0, the same value.
        (Domain::Amount, Value::Float(number)) => {
            (number.is_finite() && *number >= 0.0).then_some(AxisValue::Number(*number + 0.0))
        }
        _ => None,
    };
    value.ok_or_else(|| mismatch(axis, node))
}

fn mismatch(axis: &Axis, node: &Node) -> DocumentError {
    DocumentError::new(&node.place, format!("{} must be {}, not {}", axis.name, expected(axis), found(node)))
}
