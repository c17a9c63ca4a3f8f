//! `_core.Sweep`, `_core.Result` and `_core.evaluate`.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::ArrowError;
use llmsweep_engine::axes::Phase;
use llmsweep_engine::batch::schema;
use llmsweep_engine::control::Cancelled;
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::explain::explain;
use llmsweep_engine::listed;
use llmsweep_engine::node::{Node, Place, nearest};
use llmsweep_engine::run::{Best, Keep, Output, Run};
use llmsweep_engine::spec::ParetoSpec;
use llmsweep_engine::sweep::{Sweep, SweepError, unknown_column};
use llmsweep_engine::values::Value;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::batches::PyBatches;
use crate::catalog::PyCatalog;
use crate::errors::{data_error, spec_error};
use crate::interrupt::compute;
use crate::object;
use crate::part::{Operand, Part};
use crate::stream::Stream;
use crate::table::Table;
use crate::threads::pool;

/// Rows of a sweep as an Arrow stream, and its statistics.
#[pyclass(frozen, name = "Result", module = "llmsweep._core")]
pub(crate) struct PyResultRows {
    stream: Stream,
    labels: BTreeMap<&'static str, Vec<String>>,
    stats: String,
}

impl PyResultRows {
    pub(crate) fn new(output: Output, labels: BTreeMap<&'static str, Vec<String>>) -> Self {
        let batches = output.batches.into_iter().map(Ok::<_, ArrowError>);
        Self {
            stats: output.stats.to_json().to_string(),
            stream: Stream::new(output.schema, Box::new(batches)),
            labels,
        }
    }
}

#[pymethods]
impl PyResultRows {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.stream.export(py, requested_schema)
    }

    /// Names by code of each label column.
    #[getter]
    fn labels(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.labels.clone()
    }

    /// Counts as JSON: configurations, evaluated, feasible, rejected by reason, front, seconds.
    #[getter]
    fn stats(&self) -> &str {
        &self.stats
    }
}

/// A compiled sweep.
#[pyclass(frozen, name = "Sweep", module = "llmsweep._core")]
pub(crate) struct PySweep {
    sweep: Sweep,
    part: Part,
}

#[pymethods]
impl PySweep {
    /// Parses a specification (TOML text or a mapping) and compiles its plan.
    #[new]
    #[pyo3(signature = (catalog, spec, *, file = "<spec>"))]
    fn new(py: Python<'_>, catalog: &PyCatalog, spec: &Bound<'_, PyAny>, file: &str) -> PyResult<Self> {
        let root = document(spec, file)?;
        let catalog = &catalog.catalog;
        // A file that the specification names lies beside it; one without a file is read where the process is.
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let compiled = py.detach(|| Sweep::compile_in(folder, &root, catalog));
        compiled.map(|sweep| Self { part: Part::whole(&sweep), sweep }).map_err(|error| {
            let text = error.to_string();
            // A mapping has no lines; with a name its sentences start with that.
            let named = file != "<spec>" && !matches!(place(&error), Some(Place::Text { .. }));
            spec_error(py, if named { format!("{file}: {text}") } else { text })
        })
    }

