//! `_core.pareto`: the front of any Arrow table.
use llmsweep_engine::control::{Cancelled, Control};
use llmsweep_engine::pareto::{Ties, front_of};
use pyo3::prelude::*;

use crate::errors::{DataProblem, IntoPython};
use crate::interrupt::compute;
use crate::table::Table;
use crate::threads::pool;

/// Positions of the rows on the Pareto front, ascending.
#[pyfunction]
#[pyo3(
    signature = (table, minimize, maximize, by = vec![], *, distinct = false),
    text_signature = "(table, minimize, maximize, by=(), *, distinct=False)"
)]
pub(crate) fn pareto(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    minimize: Vec<String>,
    maximize: Vec<String>,
    by: Vec<String>,
    distinct: bool,
) -> PyResult<Vec<u64>> {
    let table = Table::read(table)?;
    let ties = if distinct { Ties::First } else { Ties::All };
    compute(py, pool(None)?, None, move |control| front(&table, &minimize, &maximize, &by, ties, control))
}

/// Why there is no front.
enum Failure {
    Data(DataProblem),
    Stopped(Cancelled),
}

impl IntoPython for Failure {
    fn into_python(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Data(problem) => problem.into_python(py),
            Self::Stopped(cancelled) => cancelled.into_python(py),
        }
    }
}

fn front(
    table: &Table,
    minimize: &[String],
    maximize: &[String],
    by: &[String],
    ties: Ties,
    control: &Control,
) -> Result<Vec<u64>, Failure> {
    let problem = |sentence: String| Err(Failure::Data(DataProblem(sentence)));
    if minimize.is_empty() && maximize.is_empty() {
        return problem("a Pareto front needs at least one column to minimize or maximize".into());
    }
    if let Some(both) = minimize.iter().find(|name| maximize.contains(name)) {
        return problem(format!("column \"{both}\" can't be both minimized and maximized"));
    }
    let mut columns = Vec::with_capacity(minimize.len() + maximize.len());
    for name in minimize {
        columns.push(table.numbers(name).map_err(Failure::Data)?);
    }
    for name in maximize {
        let mut column = table.numbers(name).map_err(Failure::Data)?;
        for value in &mut column {
            *value = -*value;
        }
        columns.push(column);
    }
    let groups = table.groups(by).map_err(Failure::Data)?;
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    front_of(&slices, groups.as_deref(), ties, control).map_err(Failure::Stopped)
}
