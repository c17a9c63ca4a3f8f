//! The doorway between Python and the engine: thin, and the only place that knows both.
use pyo3::prelude::*;

mod errors;
mod groups;
mod interrupt;
#[expect(dead_code, reason = "called where Python hands over a specification")]
mod object;
mod pareto;
#[expect(dead_code, reason = "made where a sweep hands rows to Python")]
mod stream;
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
    use super::pareto::pareto;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        errors::register(module)
    }
}