    /// ``training`` or ``inference``.
    #[getter]
    fn phase(&self) -> &'static str {
        self.sweep.spec.phase.name()
    }

    /// Rows of the plan.
    #[getter]
    fn configurations(&self) -> u64 {
        self.sweep.context.plan.rows()
    }

    /// ``minimize``, ``maximize`` and ``by`` of the specification (or the phase's defaults).
    #[getter]
    fn pareto(&self) -> BTreeMap<&'static str, Vec<&'static str>> {
        let pareto = &self.sweep.spec.pareto;
        BTreeMap::from([
            ("minimize", pareto.minimize.clone()),
            ("maximize", pareto.maximize.clone()),
            ("by", pareto.by.clone()),
        ])
    }

    /// Hash of everything that a row depends on: specification, catalogue, version. Equal plans have equal rows.
    #[getter]
    fn fingerprint(&self) -> String {
        self.sweep.fingerprint()
    }

    /// The same sweep, of which runs cover rows ``start`` to before ``stop`` that pass all ``filters``: a column, one of ``>=``, ``>``, ``<=``,
    /// ``<``, ``in``, and the values to compare with. ``prune`` says what may be left out without a look at each row: ``off`` nothing, ``refused``
    /// what one reason refuses, ``beaten`` also what the answer beats, ``auto`` that beyond ten million rows.
    #[pyo3(signature = (*, start = 0, stop = None, filters = vec![], prune = "auto"))]
    fn narrow(
        &self,
        py: Python<'_>,
        start: u64,
        stop: Option<u64>,
        filters: Vec<(String, String, Vec<Operand>)>,
        prune: &str,
    ) -> PyResult<Self> {
        let part = Part::of(&self.sweep, start..stop.unwrap_or(u64::MAX), &filters, prune);
        Ok(Self { sweep: self.sweep.clone(), part: part.map_err(|sentence| spec_error(py, sentence))? })
    }

    /// Evaluates the plan. ``keep``: ``all`` rows, ``feasible`` ones (constraints met), or the ``front``. ``against``: rows that keep others off
    /// the front as well.
    #[pyo3(signature = (keep, columns = None, *, against = vec![], threads = None, progress = None))]
    fn run(
        &self,
        py: Python<'_>,
        keep: &str,
        columns: Option<Vec<String>>,
        against: Vec<u64>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyResultRows> {
        let keep = keep_of(py, keep)?;
        let values = self.values(py, columns.as_deref())?;
        for &row in &against {
            self.check_row(py, row)?;
        }
        let labels = self.labels(&values);
        let (sweep, part) = (self.sweep.clone(), self.part.clone());
        let output = compute(py, pool(threads)?, progress, move |control| {
            part.run(&sweep).against(against).run(keep, &values, control)
        })?;
        Ok(PyResultRows::new(output, labels))
    }

    /// Rows to give to the runs of parts as ``against``: the front of some thousand rows, so that not each part looks for its own.
    fn scouts(&self, py: Python<'_>) -> PyResult<Vec<u64>> {
        let (sweep, part) = (self.sweep.clone(), self.part.clone());
        compute(py, pool(None)?, None, move |control| part.run(&sweep).scouted(control))
    }

    /// The ``rows`` best rows by one column, best first.
    #[allow(clippy::too_many_arguments, reason = "Python names most of them")]
    #[pyo3(signature = (rows, column, *, descending = false, columns = None, threads = None, progress = None))]
    fn top(
        &self,
        py: Python<'_>,
        rows: usize,
        column: &str,
        descending: bool,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyResultRows> {
        let values = self.values(py, columns.as_deref())?;
        let value = self.values(py, Some(&[column.to_owned()]))?[0];
        let best = Best { value, descending, rows };
        let labels = self.labels(&values);
        let (sweep, part) = (self.sweep.clone(), self.part.clone());
        let output =
            compute(py, pool(threads)?, progress, move |control| part.run(&sweep).best(&best, &values, control))?;
        Ok(PyResultRows::new(output, labels))
    }

    /// Rows in batches, as they are made: what is in memory does not grow with the plan. ``keep``: ``all`` or ``feasible``.
    #[pyo3(signature = (keep, columns = None, *, threads = None, progress = None))]
    fn stream(
        &self,
        py: Python<'_>,
        keep: &str,
        columns: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<PyBatches> {
        let keep = keep_of(py, keep)?;
        if keep == Keep::Front {
            return Err(spec_error(py, "keep: \"front\" can't be streamed; run gives it whole".into()));
        }
        let values = self.values(py, columns.as_deref())?;
        let labels = self.labels(&values);
        let (sweep, part) = (self.sweep.clone(), self.part.clone());
        PyBatches::start(pool(threads)?, labels, progress, schema(&values), move |pool, control, hand_over| {
            part.run(&sweep).stream(keep, &values, pool, control, hand_over)
        })
    }

    /// Evaluates single rows by number.
    #[pyo3(signature = (row_ids, columns = None))]
    fn rows(&self, py: Python<'_>, row_ids: Vec<u64>, columns: Option<Vec<String>>) -> PyResult<PyResultRows> {
        let values = self.values(py, columns.as_deref())?;
        for &row in &row_ids {
            self.check_row(py, row)?;
        }
        let labels = self.labels(&values);
        let sweep = self.sweep.clone();
        let work = move |_: &_| Ok::<_, Cancelled>(sweep.run().numbered(&row_ids, &values));
        Ok(PyResultRows::new(compute(py, pool(None)?, None, work)?, labels))
    }

    /// Every term of one row's time, memory and cost, with formula and numbers, as JSON.
    fn explain(&self, py: Python<'_>, row_id: u64) -> PyResult<String> {
        self.check_row(py, row_id)?;
        let context = &self.sweep.context;
        Ok(explain(context, &context.plan.point(row_id)).to_string())
    }
}

impl PySweep {
    fn values(&self, py: Python<'_>, columns: Option<&[String]>) -> PyResult<Vec<Value>> {
        self.sweep.columns(columns).map_err(|sentence| spec_error(py, sentence))
    }

    fn labels(&self, values: &[Value]) -> BTreeMap<&'static str, Vec<String>> {
        labels(values, &self.sweep.context)
    }

    fn check_row(&self, py: Python<'_>, row: u64) -> PyResult<()> {
        let rows = self.configurations();
        if row < rows {
            return Ok(());
        }
        Err(spec_error(py, format!("the sweep has no row \"{row}\": its rows are 0 to {}", rows - 1)))
    }
}

fn labels(values: &[Value], context: &llmsweep_engine::context::Context) -> BTreeMap<&'static str, Vec<String>> {
    values.iter().filter_map(|value| Some((value.name, value.labels(context)?))).collect()
}

