//! `[operations]`: constants of operations in place of the catalogue's.
use super::report::{Report, found, unknown};
use crate::catalog::operations::OPERATIONS;
use crate::node::{Entry, Value};

/// Position in [`OPERATIONS`] and value of every constant that the section gives.
pub(super) fn decode(section: Option<&Entry>, report: &mut Report) -> Vec<(usize, f64)> {
    let mut own = Vec::new();
    for Entry { key, place, node } in report.section(section, "[operations]").unwrap_or_default() {
        let Some(position) = OPERATIONS.iter().position(|constant| constant.key == key) else {
            let keys: Vec<&str> = OPERATIONS.iter().map(|constant| constant.key).collect();
            report.wrong(place, unknown("key", key, &keys));
            continue;
        };
        let number = match node.value {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        };
        let range = OPERATIONS[position].range;
        match number.filter(|&number| range.contains(number)) {
            Some(number) => own.push((position, number)),
            None => report.wrong(&node.place, format!("{key} must be {}, not {}", range.allowed(), found(node))),
        }
    }
    own
}
