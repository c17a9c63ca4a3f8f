//! The doorway between Python and the engine: thin, and the only place that knows both.
#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
use pyo3::prelude::*;

mod batches;
mod catalog;
mod errors;
mod groups;
mod interrupt;
mod laws;
mod named;
mod object;
mod pareto;
mod part;
mod registry;
mod stream;
mod sweep;
mod table;
mod threads;

#[pymodule(gil_used = false)]
mod _core {
    use super::{Bound, PyModule, PyResult, errors};

    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    /// An unoptimised build is many times slower; the package says so.
    #[pymodule_export]
    const DEBUG_BUILD: bool = cfg!(debug_assertions);
    #[pymodule_export]
    use super::batches::PyBatches;
    #[pymodule_export]
    use super::catalog::{PyCatalog, toml_from_hugging_face};
    #[pymodule_export]
    use super::laws::{PyLawFit, laws};
    #[pymodule_export]
    use super::pareto::pareto;
    #[pymodule_export]
    use super::registry::{registry, schema};
    #[pymodule_export]
    use super::sweep::{PyResultRows, PySweep, evaluate};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        errors::register(module)
    }
}
