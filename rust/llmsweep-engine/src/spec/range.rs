//! Values given as `{ geometric = [first, last, ratio] }` or `{ linear = [first, last, step] }`.
use super::report::{entries, found, unknown};
use super::{AxisValue, VALUES_LIMIT, axis};
use crate::axes::{Axis, Domain};
use crate::node::{DocumentError, Entry, Node, Value};

/// How far beyond the last value rounding may carry one that is meant to be it.
const TOLERANCE: f64 = 1e-9;

#[derive(Clone, Copy, PartialEq)]
enum Progression {
    Geometric,
    Linear,
}

impl Progression {
    const fn name(self) -> &'static str {
        match self {
            Self::Geometric => "geometric",
            Self::Linear => "linear",
        }
    }

    const fn parameter(self) -> &'static str {
        match self {
            Self::Geometric => "ratio",
            Self::Linear => "step",
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Geometric => "a finite number above 1",
            Self::Linear => "a finite number above 0",
        }
    }
}

/// The values of a range on an axis.
pub(super) fn values(axis: &'static Axis, node: &Node) -> Result<Vec<AxisValue>, DocumentError> {
    if !axis.domain.is_numeric() {
        let message = format!("{} takes no range: it must be {}", axis.name, axis::expected(axis));
        return Err(DocumentError::new(&node.place, message));
    }
    let (progression, bounds) = progression(axis, node)?;
    let (name, parameter) = (progression.name(), progression.parameter());
    let (Value::Array(items), what) = (&bounds.value, format!("{name} = [first, last, {parameter}]")) else {
        let message = format!("{name} must be three numbers, [first, last, {parameter}], not {}", found(bounds));
        return Err(DocumentError::new(&bounds.place, message));
    };
    let [first, last, advance] = items.as_slice() else {
        let message = format!("{what} takes three numbers, not {}", items.len());
        return Err(DocumentError::new(&bounds.place, message));
    };
    let advance_number = match advance.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    let least = if progression == Progression::Geometric { 1.0 } else { 0.0 };
    let Some(advance_number) = advance_number.filter(|number| number.is_finite() && *number > least) else {
        let message = format!("the {parameter} of {name} must be {}, not {}", progression.allowed(), found(advance));
        return Err(DocumentError::new(&advance.place, message));
    };
    let (first_value, last_value) = (axis::number(axis, first)?, axis::number(axis, last)?);
    let (low, high) = (as_f64(&first_value), as_f64(&last_value));
    if low > high {
        let message = format!("{name} is empty: its first value \"{first_value}\" is above its last \"{last_value}\"");
        return Err(DocumentError::new(&bounds.place, message));
    }
    if progression == Progression::Geometric && low == 0.0 {
        let message = format!("the first value of geometric must be above 0, not {}", found(first));
        return Err(DocumentError::new(&first.place, message));
    }

    let whole = matches!(axis.domain, Domain::Integer { .. });
    let mut numbers: Vec<f64> = Vec::new();
    for number in walk(progression, whole, low, high, advance_number) {
        if numbers.len() == VALUES_LIMIT {
            return Err(DocumentError::new(&bounds.place, axis::too_many(axis)));
        }
        if whole && number.fract() != 0.0 {
            let message = format!("{name} gives \"{number}\", but {} must be {}", axis.name, axis::expected(axis));
            return Err(DocumentError::new(&advance.place, message));
        }
        numbers.push(number);
    }
    numbers.dedup();
    let value = |number| if whole { AxisValue::Integer(number as u64) } else { AxisValue::Number(number) };
    Ok(numbers.into_iter().map(value).collect())
}

/// Which range a table is.
fn progression<'a>(axis: &Axis, node: &'a Node) -> Result<(Progression, &'a Node), DocumentError> {
    match entries(node, axis.name)? {
        [Entry { key, node, .. }] if key == "geometric" => Ok((Progression::Geometric, node)),
        [Entry { key, node, .. }] if key == "linear" => Ok((Progression::Linear, node)),
        several => {
            let wrong = several.iter().find(|entry| !["geometric", "linear"].contains(&entry.key.as_str()));
            Err(match wrong {
                Some(entry) => DocumentError::new(&entry.place, unknown("key", &entry.key, &["geometric", "linear"])),
                None => DocumentError::new(
                    &node.place,
                    format!(
                        "{} must be one range, {{ geometric = [first, last, ratio] }} or {{ linear = [first, last, step] }}",
                        axis.name
                    ),
                ),
            })
        }
    }
}

/// The numbers from `low` to `high`. Whole numbers of an axis are all below 2^53, so that they stay exact.
fn walk(progression: Progression, whole: bool, low: f64, high: f64, advance: f64) -> impl Iterator<Item = f64> {
    let at = move |index: i32| match progression {
        Progression::Geometric => low * advance.powi(index),
        Progression::Linear => low + f64::from(index) * advance,
    };
    let limit = if whole { high } else { high * (1.0 + TOLERANCE) };
    // Twelve digits drop the dust of binary fractions (1.3000000000000003), and are more than anyone writes.
    let clean = |number: f64| if number.fract() == 0.0 { number } else { rounded(number) };
    (0..).map(at).take_while(move |number| *number <= limit).map(move |number| clean(number).min(high))
}

fn rounded(number: f64) -> f64 {
    format!("{number:.12e}").parse().unwrap_or(number)
}

fn as_f64(value: &AxisValue) -> f64 {
    match value {
        AxisValue::Integer(number) => *number as f64,
        AxisValue::Number(number) => *number,
        AxisValue::Name(_) | AxisValue::Bool(_) => f64::NAN,
    }
}
