//! `_core.Catalog`: models, accelerators, networks.
use std::path::PathBuf;

use llmsweep_engine::catalog::{Catalog, Kind, hugging_face};
use pyo3::prelude::*;

use crate::errors::catalog_error;

/// The catalogue, read from folders.
#[pyclass(frozen, name = "Catalog", module = "llmsweep._core")]
pub(crate) struct PyCatalog {
    pub(crate) catalog: Catalog,
}

#[pymethods]
impl PyCatalog {
    /// Reads catalogue folders; an entry of a later folder replaces one of an earlier with the same id.
    #[new]
    fn new(py: Python<'_>, directories: Vec<PathBuf>) -> PyResult<Self> {
        let read = py.detach(|| Catalog::from_directories(&directories));
        read.map(|catalog| Self { catalog }).map_err(|error| catalog_error(py, error.to_string()))
    }

    /// Entries of a kind (``models``, ``accelerators``, ``networks``) whose id matches a glob, as JSON.
    #[pyo3(signature = (kind, pattern = "*"))]
    fn list(&self, py: Python<'_>, kind: &str, pattern: &str) -> PyResult<String> {
        Ok(self.catalog.list_json(kind_of(py, kind)?, pattern).to_string())
    }

    /// One entry in full, as JSON.
    fn show(&self, py: Python<'_>, kind: &str, id: &str) -> PyResult<String> {
        let kind = kind_of(py, kind)?;
        let shown = self.catalog.show_json(kind, id);
        shown.map(|entry| entry.to_string()).ok_or_else(|| catalog_error(py, self.catalog.unknown(kind, id)))
    }

    /// How clusters are run (``systems/operations.toml``): constants by name, as JSON.
    fn operations(&self) -> String {
        self.catalog.operations_json().to_string()
    }

    /// Every fitted law as JSON: accelerator, family, precision, engine, coefficients, rows, errors.
    fn kernels(&self) -> String {
        self.catalog.kernels().json().to_string()
    }

    /// Accelerators with fitted laws that stand in for one, nearest first.
    fn relatives(&self, py: Python<'_>, accelerator: &str) -> PyResult<Vec<String>> {
        let entry = self.catalog.accelerator(accelerator);
        let entry = entry.ok_or_else(|| catalog_error(py, self.catalog.unknown(Kind::Accelerators, accelerator)))?;
        Ok(self.catalog.timed_relatives(entry).into_iter().map(str::to_owned).collect())
    }
}

fn kind_of(py: Python<'_>, name: &str) -> PyResult<Kind> {
    Kind::by_name(name).ok_or_else(|| {
        let allowed = Kind::ALL.map(Kind::name).join(", ");
        catalog_error(py, format!("the catalogue has no kind \"{name}\"; allowed are {allowed}"))
    })
}

/// A catalogue entry (TOML) read from the text of a Hugging Face ``config.json``.
///
/// ``file`` is what errors call it.
#[pyfunction]
#[pyo3(signature = (config, id, *, file = "config.json"))]
pub(crate) fn toml_from_hugging_face(py: Python<'_>, config: &str, id: &str, file: &str) -> PyResult<String> {
    hugging_face::toml_from_config(config, id).map_err(|error| catalog_error(py, format!("{file}: {}", error.message)))
}
