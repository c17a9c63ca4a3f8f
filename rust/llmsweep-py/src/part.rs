//! Which rows of a sweep a run covers.
use std::ops::Range;

use llmsweep_engine::columns::Kind;
use llmsweep_engine::node::nearest;
use llmsweep_engine::run::{Filter, Pruning, Run, Test};
use llmsweep_engine::sweep::Sweep;
use llmsweep_engine::values::Value;
use pyo3::prelude::*;

/// What a column is compared with.
#[derive(Clone, Debug, FromPyObject)]
pub(crate) enum Operand {
    /// A number, or a truth value.
    Number(f64),
    /// A name of a label column.
    Name(String),
}

/// Rows of a sweep, by number and by what they must be, and what of them may be left out.
#[derive(Clone)]
pub(crate) struct Part {
    rows: Range<u64>,
    filters: Vec<Filter>,
    pruning: Pruning,
}

impl Part {
    /// All rows.
    pub(crate) fn whole(sweep: &Sweep) -> Self {
        Self { rows: 0..sweep.context.plan.rows(), filters: Vec::new(), pruning: Pruning::Auto }
    }

    /// Some rows, or what is wrong with how they are described.
    pub(crate) fn of(
        sweep: &Sweep,
        rows: Range<u64>,
        filters: &[(String, String, Vec<Operand>)],
        prune: &str,
    ) -> Result<Self, String> {
        let all = sweep.context.plan.rows();
        let found = Pruning::ALL.iter().find(|(name, _)| *name == prune);
        let (_, pruning) = found.ok_or_else(|| {
            let names = Pruning::ALL.map(|(name, _)| name);
            let near = nearest(prune, names).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
            format!("prune: \"{prune}\" is not a choice; allowed are {}{near}", names.join(", "))
        })?;
        Ok(Self {
            rows: rows.start.min(all)..rows.end.min(all).max(rows.start.min(all)),
            filters: filters.iter().map(|filter| read(sweep, filter)).collect::<Result<_, _>>()?,
            pruning: *pruning,
        })
    }

    /// A run of the sweep over them.
    pub(crate) fn run<'a>(&self, sweep: &'a Sweep) -> Run<'a> {
        sweep.run().within(self.rows.clone()).only(self.filters.clone()).pruning(self.pruning)
    }
}

fn read(sweep: &Sweep, (column, operator, operands): &(String, String, Vec<Operand>)) -> Result<Filter, String> {
    let value = sweep.columns(Some(std::slice::from_ref(column)))?[0];
    let numbers = numbers(sweep, &value, operands)?;
    let bound = |strict| match numbers.as_slice() {
        [bound] if value.kind != Kind::Label => Ok((*bound, strict)),
        _ => Err(format!("filter on \"{column}\": {operator} takes one number")),
    };
    let test = match operator.as_str() {
        ">=" | ">" => bound(operator == ">").map(|(bound, strict)| Test::AtLeast { bound, strict })?,
        "<=" | "<" => bound(operator == "<").map(|(bound, strict)| Test::AtMost { bound, strict })?,
        "in" => Test::OneOf(numbers),
        _ => return Err(format!("filter on \"{column}\": \"{operator}\" is not one of >=, >, <=, <, in")),
    };
    Ok(Filter { value, test })
}

/// Operands as the column's values travel; a name that the column never has equals nothing.
fn numbers(sweep: &Sweep, value: &Value, operands: &[Operand]) -> Result<Vec<f64>, String> {
    let labels = value.labels(&sweep.context);
    let mut numbers = Vec::new();
    for operand in operands {
        match (operand, &labels) {
            (Operand::Number(number), None) => numbers.push(*number),
            (Operand::Name(name), Some(labels)) => {
                numbers.extend(labels.iter().position(|label| label == name).map(|code| code as f64));
            }
            (Operand::Number(number), Some(_)) => {
                return Err(format!("filter on \"{}\": it holds names, not numbers like {number}", value.name));
            }
            (Operand::Name(name), None) => {
                return Err(format!("filter on \"{}\": it holds numbers, not names like \"{name}\"", value.name));
            }
        }
    }
    Ok(numbers)
}
