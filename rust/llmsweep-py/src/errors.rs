//! The exceptions of the package, and the way from the engine's errors to them.
use llmsweep_engine::control::Cancelled;
use llmsweep_engine::node::DocumentError;
use pyo3::exceptions::{PyException, PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// An error that becomes a Python exception once the interpreter is at hand again.
pub(crate) trait IntoPython {
    /// The exception to raise.
    fn into_python(self, py: Python<'_>) -> PyErr;
}

/// What is wrong with a table, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DataProblem(pub(crate) String);

impl IntoPython for DataProblem {
    fn into_python(self, py: Python<'_>) -> PyErr {
        raise(py, Kind::Data, self.0)
    }
}

impl IntoPython for DocumentError {
    fn into_python(self, py: Python<'_>) -> PyErr {
        raise(py, Kind::Spec, self.to_string())
    }
}

impl IntoPython for Cancelled {
    fn into_python(self, _: Python<'_>) -> PyErr {
        PyKeyboardInterrupt::new_err(self.to_string())
    }
}

impl IntoPython for PyErr {
    fn into_python(self, _: Python<'_>) -> PyErr {
        self
    }
}

/// The package's own exception classes.
#[derive(Clone, Copy)]
enum Kind {
    Base,
    Spec,
    Catalog,
    Data,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Base, Self::Spec, Self::Catalog, Self::Data];

    fn name(self) -> &'static str {
        match self {
            Self::Base => "LlmsweepError",
            Self::Spec => "SpecError",
            Self::Catalog => "CatalogError",
            Self::Data => "DataError",
        }
    }

    fn doc(self) -> &'static str {
        match self {
            Self::Base => "Any error that llmsweep raises by itself.",
            Self::Spec => "A sweep specification is wrong.",
            Self::Catalog => "A catalogue entry is wrong or missing.",
            Self::Data => "A table lacks a column or holds values that can't be used.",
        }
    }

    fn class(self, py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
        static CLASSES: [PyOnceLock<Py<PyType>>; 4] = [const { PyOnceLock::new() }; 4];
        let class = CLASSES[self as usize].get_or_try_init(py, || {
            let bases = match self {
                Self::Base => PyTuple::new(py, [py.get_type::<PyException>()])?,
                // A ValueError too, so that a caller who knows nothing of llmsweep catches it.
                _ => PyTuple::new(py, [Self::Base.class(py)?.clone(), py.get_type::<PyValueError>()])?,
            };
            let namespace = PyDict::new(py);
            namespace.set_item("__module__", "llmsweep._core")?;
            namespace.set_item("__doc__", self.doc())?;
            let class = py.get_type::<PyType>().call1((self.name(), bases, namespace))?;
            PyResult::Ok(class.cast_into::<PyType>()?.unbind())
        })?;
        Ok(class.bind(py))
    }
}

fn raise(py: Python<'_>, kind: Kind, message: String) -> PyErr {
    match kind.class(py) {
        Ok(class) => PyErr::from_type(class.clone(), (message,)),
        Err(error) => error,
    }
}

/// A `SpecError`.
pub(crate) fn spec_error(py: Python<'_>, sentence: String) -> PyErr {
    raise(py, Kind::Spec, sentence)
}

/// A `CatalogError`.
pub(crate) fn catalog_error(py: Python<'_>, sentence: String) -> PyErr {
    raise(py, Kind::Catalog, sentence)
}

/// A `DataError`.
pub(crate) fn data_error(py: Python<'_>, sentence: String) -> PyErr {
    raise(py, Kind::Data, sentence)
}

/// Adds the exception classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    Kind::ALL.into_iter().try_for_each(|kind| module.add(kind.name(), kind.class(module.py())?))
}