/// Where a document is wrong.
fn place(error: &SweepError) -> Option<&Place> {
    match error {
        SweepError::Document(error) => Some(&error.place),
        SweepError::Compile(_) => None,
    }
}

fn keep_of(py: Python<'_>, name: &str) -> PyResult<Keep> {
    let found = Keep::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, keep)| *keep).ok_or_else(|| {
        let allowed = Keep::ALL.map(|(name, _)| name).join(", ");
        spec_error(py, format!("keep: \"{name}\" is not a choice; allowed are {allowed}"))
    })
}

/// TOML text, or a mapping.
fn document(spec: &Bound<'_, PyAny>, file: &str) -> PyResult<Node> {
    match spec.extract::<String>() {
        Ok(text) => parse_toml(file, &text).map_err(|error| spec_error(spec.py(), error.to_string())),
        Err(_) => object::node(spec),
    }
}

/// Evaluates one explicit configuration per row of an Arrow table whose columns are axes. Prices, operations, search and entries of the
/// specification `within` hold for them.
#[pyfunction]
#[pyo3(signature = (catalog, phase, table, columns = None, *, within = None, file = "<spec>"))]
pub(crate) fn evaluate(
    py: Python<'_>,
    catalog: &PyCatalog,
    phase: &str,
    table: &Bound<'_, PyAny>,
    columns: Option<Vec<String>>,
    within: Option<&Bound<'_, PyAny>>,
    file: &str,
) -> PyResult<PyResultRows> {
    let names = Phase::ALL.map(Phase::name);
    let phase = Phase::ALL.into_iter().find(|one| one.name() == phase).ok_or_else(|| {
        let near = nearest(phase, names).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
        data_error(py, format!("phase: \"{phase}\" is not a phase; allowed are {}{near}", names.join(", ")))
    })?;
    let values = match &columns {
        None => Value::all(phase),
        Some(names) => names
            .iter()
            .map(|name| Value::by_name(phase, name).ok_or_else(|| data_error(py, unknown_column(phase, name))))
            .collect::<PyResult<_>>()?,
    };
    let listed_columns = Table::read(table)?.cells().map_err(|problem| data_error(py, problem.0))?;
    let root = within.map(|spec| document(spec, file)).transpose()?;
    let (context, points) = listed::compile(phase, &listed_columns, &catalog.catalog, root.as_ref())
        .map_err(|error| data_error(py, error.to_string()))?;
    let labels = labels(&values, &context);
    let context = Arc::new(context);
    let output = compute(py, pool(None)?, None, move |control| {
        Run::new(&context, &[], &ParetoSpec::of_phase(phase)).points(&points, &values, control)
    })?;
    Ok(PyResultRows::new(output, labels))
}
