//! `_core.pareto`: the front of any Arrow table.
use llmsweep_engine::control::{Cancelled, Control};
use llmsweep_engine::pareto::{Ties, front_of, thinned};
use pyo3::prelude::*;

use crate::errors::{DataProblem, IntoPython};
use crate::interrupt::compute;
use crate::table::Table;
use crate::threads::pool;

/// Positions of the rows on the Pareto front, ascending; with ``epsilon``, a number for each objective (minimized ones
/// first), those that stay when the front is thinned.
#[pyfunction]
#[pyo3(
    signature = (table, minimize, maximize, by = vec![], *, distinct = false, epsilon = vec![]),
    text_signature = "(table, minimize, maximize, by=(), *, distinct=False, epsilon=())"
)]
pub(crate) fn pareto(
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    minimize: Vec<String>,
    maximize: Vec<String>,
    by: Vec<String>,
    distinct: bool,
    epsilon: Vec<f64>,
) -> PyResult<Vec<u64>> {
    let table = Table::read(table)?;
    let ties = if distinct { Ties::First } else { Ties::All };
    let wanted = Wanted { minimize, maximize, by, ties, epsilon };
    compute(py, pool(None)?, None, move |control| wanted.front(&table, control))
}

/// Why there is no front.
enum Failure {
    Data(DataProblem),
    Stopped(Cancelled),
}

impl From<DataProblem> for Failure {
    fn from(problem: DataProblem) -> Self {
        Self::Data(problem)
    }
}

impl From<Cancelled> for Failure {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stopped(cancelled)
    }
}

impl IntoPython for Failure {
    fn into_python(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Data(problem) => problem.into_python(py),
            Self::Stopped(cancelled) => cancelled.into_python(py),
        }
    }
}

struct Wanted {
    minimize: Vec<String>,
    maximize: Vec<String>,
    by: Vec<String>,
    ties: Ties,
    /// Per objective, or none at all.
    epsilon: Vec<f64>,
}

impl Wanted {
    fn front(&self, table: &Table, control: &Control) -> Result<Vec<u64>, Failure> {
        self.check()?;
        let mut columns = Vec::with_capacity(self.minimize.len() + self.maximize.len());
        for name in &self.minimize {
            columns.push(table.floats(name)?);
        }
        for name in &self.maximize {
            columns.push(table.floats(name)?.unary(|value| -value));
        }
        let groups = table.groups(&self.by)?;
        let slices: Vec<&[f64]> = columns.iter().map(|column| column.values().as_ref()).collect();
        let front = front_of(&slices, groups.as_deref(), self.ties, control)?;
        if self.epsilon.is_empty() {
            return Ok(front);
        }
        let taken: Vec<Vec<f64>> =
            slices.iter().map(|column| front.iter().map(|&row| column[row as usize]).collect()).collect();
        let slices: Vec<&[f64]> = taken.iter().map(Vec::as_slice).collect();
        let groups: Option<Vec<u64>> = groups.map(|groups| front.iter().map(|&row| groups[row as usize]).collect());
        let kept = thinned(&slices, groups.as_deref(), &self.epsilon, control)?;
        Ok(kept.into_iter().map(|row| front[row as usize]).collect())
    }

    fn check(&self) -> Result<(), DataProblem> {
        let problem = |sentence: String| Err(DataProblem(sentence));
        let objectives = self.minimize.len() + self.maximize.len();
        if objectives == 0 {
            return problem("a Pareto front needs at least one column to minimize or maximize".into());
        }
        if let Some(both) = self.minimize.iter().find(|name| self.maximize.contains(name)) {
            return problem(format!("column \"{both}\" can't be both minimized and maximized"));
        }
        if !self.epsilon.is_empty() && self.epsilon.len() != objectives {
            return problem(format!("{} epsilons don't match {objectives} objectives", self.epsilon.len()));
        }
        if let Some(epsilon) = self.epsilon.iter().find(|epsilon| !(0.0..f64::INFINITY).contains(*epsilon)) {
            return problem(format!("epsilon must be a finite number of at least 0, not {epsilon}"));
        }
        Ok(())
    }
}
