//! `_core.laws` and `_core.LawFit`: the laws of kernels, as fits need them.
use llmsweep_engine::catalog::Kind;
use llmsweep_engine::catalog::kernels::{KERNEL_ENGINES, chip};
use llmsweep_model::law::{Chip, FAMILIES, Family};
use llmsweep_model::precision::{KvPrecision, Precision};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::catalog::PyCatalog;
use crate::errors::{IntoPython, catalog_error, data_error};
use crate::table::Table;

/// Families of kernels with their inputs and coefficients, and the engines that laws are fitted to, as JSON.
#[pyfunction]
pub(crate) fn laws() -> String {
    let families = FAMILIES.iter().map(|family| {
        let inputs = family.inputs.iter().map(|input| json!({ "name": input.name, "doc": input.doc }));
        let coefficients = family.coefficients.iter().map(|coefficient| {
            json!({
                "name": coefficient.name,
                "doc": coefficient.doc,
                "low": coefficient.low,
                "start": coefficient.start,
                "high": coefficient.high,
            })
        });
        json!({
            "name": family.name,
            "doc": family.doc,
            "inputs": inputs.collect::<Vec<_>>(),
            "coefficients": coefficients.collect::<Vec<_>>(),
        })
    });
    json!({ "families": families.collect::<Vec<_>>(), "engines": KERNEL_ENGINES }).to_string()
}

/// Timings of one family of kernels on one accelerator in one precision, ready to be fitted.
#[pyclass(frozen, name = "LawFit", module = "llmsweep._core")]
pub(crate) struct PyLawFit {
    family: &'static Family,
    chip: Chip,
    columns: Vec<Vec<f64>>,
}

#[pymethods]
impl PyLawFit {
    /// Takes the inputs' columns of an Arrow table.
    #[new]
    fn new(
        py: Python<'_>,
        catalog: &PyCatalog,
        family: &str,
        accelerator: &str,
        precision: &str,
        table: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let family =
            Family::by_name(family).ok_or_else(|| data_error(py, format!("unknown family of kernels \"{family}\"")))?;
        let catalog = &catalog.catalog;
        let entry = catalog
            .accelerator(accelerator)
            .ok_or_else(|| catalog_error(py, catalog.unknown(Kind::Accelerators, accelerator)))?;
        if Precision::by_name(precision).is_none() && KvPrecision::by_name(precision).is_none() {
            return Err(data_error(py, format!("unknown precision \"{precision}\"")));
        }
        let chip = chip(&entry.accelerator, precision)
            .ok_or_else(|| data_error(py, format!("\"{accelerator}\" does not compute in \"{precision}\"")))?;
        let table = Table::read(table)?;
        let columns = family.inputs.iter().map(|input| table.numbers(input.name));
        let columns = columns.collect::<Result<_, _>>().map_err(|problem| problem.into_python(py))?;
        Ok(Self { family, chip, columns })
    }

    /// Predicted seconds of every row for these coefficients, as little-endian doubles.
    ///
    /// ``warm``: operands may sit in the second-level cache, as in a timing loop.
    #[pyo3(signature = (coefficients, *, warm = true))]
    fn times<'py>(&self, py: Python<'py>, coefficients: Vec<f64>, warm: bool) -> PyResult<Bound<'py, PyBytes>> {
        let expected = self.family.coefficients.len();
        if coefficients.len() != expected {
            let message =
                format!("\"{}\" has {expected} coefficients, not \"{}\"", self.family.name, coefficients.len());
            return Err(data_error(py, message));
        }
        let times = py.detach(|| self.family.times(&coefficients, &self.chip, &self.columns, warm));
        let bytes: Vec<u8> = times.into_iter().flat_map(f64::to_le_bytes).collect();
        Ok(PyBytes::new(py, &bytes))
    }
}
